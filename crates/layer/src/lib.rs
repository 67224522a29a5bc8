//! A layer as one pass over its bytes: verify, decompress, walk the tar, under limits.
//!
//! [`read_layer`] pulls a blob once. While the bytes pass they are hashed (blob digest), decompressed (gzip,
//! zstd or neither, told by content), hashed again (diff_id) and read as a tar whose entries go to an
//! [`EntrySink`]. Each step has a thread of its own and a handful of recycled buffers, so wall time is that of
//! the slowest step and memory does not grow with the layer.
//!
//! What a sink saw counts only once `read_layer` has returned [`Verified`]. Before that the bytes are a
//! stranger's word; so an error found while reading them is reported as a fault of the layer only if the
//! blob's digest verifies after all, and as a fault of the pull otherwise ([`Error::fault`]).
//!
//! The tar dialects, and which of two contradicting statements wins, follow Go's `archive/tar`, which
//! container runtimes use, and whiteouts follow containerd. Where runtimes differ the sink is told
//! ([`EntrySink::ambiguity`]).

mod error;
mod layer;
mod limits;
mod pipeline;
mod sink;
mod tar;

pub use error::{Error, Fault, Position, TarFault};
pub use layer::{Compression, Expected, Verified, read_layer};
pub use limits::{LimitKind, Limits};
pub use sink::EntrySink;
pub use tar::walk_tar;
