//! The seam of this crate.

use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Body, Error, Key, Prefix};

/// Bytes under typed keys, written once.
///
/// Methods fail only where the backend does; that something is not there is an answer, not an error. Callers
/// retry by [`Error::retry`]; every method may be repeated after any failure, also one whose reply was lost.
#[async_trait]
pub trait Store: Send + Sync {
    /// Whether `key` is there, how large and how young.
    async fn head(&self, key: &Key) -> Result<Option<Meta>, Error>;

    /// The bytes of `key`, or those of `range` in bytes. A range is clamped to the object: what lies beyond its
    /// end, or ends before it starts, is empty. Large objects (snapshots) are read range by range.
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error>;

    /// Writes `body` unless `key` is there already; of several writers the first wins. On `Ok` the whole object
    /// is there for every later reader; on an error nothing of it ever is, though the object may be there whole
    /// if only the reply was lost. `body` may not have been read to its end when the key was there.
    async fn put_if_absent(&self, key: &Key, body: Body) -> Result<Put, Error>;

    /// At most `max` keys below `prefix`, in order of [`Key::path`], that come after `after`. Fewer than `max`
    /// means that there are no more. Keys written or deleted meanwhile may or may not be among them.
    async fn list(&self, prefix: &Prefix, after: Option<&Key>, max: usize) -> Result<Vec<Key>, Error>;

    /// Makes `key` as young as if it were written now; true if it is there. For those who come to rely on an object
    /// that nothing may have named for long: garbage collection leaves young objects alone.
    async fn touch(&self, key: &Key) -> Result<bool, Error>;

    /// Deletes `key`; true if it was there. For garbage collection, and for whoever finds an object damaged.
    async fn delete(&self, key: &Key) -> Result<bool, Error>;
}

/// What is known of an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Size in bytes.
    pub size: u64,
    /// When it was written or touched, by the clock of whatever keeps it, to the second or better.
    pub modified: SystemTime,
}

/// How a put ended. Both are success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// This call wrote the object.
    Created,
    /// It was there already.
    Existed,
}
