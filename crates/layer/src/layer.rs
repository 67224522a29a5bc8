//! One layer, read once.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fmt, thread};

use plimsoll_types::Digest;

use crate::pipeline::{self, DecodeFault, Pulled, Stop};
use crate::tar::{WalkError, WalkFault, walk};
use crate::{EntrySink, Error, LimitKind, Limits, Position};

/// What is claimed of a layer before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Digest of the blob, as the manifest says.
    pub digest: Digest,
    /// Its size, if the manifest says.
    pub size: Option<u64>,
    /// Digest of the uncompressed layer, if the image config says.
    pub diff_id: Option<Digest>,
}

/// What is true of a layer that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Size of the uncompressed layer in bytes.
    pub uncompressed_size: u64,
    /// What the blob turned out to be.
    pub compression: Compression,
    /// Entries given to the sink.
    pub entries: u64,
}

/// How a blob is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// Gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Reads a layer once, from its blob to its entries.
///
/// `sink` runs on the calling thread, `blob` on another one. What the sink saw is worth keeping only if this
/// returns `Ok`: the digests are known at the end. An empty blob is an empty layer, as runtimes have it.
///
/// When the bytes do not decompress, hold no tar or break a limit, the blob is still read to its end, to tell
/// a broken pull from a broken layer. When the sink fails reading stops.
pub fn read_layer(
    blob: impl Read + Send,
    expected: &Expected,
    limits: &Limits,
    sink: &mut dyn EntrySink,
) -> Result<Verified, Error> {
    let layer = expected.digest;
    if expected.size.is_some_and(|size| size > limits.max_blob_bytes) {
        return Err(limit(layer, Position::Compressed(limits.max_blob_bytes), LimitKind::BlobBytes, limits));
    }
    let (blob_in, blob_out) = pipeline::conduit(pipeline::BLOB_BUFFERS, pipeline::BLOB_BUFFER);
    let (content_in, mut content_out) =
        pipeline::conduit(pipeline::CONTENT_BUFFERS, pipeline::CONTENT_BUFFER);
    let tap = content_out.tap(pipeline::CONTENT_BUFFERS);
    let (aborted, plain) = (AtomicBool::new(false), AtomicBool::new(false));

    let steps = thread::scope(|scope| {
        let (aborted, plain) = (&aborted, &plain);
        let pulled =
            scope.spawn(move || pipeline::pull(blob, expected.size, limits.max_blob_bytes, blob_in, aborted));
        let decoded = scope.spawn(move || pipeline::decode(blob_out, content_in, limits, plain));
        let hashed = scope.spawn(move || pipeline::hash(tap, plain));
        let unless_done = Abort(aborted);
        let walked = walk(content_out, limits, sink);
        match &walked {
            Err(WalkError { fault: WalkFault::Sink(..), .. }) => drop(unless_done),
            _ => unless_done.disarm(),
        }
        Steps { pulled: join(pulled), decoded: join(decoded), hashed: join(hashed), walked }
    });
    steps.judge(expected, limits)
}

/// Tells the pull to stop when dropped, also by a sink that panics.
struct Abort<'a>(&'a AtomicBool);

impl Abort<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for Abort<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn join<T>(step: thread::ScopedJoinHandle<'_, T>) -> T {
    step.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The outcome of every step.
struct Steps {
    pulled: Pulled,
    decoded: Result<(Compression, u64), DecodeFault>,
    hashed: Option<Digest>,
    walked: Result<u64, WalkError>,
}

impl Steps {
    /// Which of the outcomes is the cause of the others.
    fn judge(self, expected: &Expected, limits: &Limits) -> Result<Verified, Error> {
        let layer = expected.digest;
        let Pulled { digest, size, stop } = self.pulled;
        let walked = match self.walked {
            Err(WalkError { fault: WalkFault::Sink(path, source), .. }) => {
                return Err(Error::Sink { layer, path, source });
            }
            walked => walked,
        };
        match stop {
            Some(Stop::Read(source)) => return Err(Error::Read { layer, offset: size, source }),
            Some(Stop::TooLong) => {
                return Err(Error::Long { layer, expected: expected.size.unwrap_or(size) });
            }
            Some(Stop::OverLimit) => {
                let at = Position::Compressed(limits.max_blob_bytes);
                return Err(limit(layer, at, LimitKind::BlobBytes, limits));
            }
            Some(Stop::Aborted) | None => {}
        }
        match expected.size {
            Some(announced) if size < announced => {
                return Err(Error::Short { layer, expected: announced, got: size });
            }
            _ if digest != layer => return Err(Error::DigestMismatch { layer, got: digest, size }),
            _ => {}
        }
        // From here on the bytes are the layer's. A walk that failed by itself failed on bytes before any that
        // did not decompress, and how far decompression came meanwhile is chance: the walk's word is first.
        let entries = match (walked, &self.decoded) {
            (Err(WalkError { fault: WalkFault::Stream(_), .. }), Err(fault)) => {
                return Err(fault.to_error(layer, limits));
            }
            (Err(error), _) => return Err(error.into_error(layer, limits)),
            (Ok(entries), _) => entries,
        };
        let (compression, uncompressed_size) = self.decoded.map_err(|fault| fault.to_error(layer, limits))?;
        let diff_id = match compression {
            Compression::None => digest,
            _ => self.hashed.ok_or_else(|| DecodeFault::Neighbour.to_error(layer, limits))?,
        };
        match expected.diff_id {
            Some(claimed) if claimed != diff_id => {
                Err(Error::DiffIdMismatch { layer, expected: claimed, got: diff_id })
            }
            _ => Ok(Verified { digest, diff_id, size, uncompressed_size, compression, entries }),
        }
    }
}

fn limit(layer: Digest, at: Position, limit: LimitKind, limits: &Limits) -> Error {
    Error::Limit { layer, at, limit, max: limit.bound(limits) }
}
