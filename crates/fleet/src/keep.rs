//! Objects that something comes to rely on.
//!
//! Garbage collection deletes what nothing names and what is old. What is about to be named has to be young, then:
//! written just now, or touched.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use plimsoll_store::{Key, Put, Store};

use crate::{Engine, Error};

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

/// Attempts to put what is there whenever it is put, and is not whenever it is looked for.
const ATTEMPTS: u32 = 3;

/// Sees to it that `key` holds `bytes`, for as long as it takes to name it. Looks first, for what is there already.
pub(crate) async fn keep_up(store: &dyn Store, key: &Key, bytes: Bytes) -> Result<(), Error> {
    if rely(store, key).await? {
        return Ok(());
    }
    for _ in 0..ATTEMPTS {
        if store.put_if_absent(key, bytes.clone().into()).await? == Put::Created || rely(store, key).await? {
            return Ok(());
        }
    }
    Err(Error::Vanished { key: key.path() })
}

/// As [`keep_up`], but puts first what this engine has not met before: a look would find nothing.
pub(crate) async fn keep(engine: &Engine, key: &Key, bytes: Bytes) -> Result<(), Error> {
    let store = &*engine.store;
    if !engine.met.meet(key) && store.put_if_absent(key, bytes.clone().into()).await? == Put::Created {
        return Ok(());
    }
    keep_up(store, key, bytes).await
}

/// What was met lately. Says in which order to ask and nothing else, so it may be wrong.
#[derive(Default)]
pub(crate) struct Met(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashSet<String>,
    old: HashSet<String>,
}

impl Met {
    /// Keys of a generation; with its paths some megabytes.
    const MOST: usize = 16 * 1024;

    /// True if `key` was met before.
    fn meet(&self, key: &Key) -> bool {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let path = key.path();
        let met = generations.young.contains(&path) || generations.old.contains(&path);
        if generations.young.len() >= Self::MOST {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(path);
        met
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::Digest;

    use super::*;

    #[test]
    fn what_was_met_is_remembered_for_a_while() {
        let met = Met::default();
        let key = |number: u32| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            Key::Manifest(Digest::from_bytes(bytes))
        };
        assert!(!met.meet(&key(0)));
        assert!(met.meet(&key(0)));
        for number in 1..=2 * Met::MOST as u32 {
            assert!(!met.meet(&key(number)), "{number}");
        }
        assert!(!met.meet(&key(0)), "it is long ago");
    }
}
