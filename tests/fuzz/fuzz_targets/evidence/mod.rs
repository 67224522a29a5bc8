//! Stored evidence around any message: no fuzzer would find the header and the compressed frame by itself.

#[path = "../edits/mod.rs"]
mod edits;

use std::sync::OnceLock;

use plimsoll_proto::{CodecError, DecodeLimits};

use edits::edit;

const HEADER: usize = 16;

/// Small, so that what goes past them shows in the fuzzer's own limit of memory.
pub const LIMITS: DecodeLimits =
    DecodeLimits { stored_bytes: 1 << 20, message_bytes: 1 << 20, entries: 1 << 12, path_bytes: 1 << 20 };

/// Decodes the input in the way its first byte says: as stored bytes, as the message in them, or as edits to the
/// message in `sample`.
pub fn decode<T>(
    data: &[u8],
    sample: fn() -> Vec<u8>,
    decode: impl Fn(&[u8], &DecodeLimits) -> Result<T, CodecError>,
) -> Option<T> {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    let sample = SAMPLE.get_or_init(sample);
    let (way, data) = data.split_first()?;
    let stored = match way % 3 {
        0 => data.to_vec(),
        1 => seal(sample, data),
        _ => seal(sample, &edit(&message(sample), data)),
    };
    match decode(&stored, &LIMITS) {
        Ok(decoded) => Some(decoded),
        Err(error) => {
            let inside = matches!(
                error,
                CodecError::Message(_) | CodecError::Column { .. } | CodecError::Limit { .. }
            );
            assert!(way % 3 == 0 || inside, "the envelope is as it should be: {error}");
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// The stored bytes of a message of the kind of `sample`.
fn seal(sample: &[u8], message: &[u8]) -> Vec<u8> {
    let frame = zstd::bulk::compress(message, 1).expect("memory is enough");
    let length = (message.len() as u64).to_le_bytes();
    [&sample[..HEADER - length.len()], &length, &frame].concat()
}

/// The message in stored bytes that we made.
fn message(stored: &[u8]) -> Vec<u8> {
    zstd::bulk::decompress(&stored[HEADER..], 1 << 20).expect("our own frame")
}
