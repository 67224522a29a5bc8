//! Step 1: the bytes as the source sends them, hashed.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_types::Digest;
use sha2::{Digest as _, Sha256};

use super::channel::{Buffer, Inlet};

/// What the source sent.
pub(crate) struct Pulled {
    /// Digest of all bytes that came.
    pub(crate) digest: Digest,
    /// Their number.
    pub(crate) size: u64,
    /// Why it is not the whole blob, if it is not.
    pub(crate) stop: Option<Stop>,
}

/// Why pulling stopped early.
pub(crate) enum Stop {
    /// The reader failed.
    Read(io::Error),
    /// More came than was announced.
    TooLong,
    /// More came than `max_blob_bytes`.
    OverLimit,
    /// The sink gave up; nobody needs to know what the rest is.
    Aborted,
}

/// Reads `blob` to its end. Once the next step is gone the rest is still read and hashed, so that bytes that
/// did not decompress can be told from bytes that were never the layer.
pub(crate) fn pull(
    mut blob: impl Read,
    announced: Option<u64>,
    max: u64,
    inlet: Inlet,
    aborted: &AtomicBool,
) -> Pulled {
    let bound = announced.map_or(max, |announced| announced.min(max));
    let mut hasher = Sha256::new();
    let mut size = 0_u64;
    let mut next = Next { inlet: Some(inlet), idle: None };
    let stop = loop {
        if aborted.load(Ordering::Relaxed) {
            break Some(Stop::Aborted);
        }
        let mut buffer = next.buffer();
        let outcome = fill(&mut blob, &mut buffer);
        hasher.update(buffer.filled());
        size = size.saturating_add(buffer.filled().len() as u64);
        if size > bound {
            break Some(if bound < max { Stop::TooLong } else { Stop::OverLimit });
        }
        match outcome {
            Ok(false) => next.send(buffer),
            Ok(true) => {
                if announced.is_none_or(|announced| announced == size) {
                    next.send(buffer);
                    next.finish();
                }
                break None;
            }
            Err(error) => break Some(Stop::Read(error)),
        }
    };
    Pulled { digest: Digest::from_bytes(hasher.finalize().into()), size, stop }
}

/// Fills `buffer`; true at the end of the blob.
fn fill(blob: &mut impl Read, buffer: &mut Buffer) -> io::Result<bool> {
    while !buffer.is_full() {
        match blob.read(buffer.spare()) {
            Ok(0) => return Ok(true),
            Ok(n) => buffer.advance(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// The next step while it is there, and one buffer to read into when it is not.
struct Next {
    inlet: Option<Inlet>,
    idle: Option<Buffer>,
}

impl Next {
    fn buffer(&mut self) -> Buffer {
        if let Some(inlet) = &mut self.inlet {
            match inlet.buffer() {
                Ok(buffer) => return buffer,
                Err(_) => self.inlet = None,
            }
        }
        let mut buffer = self.idle.take().unwrap_or_else(|| Buffer::new(super::BLOB_BUFFER));
        buffer.clear();
        buffer
    }

    fn send(&mut self, buffer: Buffer) {
        match &self.inlet {
            Some(inlet) => {
                if inlet.send(buffer).is_err() {
                    self.inlet = None;
                }
            }
            None => self.idle = Some(buffer),
        }
    }

    fn finish(self) {
        if let Some(inlet) = self.inlet {
            inlet.finish();
        }
    }
}
