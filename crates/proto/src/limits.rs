/// Bounds on what decoding may allocate.
///
/// The defaults fit a layer of two million entries. A message may take about eight times its own size once
/// decoded (a one-byte varint becomes a `u64`), so `message_bytes` is also the handle on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Stored bytes, compressed. Default 256 MiB.
    pub stored_bytes: u64,
    /// The message, decompressed. Default 512 MiB.
    pub message_bytes: u64,
    /// Entries of a file index, or facts of a section. Default 4,000,000.
    pub entries: u64,
    /// All paths of a message together, written out. Front coding lets few bytes stand for many.
    /// Default 1 GiB.
    pub path_bytes: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { stored_bytes: 256 << 20, message_bytes: 512 << 20, entries: 4_000_000, path_bytes: 1 << 30 }
    }
}
