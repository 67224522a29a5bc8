//! The steps of one pass, a thread each: pull and hash the blob, decompress, hash what comes out. The last
//! step, the tar walk, runs on the caller's thread.
//!
//! Between two steps stands a bounded channel of recycled buffers, so a slow step slows the ones before it
//! and nothing piles up. A stream that ends well ends with an explicit mark; a channel that closes without
//! one means that a step before has failed and knows why.

mod blob;
mod channel;
mod content;
mod decode;
mod gzip;
mod zstandard;

pub(crate) use blob::{Pulled, Stop, pull};
pub(crate) use channel::conduit;
pub(crate) use content::hash;
pub(crate) use decode::{DecodeFault, decode};

/// Buffers between pulling and decompressing, and their size.
pub(crate) const BLOB_BUFFERS: usize = 8;
pub(crate) const BLOB_BUFFER: usize = 64 << 10;

/// Buffers between decompressing and the walk, and their size: small enough that a buffer is still in a
/// core's cache when the next step reads it, and so many that decompressing goes on while an analyzer
/// takes an archive apart.
pub(crate) const CONTENT_BUFFERS: usize = 48;
pub(crate) const CONTENT_BUFFER: usize = 128 << 10;
