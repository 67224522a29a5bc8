//! What one archive file may cost, with everything nested in it.

/// How deep archives may be nested. Real ones are three deep.
pub(super) const DEPTH_LIMIT: usize = 128;
/// How long the way to a nested archive may be written.
pub(super) const WAY_LIMIT: usize = 4096;
/// How large a manifest or a POM may be.
pub(super) const METADATA_LIMIT: u64 = 4 << 20;

/// What is left to spend.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes to expand or look into, in all. The largest real archives have half a gigabyte.
    pub(super) total: u64,
    /// Bytes of decompressed archives held at one time.
    pub(super) held: u64,
    /// Nested archives.
    pub(super) archives: u32,
    /// Records of what could not be read; the first few tell enough.
    pub(super) complaints: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { total: 1 << 30, held: 96 << 20, archives: 16_384, complaints: 16 }
    }
}
