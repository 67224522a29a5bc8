//! Layers: who waits for them, and what is known of them.
//!
//! A layer's row belongs to one tenant. Within a tenant a layer is worked on once, however many scans wait for it.
//! Between tenants nothing is shared here: not a failure, not a source, and not a success either, since "somebody
//! else has it" is no proof that this tenant may know what is in it. What two tenants do share is the evidence in
//! the store; [`WantedLayer::shared`] and [`LayerStanding::verified_at`] say what has to be shown before it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use plimsoll_types::{Digest, Failure, Lane, LayerJob, LayerResult, LayerSource, ScanId, Tenant};

use crate::rows::Columns;
use crate::{Error, Fingerprints, KnownLayer};

/// What is known of layers, and what is wanted.
#[async_trait]
pub trait Layers: Send + Sync {
    /// What the state knows of some blobs, as this tenant may use it, before a plan is made. One entry per digest
    /// that anybody has a row for, in no order.
    async fn standing(&self, tenant: &Tenant, digests: &[Digest]) -> Result<Vec<LayerStanding>, Error>;

    /// Takes in what a worker says of a layer. It touches the rows of that layer alone: whose scans are complete
    /// is found by [`crate::Targets::wake`], after this.
    ///
    /// The first `Done` wins, unless nothing was pulled for it and another tenant has a row for the same blob: then it
    /// shows nothing, and the layer is handed out again. An outstanding layer is the only one a failure can change. A failure counts once per
    /// attempt, so a result may arrive twice. A failing source is tried again later, or dropped if its failure lasts;
    /// without a source the layer is gone. Attempts and interruptions are bounded; beyond the bound it is quarantined.
    async fn settle(&self, tenant: &Tenant, result: &LayerResult, now: i64) -> Result<Settled, Error>;

    /// Hands out layers to publish again: outstanding, wanted by a scan, due, and not handed out since
    /// `due.asked_before`, the longest waiting first. What is handed out counts as asked at `now`, so that two callers do not get
    /// the same; what is lost on the way is handed out again later.
    async fn due(&self, due: &Due<'_>, limit: u32, now: i64) -> Result<Vec<WantedLayer>, Error>;

    /// Notes that these were published, so that the next attempt has another number. May be repeated.
    async fn mark_published(&self, published: &[WantedLayer], now: i64) -> Result<(), Error>;

    /// Makes layers outstanding once more, whatever they were: their evidence is missing or damaged, or a person asks
    /// for another try. Attempts start anew. Scans that wait for a verdict wait for these layers again. They are
    /// handed out by [`Layers::due`] if a scan wants them. May be repeated.
    async fn want_again(&self, tenant: &Tenant, digests: &[Digest], now: i64) -> Result<(), Error>;

    /// How many layers are outstanding, by lane.
    async fn backlog(&self) -> Result<Backlog, Error>;

    /// At most `limit` of the tenant's layers that ended badly, in order of digest after `after`.
    async fn troubled(
        &self,
        tenant: &Tenant,
        after: Option<Digest>,
        limit: u32,
    ) -> Result<Vec<LayerStanding>, Error>;

    /// Puts a version of the analyzers at the head of the list of accepted ones. May be repeated; an accepted version
    /// keeps its place.
    async fn accept(&self, fingerprints: &Fingerprints, now: i64) -> Result<(), Error>;

    /// The accepted versions, the newest first. While the list is empty every version is accepted.
    async fn accepted(&self) -> Result<Vec<Fingerprints>, Error>;

    /// Takes a version off the list: layers with no other evidence are wanted again when a scan is planned that
    /// has them. May be repeated.
    async fn retire(&self, fingerprints: &Fingerprints) -> Result<(), Error>;
}

/// One tenant's layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerKey {
    /// Whose.
    pub tenant: Tenant,
    /// Which.
    pub digest: Digest,
}

/// How a layer is. All but the first are settled; [`Layers::want_again`] is the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerState {
    /// Somebody has to read it.
    Outstanding,
    /// Its evidence is in the store.
    Done,
    /// Its verified bytes cannot be analyzed.
    Failed,
    /// No source has it any more. A scan that brings a source makes it outstanding again.
    Gone,
    /// Too many attempts ended badly.
    Quarantined,
    /// Nobody can read it; see [`crate::BlobStanding::Unreadable`].
    Unreadable,
}

impl LayerState {
    /// Every state.
    pub const ALL: &'static [Self] =
        &[Self::Outstanding, Self::Done, Self::Failed, Self::Gone, Self::Quarantined, Self::Unreadable];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outstanding => "outstanding",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Quarantined => "quarantined",
            Self::Unreadable => "unreadable",
        }
    }

    /// True if nobody waits for it any more.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Outstanding)
    }
}

