//! A store in memory: for tests, and for scans that keep nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::{Bound, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncReadExt;

use crate::{Body, Error, Key, Meta, Prefix, Put, Store};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<String, Object>>,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    modified: SystemTime,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No code runs user code under this lock, so a poisoned map is still a sound one.
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let objects = self.objects();
        let object = objects.get(&key.path());
        Ok(object.map(|object| Meta { size: object.bytes.len() as u64, modified: object.modified }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        let Some(Object { bytes, .. }) = self.objects().get(&key.path()).cloned() else { return Ok(None) };
        let Some(range) = range else { return Ok(Some(bytes)) };
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let (start, end) = (clamp(range.start), clamp(range.end));
        Ok(Some(if start < end { bytes.slice(start..end) } else { Bytes::new() }))
    }

    async fn put_if_absent(&self, key: &Key, body: Body) -> Result<Put, Error> {
        let path = key.path();
        if self.objects().contains_key(&path) {
            return Ok(Put::Existed);
        }
        let bytes = collect(key, body).await?;
        Ok(match self.objects().entry(path) {
            Entry::Vacant(free) => {
                free.insert(Object { bytes, modified: SystemTime::now() });
                Put::Created
            }
            Entry::Occupied(_) => Put::Existed,
        })
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>, max: usize) -> Result<Vec<Key>, Error> {
        let prefix = prefix.path();
        let start = match after.map(Key::path) {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix.clone()),
        };
        let objects = self.objects();
        let below = objects.range((start, Bound::Unbounded)).map(|(path, _)| path);
        Ok(below
            .take_while(|path| path.starts_with(&prefix))
            .filter_map(|path| Key::from_path(path))
            .take(max)
            .collect())
    }

    async fn touch(&self, key: &Key) -> Result<bool, Error> {
        let mut objects = self.objects();
        let object = objects.get_mut(&key.path());
        Ok(object.map(|object| object.modified = SystemTime::now()).is_some())
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.objects().remove(&key.path()).is_some())
    }
}

async fn collect(key: &Key, body: Body) -> Result<Bytes, Error> {
    let (mut reader, size) = match body {
        Body::Bytes(bytes) => return Ok(bytes),
        Body::Reader { reader, size } => (reader, size),
    };
    let mut bytes = Vec::new();
    let limit = size.map_or(u64::MAX, |size| size.saturating_add(1));
    let read = (&mut reader).take(limit).read_to_end(&mut bytes).await;
    let found = read.map_err(|source| Error::Body { key: key.path(), source })? as u64;
    match size {
        Some(expected) if expected != found => Err(Error::BodySize { key: key.path(), expected, found }),
        _ => Ok(bytes.into()),
    }
}
