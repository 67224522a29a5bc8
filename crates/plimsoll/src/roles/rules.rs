//! What scans are judged by: loaded at the start, and again whenever one of the files is another one. What comes
//! from a URL is read again with them, and not by itself. Before anything is judged by them they are put into the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use plimsoll_fleet::Rulebook;
use plimsoll_store::Store;
use tokio::sync::watch;

use super::args::RuleArgs;
use crate::failure::Failure;
use crate::inputs;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

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
    let keeper = Keeper { arguments, store, sender, seen, published: Instant::now() };
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
}

impl Keeper {
    async fn run(mut self) {
        while !self.sender.is_closed() {
            tokio::time::sleep(LOOK).await;
            let now = look(&self.arguments);
            if now != self.seen {
                self.exchange(now).await;
            } else if self.published.elapsed() > PUBLISH {
                let rules = self.sender.borrow().clone();
                self.publish(&rules).await;
            }
        }
    }

    async fn exchange(&mut self, now: Vec<Seen>) {
        let rules = match load(&self.arguments).await {
            Ok(rules) => rules,
            Err(failure) => {
                tracing::error!(%failure, "the new rules cannot be read; the old ones stay");
                self.seen = now;
                return;
            }
        };
        // What nobody could replay is judged by nobody. The store is back soon, and then this is tried again.
        if self.publish(&rules).await {
            let knowledge = rules.knowledge.as_ref().map(|snapshot| snapshot.digest().to_string());
            tracing::info!(policy = %rules.policy.digest(), knowledge, "new rules");
            self.sender.send_replace(rules);
            self.seen = now;
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
