//! Why a layer was not read.

use std::{fmt, io};

use plimsoll_types::{Digest, PathBytes, Retry};

use crate::{Compression, LimitKind};

/// Why a layer was not read. Every message names the layer and, where there is one, the offset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The blob's reader failed. The reader's own error is the source and keeps its type.
    #[error("layer {layer}: reading the blob failed after {offset} bytes: {source}")]
    Read {
        /// Digest the blob was asked for by.
        layer: Digest,
        /// Bytes of the blob read before.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The blob ended before its announced size.
    #[error("layer {layer}: the pull ended after {got} of {expected} bytes; pull it again")]
    Short {
        /// Digest the blob was asked for by.
        layer: Digest,
        /// Announced size.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },
    /// The blob went on after its announced size.
    #[error("layer {layer}: the source sent more than the announced {expected} bytes; try another source")]
    Long {
        /// Digest the blob was asked for by.
        layer: Digest,
        /// Announced size.
        expected: u64,
    },
    /// The blob is another one.
    #[error("layer {layer}: the source sent {size} bytes with digest {got}; try another source")]
    DigestMismatch {
        /// Digest the blob was asked for by.
        layer: Digest,
        /// Digest of what came.
        got: Digest,
        /// Bytes that came.
        size: u64,
    },
    /// The blob verified, but the image config claims another content for it.
    #[error(
        "layer {layer}: uncompressed it is {got}, but the image config says {expected}; rebuild the image"
    )]
    DiffIdMismatch {
        /// Verified digest of the blob.
        layer: Digest,
        /// What the config claims.
        expected: Digest,
        /// What it is.
        got: Digest,
    },
    /// The verified blob does not decompress.
    #[error("layer {layer}: broken {compression} data at {at}: {what}")]
    Corrupt {
        /// Verified digest of the blob.
        layer: Digest,
        /// Where.
        at: Position,
        /// What the content was taken for.
        compression: Compression,
        /// What is wrong.
        what: String,
    },
    /// The verified blob is compressed in a way layers must not be.
    #[error(
        "layer {layer}: where a tar should be is {found} data; layers are gzip, zstd or not compressed at all, each once (OCI image-spec): compress it so and push the image again"
    )]
    Compression {
        /// Verified digest of the blob.
        layer: Digest,
        /// What it is compressed with.
        found: &'static str,
    },
    /// The verified blob does not hold a tar.
    #[error("layer {layer}: broken tar at {at}: {what}")]
    Tar {
        /// Verified digest of the blob.
        layer: Digest,
        /// The header concerned.
        at: Position,
        /// What is wrong.
        what: TarFault,
    },
    /// The layer is more than this process agreed to read.
    #[error("layer {layer}: over the limit {limit} = {max} at {at}; split the layer if it is an honest one")]
    Limit {
        /// Digest of the blob; verified unless `limit` is [`LimitKind::BlobBytes`].
        layer: Digest,
        /// Where.
        at: Position,
        /// Which limit.
        limit: LimitKind,
        /// Its value.
        max: u64,
    },
    /// There is no memory for the decompressor.
    #[error("layer {layer}: no memory left for decompressing it; give the process more")]
    Memory {
        /// Digest the blob was asked for by.
        layer: Digest,
    },
    /// The sink refused an entry.
    #[error("layer {layer}: {path} could not be taken in: {source}")]
    Sink {
        /// Digest the blob was asked for by.
        layer: Digest,
        /// The entry.
        path: PathBytes,
        /// What the sink said.
        source: io::Error,
    },
}

/// A place in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Offset in the blob as pulled.
    Compressed(u64),
    /// Offset in the uncompressed layer.
    Uncompressed(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compressed(at) => write!(f, "compressed byte {at}"),
            Self::Uncompressed(at) => write!(f, "uncompressed byte {at}"),
        }
    }
}

/// Whose fault a failed read is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The pull broke or the source lies: another source, or another attempt, may do better.
    Source,
    /// The verified bytes: every source will give the same.
    Layer,
    /// The image that claims something else of a good layer.
    Image,
    /// This process (a full disk, a shutdown).
    Local,
}

