//! What an installation judges by, as long as a scan says nothing else.

use std::sync::Arc;

use plimsoll_knowledge::Snapshot;
use plimsoll_policy::{Allowlist, Policy};
use plimsoll_state::ClaimedTarget;
use plimsoll_store::Key;
use plimsoll_types::Digest;

use crate::{Engine, Error};

/// Policy, allowlists and knowledge. Immutable: to change them a new one is put in its place, and verdicts that are
/// being computed end with the one they began with.
#[derive(Clone)]
pub struct Rulebook {
    /// The policy of scans that name none.
    pub policy: Arc<Policy>,
    /// Allowlists for every scan.
    pub allowlists: Arc<[Allowlist]>,
    /// The knowledge snapshot.
    pub knowledge: Option<Arc<Snapshot>>,
}

impl Rulebook {
    /// The rules for one target: what it asks for by digest is read from the store.
    pub(crate) async fn for_target(&self, engine: &Engine, target: &ClaimedTarget) -> Result<Self, Error> {
        let mut rules = self.clone();
        if let Some(digest) = target.policy {
            let text = text(engine, digest).await?;
            let policy = Policy::parse(&text)
                .map_err(|mistakes| Error::Rules { digest, why: mistakes.to_string() })?;
            rules.policy = Arc::new(policy);
        }
        if !target.allowlists.is_empty() {
            let mut allowlists = self.allowlists.to_vec();
            for digest in &target.allowlists {
                let list = Allowlist::parse(&text(engine, *digest).await?, &digest.to_string())
                    .map_err(|mistakes| Error::Rules { digest: *digest, why: mistakes.to_string() })?;
                allowlists.push(list);
            }
            rules.allowlists = allowlists.into();
        }
        Ok(rules)
    }
}

async fn text(engine: &Engine, digest: Digest) -> Result<String, Error> {
    let missing = |why: &str| Error::Rules { digest, why: why.to_owned() };
    let bytes = engine.store.get(&Key::Policy(digest), None).await?;
    let bytes = bytes.ok_or_else(|| missing("the store has nothing by this digest; put it there first"))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| missing("not UTF-8"))
}
