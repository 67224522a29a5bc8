//! Targets: the images of a scan, each to be judged.

use std::collections::BTreeSet;

use async_trait::async_trait;
use plimsoll_types::{
    BlindKind, BlindSpot, Digest, Failure, Lane, Platform, ScanId, ScanRequest, ScanState, Tenant,
};

use crate::rows::Columns;
use crate::{Error, KnownLayer, LayerKey, LayerState, NewVerdict};

/// Judging. Completion is a query: a target is complete when none of its layers is outstanding. The query's answer
/// is remembered in the target ("ready") by [`Targets::wake`], so that asking is cheap, and asked again at the claim.
#[async_trait]
pub trait Targets: Send + Sync {
    /// Marks the targets that wait for one of `settled` and for nothing else. Call it after results are settled, and
    /// before they are acknowledged. Gives how many became ready. May be repeated.
    async fn wake(&self, settled: &[LayerKey]) -> Result<u64, Error>;

    /// The same over all targets, for a loop: what a process that died did not say. Costs a look at every waiting target.
    async fn wake_all(&self) -> Result<u64, Error>;

    /// Claims at most `max` targets that are ready, or whose deadline has passed, until `now + lease_ms`, urgent lanes
    /// first with a floor for the others. No two callers hold one target at a time; if the reply is lost, they are
    /// claimed again when the lease has ended.
    async fn claim_complete(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedTarget>, Error>;

    /// Gives back at once what `holder` has claimed and does not know of, which is all but `held`: a claim that failed may
    /// have been made all the same. Gives how many.
    async fn disclaim_complete(&self, holder: &str, held: &[TargetId], now: i64) -> Result<u64, Error>;

    /// Records a verdict whose document is in the store, in one transaction: the verdict, the target and, if it was
    /// the scan's last one, the scan's end, its worst status and the callback's delivery. Layers still outstanding
    /// (after a deadline) go on in the backfill lane.
    ///
    /// The first commit wins. `true` if the target's verdict is this document, also when repeated; `false` if another
    /// was first, or the scan ended otherwise.
    async fn judged(&self, target: TargetId, verdict: &NewVerdict, now: i64) -> Result<bool, Error>;

    /// Ends the scan of a claimed target as [`ScanState::Failed`] or [`ScanState::Gone`], with the callback's delivery.
    /// `true` if it is in that end by this holder's doing, also when repeated.
    ///
    /// # Errors
    /// [`Error::Usage`] if `end` is neither of the two.
    async fn give_up(
        &self,
        target: TargetId,
        holder: &str,
        end: ScanState,
        failure: &Failure,
        now: i64,
    ) -> Result<bool, Error>;

    /// Gives a claimed target back until `next_at` and counts the attempt: the store was away, a snapshot is
    /// missing, a layer's evidence was lost and is wanted again. `false` if `holder` does not hold it any more.
    async fn release(
        &self,
        target: TargetId,
        holder: &str,
        next_at: i64,
        failure: &Failure,
    ) -> Result<bool, Error>;
}

/// One target of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    /// The scan.
    pub scan: ScanId,
    /// Its place in the plan.
    pub ordinal: u32,
}

/// A target to judge, with everything folding and judging need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedTarget {
    /// Which.
    pub id: TargetId,
    /// Whose.
    pub tenant: Tenant,
    /// In which lane.
    pub lane: Lane,
    /// The image as the asker wrote it.
    pub reference: String,
    /// The index it came from.
    pub index: Option<Digest>,
    /// Its manifest.
    pub manifest: Digest,
    /// Its config.
    pub config: Digest,
    /// Its platform.
    pub platform: Platform,
    /// What resolving could not see.
    pub blind_spots: Vec<BlindSpot>,
    /// The policy asked for.
    pub policy: Option<Digest>,
    /// Allowlists asked for.
    pub allowlists: Vec<Digest>,
    /// Blind spots the asker accepts.
    pub allow_blind: Vec<BlindKind>,
    /// The scan's deadline. It has passed if a layer is outstanding.
    pub deadline: Option<i64>,
    /// When the scan was submitted.
    pub submitted_at: i64,
    /// Attempts so far that did not succeed.
    pub attempts: u32,
    /// Its layers, lowest first.
    pub layers: Vec<ClaimedLayer>,
}

/// A layer of a claimed target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedLayer {
    /// The blob.
    pub digest: Digest,
    /// Its size in bytes, as the manifest has it.
    pub size: u64,
    /// Its media type, as the manifest has it.
    pub media_type: String,
    /// What the config claims the uncompressed layer's digest is.
    pub claimed_diff_id: Digest,
    /// How it ended; [`LayerState::Outstanding`] only past the deadline.
    pub state: LayerState,
    /// Where its evidence is, if it is done.
    pub known: Option<KnownLayer>,
    /// Why it is not done.
    pub failure: Option<Failure>,
}

/// A claimed target without its layers.
pub(crate) fn read_target(row: &impl Columns) -> Result<ClaimedTarget, Error> {
    let request: ScanRequest = row.json("request")?;
    Ok(ClaimedTarget {
        id: TargetId { scan: row.scan_id("scan")?, ordinal: row.count("ordinal")? },
        tenant: row.tenant("tenant")?,
        lane: row.lane("lane")?,
        reference: request.reference,
        index: row.opt_digest("index_digest")?,
        manifest: row.digest("manifest")?,
        config: row.digest("config")?,
        platform: row.platform("platform")?,
        blind_spots: row.json("blind_spots")?,
        policy: request.policy,
        allowlists: request.allowlists,
        allow_blind: request.allow_blind,
        deadline: request.deadline,
        submitted_at: row.int("submitted_at")?,
        attempts: row.count("attempts")?,
        layers: Vec::new(),
    })
}

pub(crate) fn read_claimed_layer(row: &impl Columns) -> Result<ClaimedLayer, Error> {
    let state = match row.opt_text("state")? {
        Some(_) if row.flag("readable")? => row.layer_state("state")?,
        _ => LayerState::Unreadable,
    };
    Ok(ClaimedLayer {
        digest: row.digest("digest")?,
        size: row.int("size")?.cast_unsigned(),
        media_type: row.text("media_type")?,
        claimed_diff_id: row.digest("diff_id")?,
        state,
        known: if state == LayerState::Done { row.known()? } else { None },
        failure: row.failure("failure")?,
    })
}

impl ClaimedTarget {
    /// Layers nobody has settled, each once.
    pub(crate) fn outstanding(&self) -> impl Iterator<Item = Digest> {
        let waiting = self.layers.iter().filter(|layer| !layer.state.is_settled());
        waiting.map(|layer| layer.digest).collect::<BTreeSet<_>>().into_iter()
    }

    /// True if it may be judged: complete, or out of time.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
            || self.layers.iter().all(|layer| layer.state.is_settled())
    }
}
