//! What an installation judges by, as long as a scan says nothing else; and what a verdict was judged by.

use std::sync::Arc;

use plimsoll_knowledge::Snapshot;
use plimsoll_oci::digest_of;
use plimsoll_policy::{Allowlist, Policy};
use plimsoll_state::ClaimedTarget;
use plimsoll_store::{Body, Key, Store};
use plimsoll_types::Digest;
use tokio::io::AsyncWriteExt;

use crate::keep::{keep_up, rely};
use crate::replay::Inputs;
use crate::{Engine, Error};

/// Bytes of a snapshot read from the store at a time.
const PIECE: u64 = 8 << 20;

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
    /// Puts all of it into the store, by hash, so that whoever has the store can replay what is judged by it. To be done
    /// before it is judged by, and again as long as it is: what is not used for long is forgotten there.
    pub async fn publish(&self, store: &dyn Store) -> Result<(), Error> {
        let policy = self.policy.text().to_owned();
        keep_up(store, &Key::Policy(self.policy.digest()), policy.into()).await?;
        for list in self.allowlists.iter() {
            if let Some(text) = list.text() {
                keep_up(store, &Key::Policy(list.digest()), text.to_owned().into()).await?;
            }
        }
        let Some(snapshot) = &self.knowledge else { return Ok(()) };
        let key = Key::Snapshot(snapshot.digest());
        if !rely(store, &key).await? {
            let file = snapshot.file()?;
            let size = file.metadata().map_err(Error::Temporary)?.len();
            let body = Body::reader(tokio::fs::File::from_std(file), Some(size));
            store.put_if_absent(&key, body).await?;
        }
        Ok(())
    }

    /// The rules for one target: what it asks for by digest is read from the store.
    pub(crate) async fn for_target(&self, engine: &Engine, target: &ClaimedTarget) -> Result<Self, Error> {
        let mut rules = self.clone();
        if let Some(digest) = target.policy {
            rules.policy = Arc::new(policy(engine, digest).await?);
        }
        if !target.allowlists.is_empty() {
            let mut allowlists = self.allowlists.to_vec();
            for digest in &target.allowlists {
                allowlists.push(allowlist(engine, *digest).await?);
            }
            rules.allowlists = allowlists.into();
        }
        Ok(rules)
    }

    /// What a verdict was judged by: of `self` what has the right digest, and everything else from the store.
    pub(crate) async fn as_named(&self, engine: &Engine, inputs: &Inputs) -> Result<Self, Error> {
        let policy = if self.policy.digest() == inputs.policy {
            Arc::clone(&self.policy)
        } else {
            Arc::new(policy(engine, inputs.policy).await.map_err(|error| elsewhere(error, "policy"))?)
        };
        let mut allowlists = Vec::with_capacity(inputs.allowlists.len());
        for digest in &inputs.allowlists {
            allowlists.push(match self.allowlists.iter().find(|list| list.digest() == *digest) {
                Some(list) => list.clone(),
                None => allowlist(engine, *digest).await.map_err(|error| elsewhere(error, "allowlist"))?,
            });
        }
        let given = self.knowledge.as_ref().filter(|snapshot| Some(snapshot.digest()) == inputs.knowledge);
        let knowledge = match (inputs.knowledge, given) {
            (None, _) => None,
            (Some(_), Some(snapshot)) => Some(Arc::clone(snapshot)),
            (Some(digest), None) => Some(Arc::new(snapshot(engine, digest).await?)),
        };
        Ok(Self { policy, allowlists: allowlists.into(), knowledge })
    }
}

async fn policy(engine: &Engine, digest: Digest) -> Result<Policy, Error> {
    let text = text(engine, digest).await?;
    Policy::parse(&text).map_err(|mistakes| Error::Rules { digest, why: mistakes.to_string() })
}

/// An allowlist without a name is called by its digest: where it lay when it was read says nothing.
async fn allowlist(engine: &Engine, digest: Digest) -> Result<Allowlist, Error> {
    let text = text(engine, digest).await?;
    Allowlist::parse(&text, &digest.to_string())
        .map_err(|mistakes| Error::Rules { digest, why: mistakes.to_string() })
}

async fn text(engine: &Engine, digest: Digest) -> Result<String, Error> {
    let bytes = engine.store.get(&Key::Policy(digest), None).await?;
    let bytes = bytes.ok_or(Error::NoRules { digest })?;
    let wrong = |why: &str| Error::Rules { digest, why: why.to_owned() };
    if digest_of(&bytes) != digest {
        return Err(wrong("what the store has by this digest is damaged; put it there again"));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong("not UTF-8"))
}

/// For somebody who can name a file instead.
fn elsewhere(error: Error, what: &'static str) -> Error {
    match error {
        Error::NoRules { digest } => Error::OtherInput { what, digest },
        error => error,
    }
}

/// A snapshot of the store, in a file without a name.
async fn snapshot(engine: &Engine, digest: Digest) -> Result<Snapshot, Error> {
    let key = Key::Snapshot(digest);
    let missing = || Error::OtherInput { what: "knowledge snapshot", digest };
    let size = engine.store.head(&key).await?.ok_or_else(missing)?.size;
    let named = tempfile::NamedTempFile::new().map_err(Error::Temporary)?;
    let file = named.as_file().try_clone().map_err(Error::Temporary)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut at = 0;
    while at < size {
        let piece = engine.store.get(&key, Some(at..at.saturating_add(PIECE).min(size))).await?;
        let piece = piece.filter(|piece| !piece.is_empty()).ok_or_else(missing)?;
        file.write_all(&piece).await.map_err(Error::Temporary)?;
        at = at.saturating_add(piece.len() as u64);
    }
    file.flush().await.map_err(Error::Temporary)?;
    let snapshot = Snapshot::open(named.path())?;
    // It has the file open, which lasts without a name.
    if snapshot.digest() == digest { Ok(snapshot) } else { Err(missing()) }
}
