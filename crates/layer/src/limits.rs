//! How much of a layer is read before it is refused.

use std::fmt;

/// Bounds on one layer. A value *at* a bound is accepted, one more is not.
///
/// The defaults are well above what real images hold and well below what would starve a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the blob as pulled. Default 64 GiB.
    pub max_blob_bytes: u64,
    /// Bytes of the uncompressed layer. Default 128 GiB.
    pub max_uncompressed_bytes: u64,
    /// Uncompressed bytes per compressed byte. Default 200: deflate stops near 1,030 and zstd does not stop,
    /// while real layers of more than [`Limits::ratio_after_bytes`] stay below 20.
    pub max_ratio: u64,
    /// The ratio is judged only once so many bytes came out: a small layer of zeros is odd, not dangerous.
    /// Default 1 GiB.
    pub ratio_after_bytes: u64,
    /// Entries of the tar, whiteouts and skipped ones included. Default 1,000,000.
    pub max_entries: u64,
    /// Bytes of one path, as written. Default 4,096, Linux' PATH_MAX.
    pub max_path_bytes: u64,
    /// Bytes of one link target, as written. Default 4,096.
    pub max_link_bytes: u64,
    /// Bytes of one PAX header or GNU long name. Default 1 MiB, the bound of Go and libarchive.
    pub max_pax_bytes: u64,
    /// Bytes of all attribute names and values of one entry. Default 256 KiB.
    pub max_xattr_bytes: u64,
    /// Bytes of all paths, link targets and attributes of the layer: what an index of it keeps in memory.
    /// Default 192 MiB.
    pub max_metadata_bytes: u64,
    /// Bytes of one file, holes included. Default 64 GiB.
    pub max_file_bytes: u64,
    /// Bytes of the holes of all sparse files: they cost a hasher as much as data and the layer nothing.
    /// Default 8 GiB.
    pub max_hole_bytes: u64,
    /// Data segments of one sparse file, 16 bytes of memory each. Default 262,144.
    pub max_sparse_segments: u64,
    /// Binary logarithm of a zstd frame's window, which is memory. Default 27 (128 MiB), the bound of the
    /// zstd tool without `--long`; the levels in use for images need 8 MiB and less.
    pub max_zstd_window_log: u32,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        Self {
            max_blob_bytes: 64 * GIB,
            max_uncompressed_bytes: 128 * GIB,
            max_ratio: 200,
            ratio_after_bytes: GIB,
            max_entries: 1_000_000,
            max_path_bytes: 4096,
            max_link_bytes: 4096,
            max_pax_bytes: MIB,
            max_xattr_bytes: 256 * KIB,
            max_metadata_bytes: 192 * MIB,
            max_file_bytes: 64 * GIB,
            max_hole_bytes: 8 * GIB,
            max_sparse_segments: 256 * KIB,
            max_zstd_window_log: 27,
        }
    }
}

/// Which field of [`Limits`] ended the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// [`Limits::max_blob_bytes`].
    BlobBytes,
    /// [`Limits::max_uncompressed_bytes`].
    UncompressedBytes,
    /// [`Limits::max_ratio`].
    Ratio,
    /// [`Limits::max_entries`].
    Entries,
    /// [`Limits::max_path_bytes`].
    PathBytes,
    /// [`Limits::max_link_bytes`].
    LinkBytes,
    /// [`Limits::max_pax_bytes`].
    PaxBytes,
    /// [`Limits::max_xattr_bytes`].
    XattrBytes,
    /// [`Limits::max_metadata_bytes`].
    MetadataBytes,
    /// [`Limits::max_file_bytes`].
    FileBytes,
    /// [`Limits::max_hole_bytes`].
    HoleBytes,
    /// [`Limits::max_sparse_segments`].
    SparseSegments,
    /// [`Limits::max_zstd_window_log`].
    ZstdWindowLog,
}

impl LimitKind {
    /// The name of the field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlobBytes => "max_blob_bytes",
            Self::UncompressedBytes => "max_uncompressed_bytes",
            Self::Ratio => "max_ratio",
            Self::Entries => "max_entries",
            Self::PathBytes => "max_path_bytes",
            Self::LinkBytes => "max_link_bytes",
            Self::PaxBytes => "max_pax_bytes",
            Self::XattrBytes => "max_xattr_bytes",
            Self::MetadataBytes => "max_metadata_bytes",
            Self::FileBytes => "max_file_bytes",
            Self::HoleBytes => "max_hole_bytes",
            Self::SparseSegments => "max_sparse_segments",
            Self::ZstdWindowLog => "max_zstd_window_log",
        }
    }

    /// The bound that `limits` sets.
    pub fn bound(self, limits: &Limits) -> u64 {
        match self {
            Self::BlobBytes => limits.max_blob_bytes,
            Self::UncompressedBytes => limits.max_uncompressed_bytes,
            Self::Ratio => limits.max_ratio,
            Self::Entries => limits.max_entries,
            Self::PathBytes => limits.max_path_bytes,
            Self::LinkBytes => limits.max_link_bytes,
            Self::PaxBytes => limits.max_pax_bytes,
            Self::XattrBytes => limits.max_xattr_bytes,
            Self::MetadataBytes => limits.max_metadata_bytes,
            Self::FileBytes => limits.max_file_bytes,
            Self::HoleBytes => limits.max_hole_bytes,
            Self::SparseSegments => limits.max_sparse_segments,
            Self::ZstdWindowLog => u64::from(limits.max_zstd_window_log),
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
