//! Bytes and the digests that name them.

use bytes::Bytes;
use plimsoll_types::{Descriptor, Digest};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::Error;

/// Reads a JSON object. serde would take an array for a struct, too, which no other reader does.
pub(crate) fn parse_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
        Some(_) => Err("not a JSON object".to_owned()),
        None => Err("it is empty".to_owned()),
    }
}

/// The digest of `bytes`.
pub fn digest_of(bytes: &[u8]) -> Digest {
    finish(Sha256::new_with_prefix(bytes))
}

pub(crate) fn finish(hasher: Sha256) -> Digest {
    Digest::from_bytes(hasher.finalize().into())
}

/// `bytes`, if `expected` is their digest.
pub(crate) fn verify(what: &str, bytes: Bytes, expected: &Digest) -> Result<Bytes, Error> {
    let actual = digest_of(&bytes);
    if actual == *expected {
        return Ok(bytes);
    }
    Err(Error::DigestMismatch { what: what.to_owned(), expected: *expected, actual })
}

/// Refuses a descriptor that announces more than `limit` bytes.
pub(crate) fn check_size(what: &str, descriptor: &Descriptor, limit: u64) -> Result<(), Error> {
    if descriptor.size > limit {
        return Err(Error::TooLarge { what: what.to_owned(), limit, unit: "bytes" });
    }
    Ok(())
}

/// `bytes`, if they are what `descriptor` names.
pub(crate) fn verify_descriptor(what: &str, bytes: Bytes, descriptor: &Descriptor) -> Result<Bytes, Error> {
    if bytes.len() as u64 != descriptor.size {
        let (expected, actual) = (descriptor.size, bytes.len() as u64);
        return Err(Error::SizeMismatch { what: what.to_owned(), expected, actual });
    }
    verify(what, bytes, &descriptor.digest)
}
