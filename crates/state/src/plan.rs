//! What a scan consists of, once its reference is resolved.

use std::collections::BTreeSet;

use plimsoll_types::{BlindSpot, Digest, LayerDone, LayerSource, Platform};

/// A resolved scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanPlan {
    /// The index the reference names, if it names one.
    pub index: Option<Digest>,
    /// Where the layers may be pulled from. The tenant is that of the scan, whatever is written here.
    pub source: LayerSource,
    /// One per platform, at least one.
    pub targets: Vec<PlannedTarget>,
}

impl ScanPlan {
    /// How many layers there are to know: a blob counts once, and one that nobody can read not at all.
    pub fn distinct_layers(&self) -> usize {
        let layers = self.targets.iter().flat_map(|target| &target.layers);
        let readable = layers.filter(|layer| layer.standing != BlobStanding::Unreadable);
        readable.map(|layer| layer.digest).collect::<BTreeSet<_>>().len()
    }
}

/// One image of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTarget {
    /// Its platform.
    pub platform: Platform,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Digest of its config.
    pub config: Digest,
    /// What resolving could not see.
    pub blind_spots: Vec<BlindSpot>,
    /// Its layers, lowest first; a blob may occur more than once.
    pub layers: Vec<PlannedBlob>,
}

/// One layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedBlob {
    /// Digest of the blob.
    pub digest: Digest,
    /// Size in bytes, as the manifest has it.
    pub size: u64,
    /// Media type, as the manifest has it.
    pub media_type: String,
    /// What the config claims the uncompressed layer's digest is.
    pub diff_id: Digest,
    /// What the planner knows of it.
    pub standing: BlobStanding,
}

/// What the planner knows of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobStanding {
    /// Its evidence is in the store, and this tenant has been shown to have the blob: it brought the layer itself,
    /// or its own credentials got a HEAD of the blob from a registry in [`crate::LayerStanding::verified_at`].
    Known(KnownLayer),
    /// It has to be read, unless this tenant's row says that it was read meanwhile.
    Wanted,
    /// Nobody can read it (encrypted, or not distributable): nobody waits for it.
    Unreadable,
}

/// Where the evidence of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KnownLayer {
    /// Verified digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Its size in bytes.
    pub uncompressed_size: u64,
    /// Which evidence.
    pub fingerprints: Fingerprints,
}

impl From<&LayerDone> for KnownLayer {
    fn from(done: &LayerDone) -> Self {
        Self {
            diff_id: done.diff_id,
            uncompressed_size: done.uncompressed_size,
            fingerprints: Fingerprints { index: done.index, packages: done.packages },
        }
    }
}

/// One version of the analyzers everybody runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprints {
    /// Of the `index` group.
    pub index: Digest,
    /// Of the `packages` group.
    pub packages: Digest,
}
