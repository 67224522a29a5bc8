//! What is needed: everything a row of the state names, and everything the document of a retained verdict was
//! computed from, so that it can be replayed.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use plimsoll_oci::digest_of;
use plimsoll_state::{Fingerprints, State};
use plimsoll_store::{Key, Store};
use plimsoll_types::{Digest, EvidenceGroup};

use super::Config;
use super::marks::{Marks, Sorted};
use crate::Error;
use crate::engine::evidence_key;
use crate::replay::Stored;

/// Rows asked for at once.
pub(super) const PAGE: u32 = 1_000;

/// Marks what is needed.
pub(super) struct Marker {
    marks: Marks,
    at_once: usize,
    unreadable: u64,
}

impl Marker {
    pub(super) fn new(config: &Config) -> Self {
        Self { marks: Marks::new(config.marks), at_once: config.at_once.max(1), unreadable: 0 }
    }

    /// Documents that could not be read.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    pub(super) fn finish(self) -> Result<Sorted, Error> {
        self.marks.sorted().map_err(Error::Temporary)
    }

    /// What rows name: of scans, live and ended, of images, and of layers that are known, or were let go of so lately that
    /// somebody may still judge by them.
    pub(super) async fn state(&mut self, state: &dyn State, let_go_since: i64) -> Result<(), Error> {
        let mut scans = state.retained_scans(None, PAGE).await?;
        while let Some(last) = scans.last().map(|scan| scan.id) {
            for scan in &scans {
                self.all(scan.index.map(Key::Manifest))?;
                self.all(scan.policy.into_iter().chain(scan.allowlists.iter().copied()).map(Key::Policy))?;
            }
            scans = state.retained_scans(Some(last), PAGE).await?;
        }
        let mut images = state.retained_images(None, PAGE).await?;
        while let Some(last) = images.last() {
            for image in &images {
                self.all([Key::Manifest(image.manifest), Key::Config(image.config)])?;
            }
            images = state.retained_images(Some(last), PAGE).await?;
        }
        let mut layers = state.retained_layers(None, let_go_since, PAGE).await?;
        while let Some(last) = layers.last() {
            for layer in &layers {
                self.all([Key::BlobLink(layer.key.digest)])?;
                self.evidence(layer.known.diff_id, &layer.known.fingerprints)?;
            }
            layers = state.retained_layers(Some(&last.key), let_go_since, PAGE).await?;
        }
        Ok(())
    }

    /// What documents of verdicts name. One that is missing or damaged is counted and keeps nothing: nobody can
    /// replay it.
    pub(super) async fn documents(&mut self, state: &dyn State, store: &Arc<dyn Store>) -> Result<(), Error> {
        let mut documents = state.documents(None, PAGE).await?;
        while let Some(last) = documents.last().copied() {
            let read = |digest: Digest| async move {
                let bytes = store.get(&Key::Verdict(digest), None).await?;
                Ok::<_, Error>((digest, bytes))
            };
            let mut reading = stream::iter(documents).map(read).buffer_unordered(self.at_once);
            while let Some((digest, bytes)) = reading.try_next().await? {
                self.all([Key::Verdict(digest)])?;
                match stored(digest, bytes) {
                    Ok(document) => self.document(&document)?,
                    Err(why) => {
                        tracing::warn!(%digest, why, "the document of a verdict cannot be read");
                        self.unreadable += 1;
                    }
                }
            }
            drop(reading);
            documents = state.documents(Some(last), PAGE).await?;
        }
        Ok(())
    }

    fn document(&mut self, document: &Stored) -> Result<(), Error> {
        let inputs = &document.inputs;
        self.all([Key::Manifest(inputs.manifest), Key::Config(inputs.config), Key::Policy(inputs.policy)])?;
        self.all(inputs.index.map(Key::Manifest))?;
        self.all(inputs.knowledge.map(Key::Snapshot))?;
        self.all(inputs.allowlists.iter().copied().map(Key::Policy))?;
        for (layer, evidence) in document.image.layers.iter().zip(&inputs.evidence) {
            self.all([Key::BlobLink(layer.digest)])?;
            if let Some(diff_id) = layer.diff_id {
                let fingerprints = Fingerprints { index: evidence.index, packages: evidence.packages };
                self.evidence(diff_id, &fingerprints)?;
            }
        }
        Ok(())
    }

    fn evidence(&mut self, diff_id: Digest, fingerprints: &Fingerprints) -> Result<(), Error> {
        self.all(EvidenceGroup::ALL.iter().map(|group| evidence_key(fingerprints, diff_id, *group)))
    }

    fn all(&mut self, keys: impl IntoIterator<Item = Key>) -> Result<(), Error> {
        keys.into_iter().try_for_each(|key| self.marks.add(&key)).map_err(Error::Temporary)
    }
}

fn stored(digest: Digest, bytes: Option<Bytes>) -> Result<Stored, String> {
    let bytes = bytes.ok_or("it is missing")?;
    if digest_of(&bytes) != digest {
        return Err("it is damaged".to_owned());
    }
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}
