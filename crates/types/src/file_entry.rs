//! One entry of the file index of a layer.

use crate::PathBytes;

/// What a name in a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file, or a hard link whose data is in the same layer (then `link_group` is set).
    File,
    /// A directory.
    Directory,
    /// A symbolic link; `link_target` is its text.
    Symlink,
    /// A hard link whose target is not in this layer; `link_target` is the cleaned path of the target in
    /// a lower layer. Binds at merge.
    HardLink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// `.wh.NAME`: hides `path` (already without the prefix) in lower layers.
    Whiteout,
    /// `.wh..wh..opq`: hides everything below the directory `path` in lower layers.
    Opaque,
}

/// What the first 512 bytes of a regular file say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ContentKind {
    /// Not a regular file, or not looked at.
    #[default]
    None,
    /// Zero bytes.
    Empty,
    /// `\x7fELF`.
    Elf,
    /// `MZ`.
    Pe,
    /// A Mach-O or universal binary.
    MachO,
    /// `PK\x03\x04` or an empty zip.
    Zip,
    /// Gzip, bzip2, xz, zstd.
    Compressed,
    /// `SQLite format 3\0`.
    Sqlite,
    /// `#!`.
    Script,
    /// No NUL byte in the first 512.
    Text,
    /// Anything else.
    Binary,
}

/// Name and value of an extended attribute.
pub type Xattr = (Box<[u8]>, Box<[u8]>);

/// One name in a layer, as its tar says (OCI image-spec, layer.md). Paths and link targets are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Cleaned path.
    pub path: PathBytes,
    /// What it is.
    pub kind: EntryKind,
    /// Target of a symlink (verbatim) or of an unresolved hard link (cleaned); empty otherwise.
    pub link_target: Box<[u8]>,
    /// The twelve mode bits: permissions, setuid, setgid, sticky.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Device major and minor.
    pub rdev: Option<(u32, u32)>,
    /// Content size in bytes (of the expanded file if sparse).
    pub size: u64,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<Xattr>,
    /// Names of one layer that share an inode carry the same non-zero number; zero: no hard link.
    pub link_group: u32,
    /// Kind of content.
    pub content: ContentKind,
    /// SHA-256 of the content of regular files.
    pub sha256: Option<[u8; 32]>,
}
