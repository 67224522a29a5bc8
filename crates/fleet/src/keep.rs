//! Objects that something comes to rely on.
//!
//! Garbage collection deletes what nothing names and what is old. What is about to be named has to be young, then:
//! written just now, or touched.

use std::time::Duration;

use bytes::Bytes;
use plimsoll_store::{Key, Store};

use crate::Error;

/// What is older than this is made young before it is relied on. Much less than a grace period, and much more than
/// the time from looking at an object to a row that names it.
pub(crate) const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// True if `key` is there, and will be for as long as it takes to name it.
pub(crate) async fn rely(store: &dyn Store, key: &Key) -> Result<bool, Error> {
    let Some(meta) = store.head(key).await? else { return Ok(false) };
    // A clock that is behind that of the store makes things seem younger than new.
    if meta.modified.elapsed().is_ok_and(|age| age > STALE) {
        return Ok(store.touch(key).await?);
    }
    Ok(true)
}

/// Sees to it that `key` holds `bytes`, for as long as it takes to name it.
///
/// Looks first: most of what is kept is there already, and a look costs less than a put that finds it there.
pub(crate) async fn keep(store: &dyn Store, key: &Key, bytes: Bytes) -> Result<(), Error> {
    if !rely(store, key).await? {
        store.put_if_absent(key, bytes.into()).await?;
    }
    Ok(())
}
