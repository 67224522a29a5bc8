//! Opening a store: its format, and the proof that its server honours the condition every write relies on.

use std::sync::Arc;

use bytes::Bytes;

use super::address::Address;
use super::connect::{self, Way};
use super::put::{Written, put};
use super::upload::Upload;
use super::{Bucket, S3Options, S3Store};
use crate::{Error, Put};

const FORMAT: &str = "plimsoll store 1\n";

impl S3Store {
    /// Opens the store at `s3://BUCKET/PATH`. What the address's query says (`endpoint`, `region`, `encryption`,
    /// `kms_key`) goes before `options`.
    ///
    /// The object `format` is put twice, and a third time as an upload in parts. A server that takes it again
    /// ignores the condition: with it two writers could overwrite each other, so it is refused.
    pub async fn open(url: &str, options: S3Options) -> Result<Self, Error> {
        Self::open_with(url, options, Way::https()).await
    }

    pub(super) async fn open_with(url: &str, options: S3Options, way: Way) -> Result<Self, Error> {
        let store = Self { bucket: Arc::new(bucket(url, options, way).await?) };
        store.prove_condition().await?;
        Ok(store)
    }

    async fn prove_condition(&self) -> Result<(), Error> {
        let name = self.bucket.address.name("format");
        let ignored = |request| Error::Unconditional { address: self.bucket.address.to_string(), request };
        if self.put_format(&name).await? == Put::Created && self.put_format(&name).await? == Put::Created {
            return Err(ignored("PutObject"));
        }
        let found = self.bucket.get(&name, Some(0..100)).await?.unwrap_or_default();
        if found != FORMAT.as_bytes() {
            let found = String::from_utf8_lossy(&found).into_owned();
            return Err(Error::Format { path: self.bucket.address.shown(&name).into(), found });
        }
        let mut upload = Upload::begin(&self.bucket, name).await?;
        upload.part(Bytes::from_static(FORMAT.as_bytes())).await?;
        match upload.complete().await? {
            Put::Created => Err(ignored("CompleteMultipartUpload")),
            Put::Existed => Ok(()),
        }
    }

    async fn put_format(&self, name: &str) -> Result<Put, Error> {
        match put(&self.bucket, name, Bytes::from_static(FORMAT.as_bytes())).await? {
            Written::Done(put) => Ok(put),
            // Another process opens the same store at this instant.
            Written::Contended(_) => Ok(Put::Existed),
        }
    }
}

/// The object at `s3://BUCKET/NAME`, which need not belong to a store: a policy, an allowlist. `None` if it is not
/// there; more than `limit` bytes are an error.
pub async fn read_s3(url: &str, options: S3Options, limit: u64) -> Result<Option<Bytes>, Error> {
    let bucket = bucket(url, options, Way::https()).await?;
    if bucket.address.path.is_empty() {
        return Err(Error::Address { address: url.to_owned(), why: "it names a bucket and no object in it" });
    }
    let object = bucket.get(&bucket.address.path, Some(0..limit.saturating_add(1))).await?;
    match object {
        Some(bytes) if bytes.len() as u64 > limit => Err(Error::TooLarge { key: url.to_owned(), limit }),
        object => Ok(object),
    }
}

async fn bucket(url: &str, options: S3Options, way: Way) -> Result<Bucket, Error> {
    let (address, options) = Address::parse(url, options)?;
    let client = connect::client(&options, way).await;
    Ok(Bucket { client, address, encryption: options.encryption })
}
