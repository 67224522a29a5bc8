//! What every step needs: a store, analyzers and limits.

use std::num::NonZeroUsize;
use std::sync::Arc;

use plimsoll_analyze::{Analyzer, fingerprint};
use plimsoll_proto::DecodeLimits;
use plimsoll_state::Fingerprints;
use plimsoll_store::{Key, Store};
use plimsoll_types::{Digest, EvidenceGroup};

use crate::evidence::Hot;
use crate::keep::Met;

/// Limits of the steps.
#[derive(Clone, Debug, Default)]
pub struct EngineLimits {
    /// Of reading a layer.
    pub layer: plimsoll_layer::Limits,
    /// Of analyzing its files.
    pub analyze: plimsoll_analyze::Limits,
    /// Of decoding evidence.
    pub decode: DecodeLimits,
}

/// A store, the analyzers whose evidence it holds, and the limits they work under.
#[derive(Clone)]
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) analyzers: Arc<[&'static dyn Analyzer]>,
    pub(crate) limits: Arc<EngineLimits>,
    pub(crate) slots: usize,
    pub(crate) answers_from_store: bool,
    pub(crate) hot: Option<Arc<Hot>>,
    pub(crate) met: Arc<Met>,
    fingerprints: Fingerprints,
}

impl Engine {
    /// An engine over `store` with every analyzer there is and a layer at a time per core.
    pub fn new(store: Arc<dyn Store>, limits: EngineLimits) -> Self {
        Self::with_analyzers(store, limits, plimsoll_analyze::analyzers::ALL)
    }

    /// As [`Engine::new`] with other analyzers: their evidence lives beside that of any other set.
    pub fn with_analyzers(
        store: Arc<dyn Store>,
        limits: EngineLimits,
        analyzers: &[&'static dyn Analyzer],
    ) -> Self {
        let print = |group| fingerprint(group, analyzers, &limits.analyze);
        Self {
            fingerprints: Fingerprints {
                index: print(EvidenceGroup::Index),
                packages: print(EvidenceGroup::Packages),
            },
            store,
            analyzers: analyzers.into(),
            limits: Arc::new(limits),
            slots: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            answers_from_store: true,
            hot: None,
            met: Arc::default(),
        }
    }

    /// How many layers are analyzed at the same time; at least one.
    pub fn with_slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// Keeps about so many bytes of decoded evidence, for whoever judges image after image on the same layers.
    pub fn keeping_evidence(mut self, bytes: usize) -> Self {
        self.hot = Some(Arc::new(Hot::new(bytes)));
        self
    }

    /// Makes a source show its manifests and configs also when the store has them. For those who resolve for
    /// several tenants: that one of them can name a digest is no proof that he may read what it stands for.
    pub fn asking_the_source(mut self) -> Self {
        self.answers_from_store = false;
        self
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What tells this engine's evidence from that of other analyzers, versions and configurations.
    pub fn fingerprints(&self) -> Fingerprints {
        self.fingerprints
    }

    /// Where this engine keeps a group's evidence of a layer.
    pub fn evidence_key(&self, diff_id: Digest, group: EvidenceGroup) -> Key {
        evidence_key(&self.fingerprints, diff_id, group)
    }
}

/// Where a group's evidence of a layer is kept, by the analyzers that made it.
pub(crate) fn evidence_key(fingerprints: &Fingerprints, diff_id: Digest, group: EvidenceGroup) -> Key {
    let fingerprint = match group {
        EvidenceGroup::Index => fingerprints.index,
        EvidenceGroup::Packages => fingerprints.packages,
    };
    Key::Evidence { diff_id, group, fingerprint }
}
