//! The header in front of every stored message, and its compression.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `PLEV` |
//! | 4..6 | format, little endian |
//! | 6..8 | kind of message, little endian |
//! | 8..16 | length of the message, little endian |
//! | 16.. | one zstd frame with a checksum |

use bytes::Bytes;
use prost::Message;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::{CodecError, DecodeLimits};

/// The format of evidence this version writes, and the only one it reads. Part of every fingerprint.
pub const EVIDENCE_FORMAT: u32 = 1;

const MAGIC: [u8; 4] = *b"PLEV";
const HEADER: usize = 16;

/// Measured on a file index of 60,000 entries (see README.md): four fifths of it are hashes, which nothing
/// compresses, and level 1 gives a smaller result than any level up to 12, in the least time.
const LEVEL: i32 = 1;

/// What the message is. Never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    Index = 1,
    Packages = 2,
    BlobLink = 3,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Packages => "packages",
            Self::BlobLink => "blob link",
        }
    }
}

/// The stored bytes of `message`.
pub(crate) fn seal(kind: Kind, message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let compressed = compress(&message).expect("zstd compresses any bytes into a buffer of its own bound");
    let mut sealed = Vec::with_capacity(HEADER + compressed.len());
    sealed.extend_from_slice(&MAGIC);
    sealed.extend_from_slice(&(EVIDENCE_FORMAT as u16).to_le_bytes());
    sealed.extend_from_slice(&(kind as u16).to_le_bytes());
    sealed.extend_from_slice(&(message.len() as u64).to_le_bytes());
    sealed.extend_from_slice(&compressed);
    sealed
}

fn compress(message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.compress(message)
}

/// The message in stored bytes.
pub(crate) fn open<M: Message + Default>(
    kind: Kind,
    stored: &[u8],
    limits: &DecodeLimits,
) -> Result<M, CodecError> {
    check("stored bytes", stored.len() as u64, limits.stored_bytes)?;
    let (header, frame) = stored.split_first_chunk::<HEADER>().ok_or(CodecError::NotEvidence)?;
    let [m0, m1, m2, m3, f0, f1, k0, k1, length @ ..] = *header;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(CodecError::NotEvidence);
    }
    let format = u16::from_le_bytes([f0, f1]);
    if u32::from(format) != EVIDENCE_FORMAT {
        return Err(CodecError::Format { found: format, supported: EVIDENCE_FORMAT });
    }
    let found = u16::from_le_bytes([k0, k1]);
    if found != kind as u16 {
        return Err(CodecError::Kind { expected: kind.name(), found });
    }
    let length = u64::from_le_bytes(length);
    check("message bytes", length, limits.message_bytes)?;
    let message = decompress(frame, length)?;
    Ok(M::decode(message)?)
}

fn decompress(frame: &[u8], length: u64) -> Result<Bytes, CodecError> {
    let capacity = usize::try_from(length).map_err(|_| CodecError::NotEvidence)?;
    let message = Decompressor::new()
        .and_then(|mut decompressor| decompressor.decompress(frame, capacity))
        .map_err(CodecError::Compression)?;
    if message.len() as u64 != length {
        return Err(CodecError::Length { expected: length, found: message.len() as u64 });
    }
    Ok(message.into())
}

/// Refuses a `size` over its `limit`.
pub(crate) fn check(what: &'static str, size: u64, limit: u64) -> Result<(), CodecError> {
    if size > limit { Err(CodecError::Limit { what, size, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb;

    fn sealed() -> Vec<u8> {
        seal(Kind::BlobLink, &pb::BlobLink { diff_id: vec![7; 32].into(), size: 1, uncompressed_size: 2 })
    }

    fn open_link(stored: &[u8]) -> Result<pb::BlobLink, CodecError> {
        open(Kind::BlobLink, stored, &DecodeLimits::default())
    }

    #[test]
    fn a_header_says_what_is_wrong_with_it() {
        let mut stored = sealed();
        assert!(open_link(&stored).is_ok());
        assert!(matches!(
            open::<pb::FileIndex>(Kind::Index, &stored, &DecodeLimits::default()),
            Err(CodecError::Kind { expected: "index", found: 3 })
        ));
        stored[4] = 2;
        assert!(matches!(open_link(&stored), Err(CodecError::Format { found: 2, supported: 1 })));
        stored[0] = b'Q';
        assert!(matches!(open_link(&stored), Err(CodecError::NotEvidence)));
        assert!(matches!(open_link(b"PLEV"), Err(CodecError::NotEvidence)));
    }

    #[test]
    fn a_length_that_is_not_the_message_s_is_an_error() {
        let mut stored = sealed();
        stored[8] += 1;
        assert!(matches!(open_link(&stored), Err(CodecError::Length { .. })));
        stored[8] -= 2;
        assert!(matches!(open_link(&stored), Err(CodecError::Compression(_))));
    }

    #[test]
    fn limits_hold_at_the_limit_and_not_one_beyond() {
        let stored = sealed();
        let length = u64::from(stored[8]);
        for (stored_bytes, message_bytes, ok) in [
            (stored.len() as u64, length, true),
            (stored.len() as u64 - 1, length, false),
            (stored.len() as u64, length - 1, false),
        ] {
            let limits = DecodeLimits { stored_bytes, message_bytes, ..DecodeLimits::default() };
            let opened = open::<pb::BlobLink>(Kind::BlobLink, &stored, &limits);
            assert_eq!(opened.is_ok(), ok, "{limits:?}: {opened:?}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let stored = sealed();
        for at in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            // Some bits of a zstd frame carry nothing; then the message must be the same.
            match open_link(&damaged) {
                Ok(message) => assert_eq!(message, open_link(&stored).unwrap(), "bit {at}"),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}