/// What is wrong with a tar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TarFault {
    /// The first block is no header.
    #[error("this is no tar archive, and neither gzip nor zstd data")]
    NotATar,
    /// The first bytes are those of another compression. Reported as [`Error::Compression`].
    #[error("this is {0} data")]
    Compressed(&'static str),
    /// A header's checksum is wrong.
    #[error("the header's checksum is wrong")]
    Checksum,
    /// A zero block between entries.
    #[error("a block of zeros is followed by data")]
    LoneZeroBlock,
    /// The archive ends inside of something.
    #[error("the archive ends inside {0}")]
    Truncated(&'static str),
    /// A number that is none, or does not fit.
    #[error("the field {0} is not a number")]
    Number(&'static str),
    /// A size below zero.
    #[error("the size is negative")]
    NegativeSize,
    /// A PAX header that breaks the format.
    #[error("the PAX header is malformed: {0}")]
    Pax(&'static str),
    /// A sparse map that breaks the format.
    #[error("the sparse map is malformed: {0}")]
    Sparse(&'static str),
    /// A name no file system takes.
    #[error("the name {0:?} holds a NUL byte")]
    Name(String),
    /// A whiteout that names nothing, itself or its parent.
    #[error("the whiteout {0:?} names no file")]
    Whiteout(String),
}

impl Error {
    /// Stable name of the kind, for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "layer_unreadable",
            Self::Short { .. } => "layer_short",
            Self::Long { .. } => "layer_long",
            Self::DigestMismatch { .. } => "layer_digest_mismatch",
            Self::DiffIdMismatch { .. } => "layer_diff_id_mismatch",
            Self::Corrupt { .. } => "layer_corrupt",
            Self::Compression { .. } => "layer_compression",
            Self::Tar { .. } => "layer_not_a_tar",
            Self::Limit { .. } => "layer_limit",
            Self::Memory { .. } => "layer_memory",
            Self::Sink { .. } => "layer_sink",
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Read { .. } | Self::Short { .. } | Self::Long { .. } | Self::DigestMismatch { .. } => {
                Fault::Source
            }
            Self::DiffIdMismatch { .. } => Fault::Image,
            Self::Corrupt { .. } | Self::Compression { .. } | Self::Tar { .. } | Self::Limit { .. } => {
                Fault::Layer
            }
            Self::Memory { .. } | Self::Sink { .. } => Fault::Local,
        }
    }

    /// Whether the same source may do better later.
    ///
    /// A reader that knows its error to be final says so by the error's kind (`NotFound`,
    /// `PermissionDenied`, `InvalidData`, `InvalidInput`, `Unsupported`); a caller that knows the type behind
    /// [`Error::Read`]'s source may ask that instead.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Read { source, .. } | Self::Sink { source, .. } => retry_io(source),
            Self::Short { .. } | Self::Memory { .. } => Retry::After(None),
            Self::Long { .. }
            | Self::DigestMismatch { .. }
            | Self::DiffIdMismatch { .. }
            | Self::Corrupt { .. }
            | Self::Compression { .. }
            | Self::Tar { .. }
            | Self::Limit { .. } => Retry::Never,
        }
    }

    /// The digest of the layer concerned.
    pub fn layer(&self) -> Digest {
        match self {
            Self::Read { layer, .. }
            | Self::Short { layer, .. }
            | Self::Long { layer, .. }
            | Self::DigestMismatch { layer, .. }
            | Self::DiffIdMismatch { layer, .. }
            | Self::Corrupt { layer, .. }
            | Self::Compression { layer, .. }
            | Self::Tar { layer, .. }
            | Self::Limit { layer, .. }
            | Self::Memory { layer }
            | Self::Sink { layer, .. } => *layer,
        }
    }
}

fn retry_io(error: &io::Error) -> Retry {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::Unsupported => Retry::Never,
        _ => Retry::After(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_layer_offset_and_limit() {
        let layer = Digest::from_bytes([7; 32]);
        let error =
            Error::Limit { layer, at: Position::Uncompressed(1024), limit: LimitKind::Entries, max: 3 };
        assert_eq!(
            error.to_string(),
            format!(
                "layer {layer}: over the limit max_entries = 3 at uncompressed byte 1024; split the layer if \
                 it is an honest one"
            )
        );
    }

    #[test]
    fn a_reader_says_by_its_kind_that_its_error_is_final() {
        let layer = Digest::from_bytes([7; 32]);
        let read = |kind: io::ErrorKind| Error::Read { layer, offset: 0, source: kind.into() }.retry();
        assert_eq!(read(io::ErrorKind::ConnectionReset), Retry::After(None));
        assert_eq!(read(io::ErrorKind::PermissionDenied), Retry::Never);
    }
}
