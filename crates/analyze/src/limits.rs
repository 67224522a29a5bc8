//! What bounds the work on one layer.

use std::path::PathBuf;

/// How many first bytes of a file decide its [`plimsoll_types::ContentKind`] and are shown as
/// [`crate::FileMeta::head`].
pub const HEAD_BYTES: usize = 512;

/// The most that [`crate::Interest::Head`] can ask for; larger wishes are cut to it.
pub const HEAD_INTEREST_BYTES: u64 = 256 * 1024;

/// Limits of one run. All but [`Limits::memory_per_file`] and [`Limits::temp_dir`] can change the evidence, so
/// [`crate::fingerprint()`] covers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A wanted file up to this size waits in memory, a larger one in a temporary file. Default 8 MiB.
    pub memory_per_file: u64,
    /// A wanted file beyond this size is not shown but recorded as `Unreadable`. Default 2 GiB.
    pub spool_per_file: u64,
    /// How much of a kept file (passwd, group, os-release) is kept. Default 64 KiB.
    pub kept_file_bytes: u64,
    /// How many files of a layer are kept. Default 256.
    pub kept_files: u32,
    /// How many records one analyzer may make of one layer. Default 1,000,000.
    pub records_per_section: u64,
    /// How many bytes the records of one analyzer may hold, roughly. Default 256 MiB.
    pub section_bytes: u64,
    /// How many bytes one analyzer may leave in its scratch. Default 64 MiB.
    pub scratch_bytes: u64,
    /// How many further names of one inode are shown to analyzers. Default 64.
    pub names_per_inode: u32,
    /// How many different oddities of one layer are spelled out. Default 100.
    pub ambiguities: u32,
    /// Where temporary files go; the system's directory if unset. They are unlinked at once.
    pub temp_dir: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_per_file: 8 << 20,
            spool_per_file: 2 << 30,
            kept_file_bytes: 64 << 10,
            kept_files: 256,
            records_per_section: 1_000_000,
            section_bytes: 256 << 20,
            scratch_bytes: 64 << 20,
            names_per_inode: 64,
            ambiguities: 100,
            temp_dir: None,
        }
    }
}
