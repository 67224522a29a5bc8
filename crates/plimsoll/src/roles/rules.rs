//! What scans are judged by: loaded at the start, and again whenever one of the files is another one. What comes
//! from a URL is read again every minute. Before anything is judged by them they are put into the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use plimsoll_fleet::Rulebook;
use plimsoll_policy::Allowlist;
use plimsoll_store::Store;
use plimsoll_types::Digest;
use tokio::sync::watch;

use super::args::RuleArgs;
use crate::failure::Failure;
use crate::inputs;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How often what a URL names is read, and what could not be read is tried again at the latest.
const FETCH: Duration = Duration::from_secs(60);

/// How often rules in force are shown to the store again, where garbage collection forgets what is not used.
const PUBLISH: Duration = Duration::from_secs(60 * 60);

/// The rules, and a task that puts new ones in their place. A file that cannot be read leaves the old rules in force.
pub(super) async fn rules(
    arguments: RuleArgs,
    store: Arc<dyn Store>,
) -> Result<watch::Receiver<Rulebook>, Failure> {
    let seen = look(&arguments);
    let rules = load(&arguments).await?;
    rules.publish(&*store).await?;
    let (sender, receiver) = watch::channel(rules);
    let mut keeper =
        Keeper { arguments, store, sender, seen, published: Instant::now(), pause: LOOK, again: None };
    keeper.again = keeper.next_fetch();
    tokio::spawn(keeper.run());
    Ok(receiver)
}

/// Keeps the rules what the files say.
struct Keeper {
    arguments: RuleArgs,
    store: Arc<dyn Store>,
    sender: watch::Sender<Rulebook>,
    seen: Vec<Seen>,
    published: Instant,
    /// How long it was waited after what could not be read.
    pause: Duration,
    /// When the rules are read whatever the files look like.
    again: Option<Instant>,
}

impl Keeper {
    async fn run(mut self) {
        while !self.sender.is_closed() {
            tokio::time::sleep(LOOK).await;
            let now = look(&self.arguments);
            if now != self.seen || self.again.is_some_and(|at| at <= Instant::now()) {
                self.exchange(now).await;
            } else if self.published.elapsed() > PUBLISH {
                let rules = self.sender.borrow().clone();
                self.publish(&rules).await;
            }
        }
    }

    /// Nothing tells when what a URL names is another one.
    fn next_fetch(&self) -> Option<Instant> {
        let places = self.arguments.policy.iter().chain(&self.arguments.allowlists);
        places.into_iter().any(|place| place.contains("://")).then(|| Instant::now() + FETCH)
    }

    async fn exchange(&mut self, now: Vec<Seen>) {
        let rules = match load(&self.arguments).await {
            Ok(rules) => rules,
            Err(failure) => {
                tracing::error!(%failure, "the new rules cannot be read; the old ones stay");
                self.seen = now;
                // Another place than that of the new file may be the one that is away, and come back.
                self.again = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(FETCH);
                return;
            }
        };
        self.pause = LOOK;
        self.again = self.next_fetch();
        if names(&rules) == names(&self.sender.borrow()) {
            self.seen = now;
            return;
        }
        // What nobody could replay is judged by nobody. The store is back soon, and then this is tried again.
        if self.publish(&rules).await {
            let knowledge = rules.knowledge.as_ref().map(|snapshot| snapshot.digest().to_string());
            tracing::info!(policy = %rules.policy.digest(), knowledge, "new rules");
            self.sender.send_replace(rules);
            self.seen = now;
        } else {
            self.again = Some(Instant::now());
        }
    }

    async fn publish(&mut self, rules: &Rulebook) -> bool {
        match rules.publish(&*self.store).await {
            Ok(()) => {
                self.published = Instant::now();
                true
            }
            Err(error) => {
                tracing::error!(%error, "the rules cannot be put into the store");
                false
            }
        }
    }
}

/// By what rules are told from others.
fn names(rules: &Rulebook) -> (Digest, Vec<Digest>, Option<Digest>) {
    let allowlists = rules.allowlists.iter().map(Allowlist::digest).collect();
    (rules.policy.digest(), allowlists, rules.knowledge.as_ref().map(|snapshot| snapshot.digest()))
}

/// The rules the arguments name.
pub(super) async fn load(arguments: &RuleArgs) -> Result<Rulebook, Failure> {
    let policy = inputs::policy(arguments.policy.as_deref()).await?;
    let mut allowlists = Vec::new();
    for place in &arguments.allowlists {
        allowlists.push(inputs::allowlist(place).await?);
    }
    let knowledge = arguments.db.as_deref().map(inputs::snapshot).transpose()?;
    Ok(Rulebook {
        policy: Arc::new(policy),
        allowlists: allowlists.into(),
        knowledge: knowledge.map(Arc::new),
    })
}

/// What tells one file from another in its place.
type Seen = Option<(u64, Option<SystemTime>)>;

fn look(arguments: &RuleArgs) -> Vec<Seen> {
    let files = arguments.db.iter().map(PathBuf::as_path);
    let files = files.chain(arguments.policy.iter().chain(&arguments.allowlists).map(Path::new));
    files.map(|file| file.metadata().ok().map(|meta| (meta.len(), meta.modified().ok()))).collect()
}
