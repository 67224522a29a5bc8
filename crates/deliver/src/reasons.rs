//! The reasons of a verdict, out of its document.

use bytes::Bytes;
use plimsoll_store::{Key, Store};
use plimsoll_types::Digest;
use plimsoll_types::report;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::clip::clip;
use crate::event::Reason;

/// Documents larger than this are left for the receiver to fetch.
const MAX_DOCUMENT: u64 = 64 << 20;
/// The longest gate, trigger or trigger id.
const MAX_NAME: usize = 512;
/// The longest message of a reason.
const MAX_MESSAGE: usize = 1024;

/// The worst reasons that count, and how many count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reasons {
    pub(crate) worst: Vec<Reason>,
    pub(crate) total: usize,
}

/// The part of a document that is read.
#[derive(Deserialize)]
struct Document {
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    reasons: Vec<report::Reason>,
}

/// At most `max` reasons of the document. `None` if it is lost, damaged or too large: a verdict is worth telling
/// without them.
pub(crate) async fn reasons(
    store: &dyn Store,
    document: Digest,
    max: usize,
) -> Result<Option<Reasons>, plimsoll_store::Error> {
    let bytes = store.get(&Key::Verdict(document), Some(0..MAX_DOCUMENT + 1)).await?;
    let read = match bytes {
        None => Err("it is not in the store"),
        Some(bytes) if bytes.len() as u64 > MAX_DOCUMENT => Err("it is too large"),
        Some(bytes) => tokio::task::spawn_blocking(move || read(&bytes, document, max))
            .await
            .unwrap_or(Err("reading it panicked")),
    };
    Ok(read.inspect_err(|why| tracing::warn!(%document, why, "a callback goes without its reasons")).ok())
}

fn read(bytes: &Bytes, document: Digest, max: usize) -> Result<Reasons, &'static str> {
    if Digest::from_bytes(Sha256::digest(bytes).into()) != document {
        return Err("it is damaged");
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|_| "it is not a verdict document")?;
    // Worst first in the document.
    let counting = document.verdict.reasons.into_iter().filter(|reason| reason.allowlisted.is_none());
    let mut all = counting.map(|reason| Reason {
        gate: clip(&reason.gate, MAX_NAME).into_owned(),
        trigger: clip(&reason.trigger, MAX_NAME).into_owned(),
        action: reason.action,
        trigger_id: clip(&reason.trigger_id, MAX_NAME).into_owned(),
        message: clip(&reason.message, MAX_MESSAGE).into_owned(),
    });
    let worst: Vec<_> = all.by_ref().take(max).collect();
    let total = worst.len() + all.count();
    Ok(Reasons { worst, total })
}

#[cfg(test)]
mod tests {
    use plimsoll_store::MemoryStore;

    use super::*;

    async fn store_with(key: Option<Digest>, bytes: &'static str) -> (MemoryStore, Digest) {
        let store = MemoryStore::new();
        let digest = key.unwrap_or_else(|| Digest::from_bytes(Sha256::digest(bytes).into()));
        store.put_if_absent(&Key::Verdict(digest), Bytes::from(bytes).into()).await.unwrap();
        (store, digest)
    }

    const THREE: &str = r#"{"packages": [{"any": "thing"}], "verdict": {"status": "fail", "reasons": [
        {"gate": "vulnerabilities", "trigger": "package", "action": "stop", "trigger_id": "CVE-1+a", "message": "bad",
         "allowlisted": {"list": "ours", "reason": null, "expires": null}},
        {"gate": "vulnerabilities", "trigger": "package", "action": "stop", "trigger_id": "CVE-2+a", "message": "bad",
         "allowlisted": null},
        {"gate": "files", "trigger": "name", "action": "warn", "trigger_id": "x", "message": "odd", "allowlisted": null}
    ]}}"#;

    #[tokio::test]
    async fn the_worst_that_count_are_told_and_all_are_counted() {
        let (store, digest) = store_with(None, THREE).await;
        let one = reasons(&store, digest, 1).await.unwrap().unwrap();
        assert_eq!((one.worst.len(), one.worst[0].trigger_id.as_str(), one.total), (1, "CVE-2+a", 2));
        let none = reasons(&store, digest, 0).await.unwrap().unwrap();
        assert_eq!((none.worst.len(), none.total), (0, 2));
    }

    #[tokio::test]
    async fn a_document_that_is_lost_damaged_or_strange_gives_none() {
        let other = Digest::from_bytes([9; 32]);
        let (damaged, _) = store_with(Some(other), THREE).await;
        assert_eq!(reasons(&damaged, other, 9).await.unwrap(), None);
        assert_eq!(reasons(&MemoryStore::new(), other, 9).await.unwrap(), None);
        let (strange, digest) = store_with(None, r#"{"verdict": []}"#).await;
        assert_eq!(reasons(&strange, digest, 9).await.unwrap(), None);
    }
}
