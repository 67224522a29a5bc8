//! Which layers of an image still have to be read.

use std::collections::HashSet;

use plimsoll_proto::{BlobLink, decode_blob_link};
use plimsoll_state::Fingerprints;
use plimsoll_store::Key;
use plimsoll_types::{Descriptor, Digest, EvidenceGroup};

use crate::keep::rely;
use crate::resolve::{Resolved, is_encrypted};
use crate::{Engine, Error};

/// What is known of an image's layers before any of them is read.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Layers, lowest first, as the manifest lists them.
    pub layers: Vec<PlannedLayer>,
}

/// One layer.
#[derive(Clone, Debug)]
pub struct PlannedLayer {
    /// The blob.
    pub descriptor: Descriptor,
    /// What the image config claims the uncompressed layer's digest is.
    pub claimed_diff_id: Digest,
    /// What the blob was verified to be by an earlier pull.
    pub link: Option<BlobLink>,
    /// Which analyzers' evidence of it is meant.
    pub fingerprints: Fingerprints,
    /// How it has to be treated.
    pub state: LayerState,
}

/// How a layer has to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// Its evidence is in the store.
    Known,
    /// It has to be pulled and analyzed.
    Outstanding,
    /// Evidence for the diff_id the config claims is there: it has to be pulled and verified, but, if the
    /// claim is true, not analyzed. (The same content compressed in another way.)
    Unverified,
    /// Nobody without the key can read it.
    Encrypted,
}

impl Plan {
    /// Distinct layers that have to be pulled.
    pub fn outstanding(&self) -> Vec<&PlannedLayer> {
        let mut seen = HashSet::new();
        let to_pull =
            |layer: &&PlannedLayer| matches!(layer.state, LayerState::Outstanding | LayerState::Unverified);
        self.layers.iter().filter(to_pull).filter(|layer| seen.insert(layer.descriptor.digest)).collect()
    }

    /// How many distinct layers there are.
    pub fn distinct(&self) -> usize {
        self.layers.iter().map(|layer| layer.descriptor.digest).collect::<HashSet<_>>().len()
    }
}

/// Looks up every layer of an image in the store.
pub async fn plan(engine: &Engine, image: &Resolved) -> Result<Plan, Error> {
    let mut layers = Vec::with_capacity(image.manifest.layers.len());
    for (descriptor, claimed) in image.manifest.layers.iter().zip(&image.config.diff_ids) {
        let link = blob_link(engine, descriptor.digest).await?;
        let state = match link {
            _ if is_encrypted(descriptor) => LayerState::Encrypted,
            // A blob holds one content only: a config that claims another one is found out when it is read.
            Some(link) if link.diff_id == *claimed && has_evidence(engine, *claimed).await? => {
                LayerState::Known
            }
            None if has_evidence(engine, *claimed).await? => LayerState::Unverified,
            _ => LayerState::Outstanding,
        };
        layers.push(PlannedLayer {
            descriptor: descriptor.clone(),
            claimed_diff_id: *claimed,
            link,
            fingerprints: engine.fingerprints(),
            state,
        });
    }
    Ok(Plan { layers })
}

/// What an earlier pull has verified a blob to be. A damaged link is removed and counts as none.
pub(crate) async fn blob_link(engine: &Engine, blob: Digest) -> Result<Option<BlobLink>, Error> {
    let key = Key::BlobLink(blob);
    let Some(bytes) = engine.store.get(&key, None).await? else { return Ok(None) };
    if let Ok(link) = decode_blob_link(&bytes, &engine.limits.decode) {
        return Ok(Some(link));
    }
    engine.store.delete(&key).await?;
    Ok(None)
}

/// True if the evidence of every group is in the store, and stays there until somebody names it.
pub(crate) async fn has_evidence(engine: &Engine, diff_id: Digest) -> Result<bool, Error> {
    for group in EvidenceGroup::ALL {
        if !rely(&*engine.store, &engine.evidence_key(diff_id, *group)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
