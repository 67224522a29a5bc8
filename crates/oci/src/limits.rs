//! Bounds on what strangers send.

/// How much of what strangers send is held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a manifest or index. 4 MiB, what registries accept at most.
    pub manifest: u64,
    /// Bytes of a config. 8 MiB.
    pub config: u64,
    /// Members of an image archive. 100,000.
    pub archive_members: usize,
    /// Entries of a root filesystem. 20,000,000, at 8 bytes each.
    pub rootfs_entries: usize,
    /// Directory depth of a root filesystem. 512.
    pub rootfs_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 4 << 20,
            config: 8 << 20,
            archive_members: 100_000,
            rootfs_entries: 20_000_000,
            rootfs_depth: 512,
        }
    }
}
