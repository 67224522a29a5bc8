//! The merged view of one image.

use serde::{Deserialize, Serialize};

use crate::{BlindSpot, FileEntry, KeptFile, Package, PathBytes};

/// The distribution of an image. The serde shape is part of `plimsoll.report/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Distro {
    /// os-release `ID`.
    pub id: String,
    /// os-release `ID_LIKE`.
    pub id_like: Vec<String>,
    /// os-release `VERSION_ID`.
    pub version_id: Option<String>,
    /// os-release `VERSION_CODENAME`.
    pub codename: Option<String>,
    /// os-release `PRETTY_NAME`.
    pub pretty_name: Option<String>,
}

/// What an image contains once its layers are applied.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The distribution, if an os-release names one.
    pub distro: Option<Distro>,
    /// Packages, sorted by type, name, version, architecture, root and first location.
    pub packages: Vec<Package>,
    /// Package databases below another root than `/`, sorted.
    pub nested_roots: Vec<NestedRoot>,
    /// Every name of the merged image, sorted by path. No whiteouts, no unresolved hard links.
    pub files: Vec<InventoryFile>,
    /// passwd, group, os-release as the merged image shows them, sorted by path.
    pub kept: Vec<KeptFile>,
    /// What could not be seen, sorted.
    pub blind_spots: Vec<BlindSpot>,
}

/// A tree inside the image with a package database of its own (a chroot, a bundled root file system).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedRoot {
    /// Absolute path of its root.
    pub root: String,
    /// Its distribution, if it has an os-release.
    pub distro: Option<Distro>,
}

/// A name of the merged image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryFile {
    /// Resolved path in the merged image (the entry's own path may run through symlinks).
    pub path: PathBytes,
    /// Index of the layer whose entry this is.
    pub layer: u32,
    /// The entry.
    pub entry: FileEntry,
}
