//! A layer as one pass over its bytes: verify, decompress, walk the tar, under limits.

mod sink;

pub use sink::EntrySink;