impl fmt::Display for LayerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the state knows of one blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerStanding {
    /// The blob.
    pub digest: Digest,
    /// How it is for this tenant; `None` if the tenant has no row for it.
    pub state: Option<LayerState>,
    /// What this tenant knows of it, if it is done.
    pub known: Option<KnownLayer>,
    /// Why it is not done, or what the last attempt ran into.
    pub failure: Option<Failure>,
    /// Registries from which some tenant had this blob pulled and verified. A HEAD with this tenant's credentials at
    /// one of these shows that the tenant may know it; a HEAD anywhere else shows nothing, since a registry can lie
    /// about what it has. Not for the eyes of tenants.
    pub verified_at: Vec<String>,
}

/// A layer to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLayer {
    /// Whose scans wait. The result has to bring it back.
    pub tenant: Tenant,
    /// In which lane.
    pub lane: Lane,
    /// The job. All sources are of this tenant.
    pub job: LayerJob,
    /// True if another tenant has a row for the same blob: then what is in the store may be theirs, and is no answer
    /// before this tenant has been shown to have the blob. False: what is in the store is this tenant's.
    pub shared: bool,
    /// The oldest of the scans that wait, for whoever follows what becomes of it.
    pub scan: Option<ScanId>,
}

impl WantedLayer {
    /// Its key.
    pub fn key(&self) -> LayerKey {
        LayerKey { tenant: self.tenant.clone(), digest: self.job.digest }
    }
}

/// What a result did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The layer is settled now, or was before: its state. Time for [`crate::Targets::wake`].
    As(LayerState),
    /// It will be tried again, not before this instant; [`Layers::due`] hands it out.
    Again(i64),
    /// Nothing: the attempt was counted before, or nobody knows the layer.
    Ignored,
}

/// Which layers [`Layers::due`] hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due<'a> {
    /// Of these lanes.
    pub lanes: &'a [Lane],
    /// Not handed out at or after this instant. Layers that wait for another attempt after a failure are due when
    /// their wait is over, whatever is said here.
    pub asked_before: i64,
    /// Also what was never noted as published and was not handed out at or after this instant: no message can be it.
    pub unpublished_before: i64,
}

/// How much is outstanding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Outstanding layers some scan waits for, per lane; lanes without one are left out.
    pub layers: BTreeMap<Lane, u64>,
    /// Scans that wait for a coordinator, per lane.
    pub scans: BTreeMap<Lane, u64>,
}

pub(crate) fn read_standing(row: &impl Columns) -> Result<LayerStanding, Error> {
    let state = row.layer_state("state")?;
    Ok(LayerStanding {
        digest: row.digest("digest")?,
        state: Some(state),
        known: if state == LayerState::Done { row.known()? } else { None },
        failure: row.failure("failure")?,
        verified_at: Vec::new(),
    })
}

/// A wanted layer without its sources.
pub(crate) fn read_wanted(row: &impl Columns) -> Result<WantedLayer, Error> {
    Ok(WantedLayer {
        tenant: row.tenant("tenant")?,
        lane: row.lane("lane")?,
        job: LayerJob {
            digest: row.digest("digest")?,
            size: row.int("size")?.cast_unsigned(),
            media_type: row.text("media_type")?,
            claimed_diff_id: row.digest("diff_id")?,
            sources: Vec::new(),
            attempt: row.count("published")?,
        },
        shared: row.flag("shared")?,
        scan: row.opt_scan_id("scan")?,
    })
}

pub(crate) fn read_source(row: &impl Columns) -> Result<LayerSource, Error> {
    let credential = row.text("credential")?;
    Ok(LayerSource {
        registry: row.text("registry")?,
        repository: row.text("repository")?,
        tenant: row.text("tenant")?,
        credential: (!credential.is_empty()).then_some(credential),
        plain_http: row.flag("plain_http")?,
    })
}

impl LayerStanding {
    /// Makes one of the rows of all tenants for one blob, as `tenant` may use it.
    pub(crate) fn gather(tenant: &Tenant, rows: &[impl Columns]) -> Result<Option<Self>, Error> {
        let Some(first) = rows.first() else { return Ok(None) };
        let mut standing = Self {
            digest: first.digest("digest")?,
            state: None,
            known: None,
            failure: None,
            verified_at: Vec::new(),
        };
        let mut registries = BTreeSet::new();
        for row in rows {
            registries.extend(row.opt_text("verified_at")?);
            if row.tenant("tenant")? == *tenant {
                standing = read_standing(row)?;
            }
        }
        standing.verified_at = registries.into_iter().collect();
        Ok(Some(standing))
    }
}
