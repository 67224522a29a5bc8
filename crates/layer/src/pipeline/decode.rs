//! Step 2: from the blob's bytes to the layer's. What the bytes are is told by the bytes: media types lie.

use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_types::Digest;

use super::channel::{Buffer, Inlet, Outlet};
use super::{gzip, zstandard};
use crate::{Compression, Error, LimitKind, Limits, Position};

/// Why the blob did not decompress.
#[derive(Debug)]
pub(crate) enum DecodeFault {
    /// The bytes are wrong.
    Corrupt { at: u64, compression: Compression, what: String },
    /// A limit.
    Limit { at: Position, limit: LimitKind },
    /// There is no memory for the decompressor.
    Memory,
    /// Another step has failed, before or after this one.
    Neighbour,
}

impl DecodeFault {
    /// As the error of `layer`.
    pub(crate) fn to_error(&self, layer: Digest, limits: &Limits) -> Error {
        match self {
            Self::Corrupt { at, compression, what } => Error::Corrupt {
                layer,
                at: Position::Compressed(*at),
                compression: *compression,
                what: what.clone(),
            },
            Self::Limit { at, limit } => {
                Error::Limit { layer, at: *at, limit: *limit, max: limit.bound(limits) }
            }
            Self::Memory => Error::Memory { layer },
            Self::Neighbour => {
                Error::Read { layer, offset: 0, source: std::io::ErrorKind::BrokenPipe.into() }
            }
        }
    }
}

/// Decompresses all of `input` into `output` and says what it was and how much came out. `plain` is set, before
/// anything is put out, if the output is the input.
pub(crate) fn decode(
    input: Outlet,
    output: Inlet,
    limits: &Limits,
    plain: &AtomicBool,
) -> Result<(Compression, u64), DecodeFault> {
    let mut source = Source { input, consumed: 0 };
    let mut target = Target { output, buffer: None, produced: 0, limits };
    let compression = sniff(source.peek()?);
    plain.store(compression == Compression::None, Ordering::Release);
    match compression {
        Compression::Gzip => gzip::decode(&mut source, &mut target)?,
        Compression::Zstd => zstandard::decode(&mut source, &mut target)?,
        Compression::None => copy(&mut source, &mut target)?,
    }
    let produced = target.produced;
    target.finish()?;
    Ok((compression, produced))
}

/// RFC 1952, section 2.3.1; RFC 8878, sections 3.1.1 and 3.1.2. A blob may be shorter than a magic number;
/// then it is none of these.
fn sniff(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

fn copy(source: &mut Source, target: &mut Target<'_>) -> Result<(), DecodeFault> {
    loop {
        let input = source.peek()?;
        if input.is_empty() {
            return Ok(());
        }
        let room = target.room()?;
        let n = input.len().min(room.len());
        room[..n].copy_from_slice(&input[..n]);
        source.consume(n);
        target.advance(n, source.consumed)?;
    }
}

/// The blob's bytes, counted.
pub(super) struct Source {
    input: Outlet,
    consumed: u64,
}

impl Source {
    /// Some bytes not yet consumed; none only at the end of the blob.
    pub(super) fn peek(&mut self) -> Result<&[u8], DecodeFault> {
        self.input.fill_buf().map_err(|_| DecodeFault::Neighbour)
    }

    pub(super) fn consume(&mut self, n: usize) {
        self.input.consume(n);
        self.consumed += n as u64;
    }

    /// Bytes of the blob used up so far.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }
}

/// The layer's bytes, counted and limited.
pub(super) struct Target<'a> {
    output: Inlet,
    buffer: Option<Buffer>,
    produced: u64,
    limits: &'a Limits,
}

impl Target<'_> {
    /// Where to put the next bytes; never empty.
    pub(super) fn room(&mut self) -> Result<&mut [u8], DecodeFault> {
        if self.buffer.as_ref().is_some_and(Buffer::is_full) {
            self.flush()?;
        }
        let buffer = match self.buffer.take() {
            Some(buffer) => buffer,
            None => self.output.buffer().map_err(|_| DecodeFault::Neighbour)?,
        };
        Ok(self.buffer.insert(buffer).spare())
    }

    /// Takes `n` bytes put into [`Self::room`], made of the first `consumed` bytes of the blob.
    pub(super) fn advance(&mut self, n: usize, consumed: u64) -> Result<(), DecodeFault> {
        if let Some(buffer) = &mut self.buffer {
            buffer.advance(n);
        }
        self.produced += n as u64;
        let over = |limit, at| Err(DecodeFault::Limit { at: Position::Uncompressed(at), limit });
        if self.produced > self.limits.max_uncompressed_bytes {
            return over(LimitKind::UncompressedBytes, self.limits.max_uncompressed_bytes);
        }
        if self.produced > self.limits.ratio_after_bytes
            && self.produced > consumed.saturating_mul(self.limits.max_ratio)
        {
            return over(LimitKind::Ratio, self.produced);
        }
        Ok(())
    }

    pub(super) fn limits(&self) -> &Limits {
        self.limits
    }

    fn flush(&mut self) -> Result<(), DecodeFault> {
        match self.buffer.take() {
            Some(buffer) if !buffer.filled().is_empty() => {
                self.output.send(buffer).map_err(|_| DecodeFault::Neighbour)
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<(), DecodeFault> {
        self.flush()?;
        self.output.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_what_a_blob_is() {
        assert_eq!(sniff(b"\x1f\x8b\x08"), Compression::Gzip);
        assert_eq!(sniff(b"\x28\xb5\x2f\xfd\x00"), Compression::Zstd);
        assert_eq!(sniff(b"\x5f\x2a\x4d\x18\x00"), Compression::Zstd);
        for other in [&b""[..], b"\x1f", b"\x28\xb5\x2f", b"BZh9", b"etc/passwd"] {
            assert_eq!(sniff(other), Compression::None);
        }
    }
}
