//! The merged view of one image.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BlindSpot, Evidence, FileEntry, KeptFile, Package, PathBytes};

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
///
/// It shares what is behind it with the evidence of a layer: an image has tens of thousands of names, and most are never
/// looked at.
#[derive(Clone)]
pub struct InventoryFile {
    /// Index of the layer whose entry this is.
    pub layer: u32,
    /// Where it lies, if its entry does not say so itself.
    path: Option<PathBytes>,
    entry: Behind,
}

#[derive(Clone)]
enum Behind {
    /// This entry of a layer.
    Layer(Arc<Evidence>, usize),
    /// One of its own.
    Own(Box<FileEntry>),
}

impl InventoryFile {
    /// The name `path` for `entry`, which `layer` brought.
    pub fn new(path: PathBytes, layer: u32, entry: FileEntry) -> Self {
        Self { layer, path: Some(path), entry: Behind::Own(Box::new(entry)) }
    }

    /// A name for an entry that has that index in the evidence of `layer`; `path` if it is not the entry's own.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn of_layer(layer: u32, evidence: &Arc<Evidence>, index: usize, path: Option<PathBytes>) -> Self {
        assert!(index < evidence.index.entries.len(), "a layer has entry {index}");
        Self { layer, path, entry: Behind::Layer(Arc::clone(evidence), index) }
    }

    /// Resolved path in the merged image (the entry's own path may run through symlinks).
    pub fn path(&self) -> &PathBytes {
        self.path.as_ref().unwrap_or(&self.entry().path)
    }

    /// The entry.
    pub fn entry(&self) -> &FileEntry {
        match &self.entry {
            Behind::Layer(evidence, index) => &evidence.index.entries[*index],
            Behind::Own(entry) => entry,
        }
    }
}

impl PartialEq for InventoryFile {
    fn eq(&self, other: &Self) -> bool {
        (self.path(), self.layer, self.entry()) == (other.path(), other.layer, other.entry())
    }
}

impl Eq for InventoryFile {}

impl fmt::Debug for InventoryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InventoryFile")
            .field("path", self.path())
            .field("layer", &self.layer)
            .field("entry", self.entry())
            .finish()
    }
}
