//! A store in a bucket of S3, or of any server that speaks its protocol and honours `If-None-Match`.
//!
//! ```text
//! BUCKET/PATH/format                names the layout, and is what the condition is tried on
//! BUCKET/PATH/<kind>/<digest>...    objects, named by `Key::path`
//! ```
//!
//! Every write says `If-None-Match: *`, so the first writer wins wherever the writers are. A put whose reply was lost
//! is answered with 412 when it is repeated: the object is there, and that is success.

mod address;
mod connect;
mod error;
mod open;
mod parts;
mod put;
#[cfg(test)]
mod tests;
mod upload;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use bytes::Bytes;

use crate::{Body, Error, Key, Meta, Prefix, Put, Store};
use address::Address;
pub use address::{Encryption, S3Options};
pub use open::read_s3;

/// Keys that one request lists.
const PAGE: usize = 1_000;

/// No object is larger than this; ranges beyond it are clamped, because servers read them as signed numbers.
const MOST: u64 = i64::MAX as u64;

/// A store in a bucket.
#[derive(Clone)]
pub struct S3Store {
    bucket: Arc<Bucket>,
}

/// A place in a bucket, and the way there.
struct Bucket {
    client: Client,
    address: Address,
    encryption: Encryption,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Store({})", self.bucket.address)
    }
}

impl Bucket {
    fn failed<E>(&self, action: &'static str, name: &str, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        error::failed(action, self.address.shown(name), error)
    }

    async fn head(&self, name: &str) -> Result<Option<Meta>, Error> {
        let reply = self.client.head_object().bucket(&self.address.bucket).key(name).send().await;
        match reply {
            Ok(reply) => Ok(Some(Meta {
                size: reply.content_length().unwrap_or(0).unsigned_abs(),
                // Of an object that does not say how old it is nobody may think that it is old.
                modified: reply
                    .last_modified()
                    .and_then(|modified| SystemTime::try_from(*modified).ok())
                    .unwrap_or_else(SystemTime::now),
            })),
            Err(error) if error::is_absent(&error) => Ok(None),
            Err(error) => Err(self.failed("look at", name, &error)),
        }
    }

    async fn get(&self, name: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        let Some(range) = range else { return self.fetch(name, None).await };
        if range.start >= range.end || range.start >= MOST {
            return Ok(self.head(name).await?.map(|_| Bytes::new()));
        }
        self.fetch(name, Some(range.start..range.end.min(MOST))).await
    }

    async fn fetch(&self, name: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        let header = range.as_ref().map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let request = self.client.get_object().bucket(&self.address.bucket).key(name).set_range(header);
        let reply = match request.send().await {
            Ok(reply) => reply,
            Err(error) if error::is_absent(&error) => return Ok(None),
            // The range starts beyond the end.
            Err(error) if error::status(&error) == Some(416) => return Ok(Some(Bytes::new())),
            Err(error) => return Err(self.failed("read", name, &error)),
        };
        let is_whole = reply.content_range().is_none();
        let body = reply.body.collect().await;
        let body =
            body.map_err(|error| error::broken("read", self.address.shown(name), &error))?.into_bytes();
        Ok(Some(match range {
            // A server may answer with the whole object.
            Some(range) if is_whole => slice(&body, &range),
            _ => body,
        }))
    }

    /// One page of names, and whether there are more.
    async fn page(&self, prefix: &str, after: Option<String>) -> Result<(Vec<String>, bool), Error> {
        let request = self.client.list_objects_v2().bucket(&self.address.bucket);
        let reply = request.prefix(prefix).set_start_after(after).max_keys(PAGE as i32).send().await;
        let reply = reply.map_err(|error| self.failed("list", prefix, &error))?;
        let more = reply.is_truncated() == Some(true);
        let names = reply.contents.unwrap_or_default().into_iter();
        Ok((names.filter_map(|object| object.key).collect(), more))
    }
}

#[async_trait]
impl Store for S3Store {
    async fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.bucket.head(&self.bucket.address.name(&key.path())).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        self.bucket.get(&self.bucket.address.name(&key.path()), range).await
    }

    async fn put_if_absent(&self, key: &Key, body: Body) -> Result<Put, Error> {
        put::put_if_absent(&self.bucket, key, body).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>, max: usize) -> Result<Vec<Key>, Error> {
        let address = &self.bucket.address;
        let below = prefix.path();
        let mut after = match after.map(Key::path) {
            Some(after) if after > below && !after.starts_with(&below) => return Ok(Vec::new()),
            Some(after) if after > below => Some(address.name(&after)),
            _ => None,
        };
        let mut keys = Vec::new();
        // A page may hold nothing but strangers.
        while keys.len() < max {
            let (names, more) = self.bucket.page(&address.name(&below), after.take()).await?;
            let known = names.iter().filter_map(|name| Key::from_path(address.below(name)?));
            keys.extend(known.take(max - keys.len()));
            match names.into_iter().next_back() {
                Some(last) if more => after = Some(last),
                _ => break,
            }
        }
        Ok(keys)
    }

    async fn touch(&self, key: &Key) -> Result<bool, Error> {
        put::touch(&self.bucket, &self.bucket.address.name(&key.path())).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        let name = self.bucket.address.name(&key.path());
        // S3 does not say whether there was anything to delete.
        if self.bucket.head(&name).await?.is_none() {
            return Ok(false);
        }
        let request = self.bucket.client.delete_object().bucket(&self.bucket.address.bucket).key(&name);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error::is_absent(&error) => Ok(false),
            Err(error) => Err(self.bucket.failed("delete", &name, &error)),
        }
    }
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (clamp(range.start), clamp(range.end));
    if start < end { bytes.slice(start..end) } else { Bytes::new() }
}
