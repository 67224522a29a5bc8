//! What analyzers found in one layer.
//!
//! Every record belongs to a *path of the layer*: the file it was read from. At merge a record counts only
//! if that very file is what the merged image shows at that path; that one rule is how upgrades, deletions
//! and replaced databases work for every format.

use crate::{Digest, FileEntry, LicenseClaim, PackageRecord, PathBytes};

/// The groups evidence is stored in; each has a fingerprint of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceGroup {
    /// The file index and the kept files.
    Index,
    /// Packages, databases, os-release.
    Packages,
}

impl EvidenceGroup {
    /// Every group.
    pub const ALL: &'static [Self] = &[Self::Index, Self::Packages];

    /// The name used in store keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Packages => "packages",
        }
    }
}

/// All evidence of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Group `index`.
    pub index: IndexEvidence,
    /// Group `packages`.
    pub packages: PackagesEvidence,
}

/// Group `index`: the whole file index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEvidence {
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Size of the uncompressed layer in bytes.
    pub uncompressed_size: u64,
    /// Entries in the order of the tar, last duplicate included: merging decides.
    pub entries: Vec<FileEntry>,
    /// passwd, group, os-release verbatim, up to 64 KiB each, in the order of the tar.
    pub kept: Vec<KeptFile>,
    /// Oddities on which runtimes differ, one sentence each, sorted; blind spot `ambiguous_layer`.
    pub ambiguities: Vec<String>,
}

/// A small file kept verbatim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// Where it was.
    pub path: PathBytes,
    /// Its first 64 KiB.
    pub bytes: Vec<u8>,
}

/// Group `packages`: one section per analyzer, sorted by analyzer id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagesEvidence {
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
    /// The sections.
    pub sections: Vec<Section>,
}

/// What one analyzer says of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Analyzer id, for example `debian/dpkg`.
    pub analyzer: String,
    /// Analyzer version.
    pub version: u32,
    /// How it went.
    pub status: SectionStatus,
    /// Records, sorted by path and then by content.
    pub records: Vec<Record>,
}

impl Section {
    /// An empty section.
    pub fn new(analyzer: &str, version: u32) -> Self {
        Self { analyzer: analyzer.to_owned(), version, status: SectionStatus::Complete, records: Vec::new() }
    }
}

/// How an analyzer fared over a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionStatus {
    /// Everything wanted was read.
    Complete,
    /// The analyzer failed on the layer as a whole; the records it made are kept.
    Failed(String),
}

/// One fact and the file it was read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The file of this layer it was read from, or a symbolic link to it; then a [`Payload::ReadFrom`] of the
    /// same path names the file.
    pub path: PathBytes,
    /// The fact.
    pub payload: Payload,
}

/// The kinds of facts analyzers of group `packages` report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payload {
    /// A package.
    Package(Box<PackageRecord>),
    /// The file is a package database (or one of its parts); says whether it could be read.
    Database(DatabaseState),
    /// Paths a package owns, where another file than the database says so (dpkg `info/*.list`).
    Owned(OwnedPaths),
    /// One dpkg diversion: `from` is moved to `to` unless `by` is the installing package.
    Diversion {
        /// The path as packages list it.
        from: PathBytes,
        /// Where it really is.
        to: PathBytes,
        /// The package that may keep `from`; empty: a local diversion, for every package.
        by: String,
    },
    /// Licences of a package, where another file states them (`usr/share/doc/NAME/copyright`).
    Licenses {
        /// Binary package name.
        package: String,
        /// What it states.
        licenses: Vec<LicenseClaim>,
    },
    /// The distribution.
    OsRelease(OsRelease),
    /// The file could not be read; becomes a blind spot if the file is live in the merged image.
    Unreadable {
        /// True if a limit (size, nesting, ratio) and not the content is the reason.
        limit: bool,
        /// One sentence.
        message: String,
    },
    /// The path is a symbolic link, and its other facts were read from this file of the layer, to which it led.
    /// They count while it leads there.
    ReadFrom(PathBytes),
}

/// State of a package database file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatabaseState {
    /// Read; this many packages (0 is suspicious and becomes a blind spot).
    Read {
        /// `deb`, `apk`, `rpm`.
        format: String,
        /// How many installed packages it lists.
        packages: u64,
    },
    /// There and broken.
    Unreadable {
        /// `deb`, `apk`, `rpm`.
        format: String,
        /// Why.
        message: String,
    },
    /// There, of a kind without an analyzer.
    Unsupported {
        /// For example `rpm (Berkeley DB)`.
        format: String,
    },
}

/// Paths one package owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnedPaths {
    /// Binary package name.
    pub package: String,
    /// Architecture, where the file name carries one (`libc6:amd64.list`).
    pub arch: Option<String>,
    /// Cleaned paths, relative to the root that holds the database, sorted.
    pub paths: Vec<PathBytes>,
}

/// os-release(5), the fields that matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct OsRelease {
    /// `ID`.
    pub id: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
    /// `VERSION_ID`.
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`.
    pub codename: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<String>,
    /// `VARIANT_ID`.
    pub variant_id: Option<String>,
}
