//! What scans are judged by: loaded at the start, and again whenever one of the files is another one. What comes
//! from a URL is read again with them, and not by itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use plimsoll_fleet::Rulebook;
use tokio::sync::watch;

use super::args::RuleArgs;
use crate::failure::Failure;
use crate::inputs;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The rules, and a task that puts new ones in their place. A file that cannot be read leaves the old rules in force.
pub(super) async fn rules(arguments: RuleArgs) -> Result<watch::Receiver<Rulebook>, Failure> {
    let mut seen = look(&arguments);
    let (sender, receiver) = watch::channel(load(&arguments).await?);
    tokio::spawn(async move {
        while !sender.is_closed() {
            tokio::time::sleep(LOOK).await;
            let now = look(&arguments);
            if now == seen {
                continue;
            }
            match load(&arguments).await {
                Ok(rules) => {
                    let knowledge = rules.knowledge.as_ref().map(|snapshot| snapshot.digest().to_string());
                    tracing::info!(policy = %rules.policy.digest(), knowledge, "new rules");
                    sender.send_replace(rules);
                }
                Err(failure) => tracing::error!(%failure, "the new rules cannot be read; the old ones stay"),
            }
            seen = now;
        }
    });
    Ok(receiver)
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
fn look(arguments: &RuleArgs) -> Vec<Option<(u64, Option<SystemTime>)>> {
    let files = arguments.db.iter().map(PathBuf::as_path);
    let files = files.chain(arguments.policy.iter().chain(&arguments.allowlists).map(Path::new));
    files.map(|file| file.metadata().ok().map(|meta| (meta.len(), meta.modified().ok()))).collect()
}
