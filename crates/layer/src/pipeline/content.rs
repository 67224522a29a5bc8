//! Step 3: the uncompressed bytes, hashed on their way to the walk.

use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_types::Digest;
use sha2::{Digest as _, Sha256};

use super::channel::Tap;

/// The digest of the whole uncompressed layer; none if the stream broke off, or if `known` says, before the
/// first bytes come, that the blob's digest is the layer's.
pub(crate) fn hash(tap: Tap, known: &AtomicBool) -> Option<Digest> {
    let mut hasher = Sha256::new();
    let ended = tap.run(|bytes| {
        if !known.load(Ordering::Acquire) {
            hasher.update(bytes);
        }
    });
    (ended && !known.load(Ordering::Acquire)).then(|| Digest::from_bytes(hasher.finalize().into()))
}
