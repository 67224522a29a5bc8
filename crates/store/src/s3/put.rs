//! Writing, on the condition that nothing is there.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, MetadataDirective, ServerSideEncryption};
use bytes::Bytes;

use super::parts::{PART, Parts};
use super::upload::Upload;
use super::{Bucket, Encryption, error};
use crate::{Body, Error, Key, Put};

/// How often a put is repeated that met another one.
const MEETINGS: u32 = 5;

/// Each part and each object goes with this checksum; the server refuses what arrives otherwise.
pub(super) const CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc32;

/// How one request to write ended.
pub(super) enum Written {
    Done(Put),
    /// Another writer was at the same object; whether it made it there is open.
    Contended(Error),
}

impl Encryption {
    pub(super) fn header(&self) -> Option<ServerSideEncryption> {
        match self {
            Self::Bucket => None,
            Self::S3 => Some(ServerSideEncryption::Aes256),
            Self::Kms(_) => Some(ServerSideEncryption::AwsKms),
        }
    }

    pub(super) fn key(&self) -> Option<String> {
        match self {
            Self::Kms(key) => key.clone(),
            Self::Bucket | Self::S3 => None,
        }
    }
}

pub(super) async fn put_if_absent(bucket: &Arc<Bucket>, key: &Key, body: Body) -> Result<Put, Error> {
    let name = bucket.address.name(&key.path());
    // What is small is sent, and the answer tells. What is large, or costs something to read, is asked for first.
    let is_small = matches!(&body, Body::Bytes(bytes) if bytes.len() <= PART);
    if !is_small && bucket.head(&name).await?.is_some() {
        return Ok(Put::Existed);
    }
    let mut parts = Parts::new(key, body)?;
    let first = parts.next().await?.unwrap_or_default();
    let second = if first.len() < PART { None } else { parts.next().await? };
    let Some(second) = second else { return put_whole(bucket, &name, first).await };
    let mut upload = Upload::begin(bucket, name).await?;
    let mut part = Some(first);
    let mut following = Some(second);
    while let Some(bytes) = part {
        upload.part(bytes).await?;
        part = match following.take() {
            Some(bytes) => Some(bytes),
            None => parts.next().await?,
        };
    }
    upload.complete().await
}

async fn put_whole(bucket: &Bucket, name: &str, bytes: Bytes) -> Result<Put, Error> {
    let mut meeting = 0;
    loop {
        match put(bucket, name, bytes.clone()).await? {
            Written::Done(put) => return Ok(put),
            Written::Contended(error) => {
                if bucket.head(name).await?.is_some() {
                    return Ok(Put::Existed);
                }
                meeting += 1;
                if meeting == MEETINGS {
                    return Err(error);
                }
                tokio::time::sleep(Duration::from_millis(50 * u64::from(meeting))).await;
            }
        }
    }
}

/// One conditional put of the whole object.
pub(super) async fn put(bucket: &Bucket, name: &str, bytes: Bytes) -> Result<Written, Error> {
    let reply = bucket
        .client
        .put_object()
        .bucket(&bucket.address.bucket)
        .key(name)
        .if_none_match("*")
        .checksum_algorithm(CHECKSUM)
        .set_server_side_encryption(bucket.encryption.header())
        .set_ssekms_key_id(bucket.encryption.key())
        .body(ByteStream::from(bytes))
        .send()
        .await;
    match reply {
        Ok(_) => Ok(Written::Done(Put::Created)),
        Err(error) if error::is_taken(&error) => Ok(Written::Done(Put::Existed)),
        Err(error) if error::is_contended(&error) => {
            Ok(Written::Contended(bucket.failed("write", name, &error)))
        }
        // The server says that it does not know the condition.
        Err(error) if error::status(&error) == Some(501) => {
            Err(Error::Unconditional { address: bucket.address.to_string(), request: "PutObject" })
        }
        Err(error) => Err(bucket.failed("write", name, &error)),
    }
}

/// Copies an object onto itself, which the server allows if metadata is replaced: its bytes stay, its age does not.
pub(super) async fn touch(bucket: &Bucket, name: &str) -> Result<bool, Error> {
    let reply = bucket
        .client
        .copy_object()
        .bucket(&bucket.address.bucket)
        .key(name)
        .copy_source(format!("{}/{}", bucket.address.bucket, escaped(name)))
        .metadata_directive(MetadataDirective::Replace)
        .checksum_algorithm(CHECKSUM)
        .set_server_side_encryption(bucket.encryption.header())
        .set_ssekms_key_id(bucket.encryption.key())
        .send()
        .await;
    match reply {
        Ok(_) => Ok(true),
        Err(error) if error::is_absent(&error) => Ok(false),
        Err(error) => Err(bucket.failed("touch", name, &error)),
    }
}

/// A name as part of a URL: this header is one, and nobody escapes it for us.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    name.bytes().fold(String::with_capacity(name.len()), |mut url, byte| {
        if plain(byte) {
            url.push(char::from(byte));
        } else {
            url.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
        url
    })
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_copy_is_a_url() {
        assert_eq!(escaped("a b/ü+c/0f"), "a%20b/%C3%BC%2Bc/0f");
    }
}
