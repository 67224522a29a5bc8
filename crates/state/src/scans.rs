//! Scans: what was asked, and how far it is.

use async_trait::async_trait;
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, Failure, ScanId, ScanRequest, ScanState, Tenant};

use crate::rows::Columns;
use crate::{Error, ScanPlan, Verdict, WantedLayer};

/// Requests for verdicts.
#[async_trait]
pub trait Scans: Send + Sync {
    /// Accepts a request, in one short transaction. `Ok` promises that the scan is durable and will end.
    ///
    /// With an idempotency key this may be repeated: the same tenant, key and request give the scan of the
    /// first call and `created: false`. Without a key every call is a scan of its own, so a caller without one
    /// must not repeat it blindly.
    ///
    /// # Errors
    /// [`Error::Request`] if a bound is broken; [`Error::IdempotencyConflict`] if the key stands for another request.
    async fn submit(&self, request: &ScanRequest, now: i64) -> Result<Submitted, Error>;

    /// A scan with its progress and its verdicts so far, if it is the tenant's.
    async fn get(&self, tenant: &Tenant, id: ScanId) -> Result<Option<Progress>, Error>;

    /// How far several scans are, for those who watch them: cheaper than as many [`Scans::get`]. In no order;
    /// those that do not exist are left out. The caller has made sure whose they are.
    async fn watch(&self, ids: &[ScanId]) -> Result<Vec<Progress>, Error>;

    /// At most `limit` of the tenant's scans, the newest first, older than `after`.
    async fn list(
        &self,
        tenant: &Tenant,
        filter: &ScanFilter,
        after: Option<ScanId>,
        limit: u32,
    ) -> Result<Vec<Scan>, Error>;

    /// Ends a scan as [`ScanState::Cancelled`] and takes back its interest in layers; other scans' interests stay.
    /// No delivery is made. Gives the state the scan is in afterwards: one that had ended stays as it was.
    /// `None` if the tenant has no such scan. May be repeated.
    async fn cancel(&self, tenant: &Tenant, id: ScanId, now: i64) -> Result<Option<ScanState>, Error>;

    /// Claims at most `max` scans that wait for a coordinator, until `now + lease_ms`, urgent lanes first with a
    /// floor for the others. No two callers hold one scan at a time. If the reply is lost, the scans are claimed
    /// again when the lease has ended. A scan is handed out once more when its deadline has come: the caller ends
    /// it with [`Scans::fail`] if it still cannot be planned.
    async fn claim_submitted(
        &self,
        holder: &str,
        lease_ms: i64,
        max: u32,
        now: i64,
    ) -> Result<Vec<ClaimedScan>, Error>;

    /// Gives a claimed scan back until `next_at` and counts no attempt: nothing was tried. `false` if `holder` does not
    /// hold it any more.
    async fn put_back(&self, scan: ScanId, holder: &str, next_at: i64) -> Result<bool, Error>;

    /// Gives back at once what `holder` has claimed and does not know of, which is all but `held`: a claim that failed may
    /// have been made all the same. Gives how many.
    async fn disclaim_submitted(&self, holder: &str, held: &[ScanId], now: i64) -> Result<u64, Error>;

    /// Gives a claimed scan back until `next_at` (or its deadline, if that is sooner and still to come) and counts
    /// the attempt. `false`, and nothing happens, if `holder` does not hold it any more; so it counts once.
    async fn postpone(
        &self,
        id: ScanId,
        holder: &str,
        next_at: i64,
        failure: &Failure,
        now: i64,
    ) -> Result<bool, Error>;

    /// Ends a claimed scan that was never planned, as [`ScanState::Failed`] or [`ScanState::Gone`], and enqueues the
    /// callback's delivery in the same transaction. `true` if it is now in that end by this holder's doing, also
    /// when repeated.
    ///
    /// # Errors
    /// [`Error::Usage`] if `end` is neither of the two.
    async fn fail(
        &self,
        id: ScanId,
        holder: &str,
        end: ScanState,
        failure: &Failure,
        now: i64,
    ) -> Result<bool, Error>;

    /// Records what a scan consists of, in one transaction: images, targets, layers (in the order of their digests),
    /// interests, and the state [`ScanState::Analyzing`]. The first plan of a scan wins, whoever brings it.
    ///
    /// [`Planned::wanted`] has to be published: layers nobody asked for yet, and outstanding ones that are now
    /// asked for in a more urgent lane. Nothing is lost if the caller dies before: [`crate::Layers::due`] finds them. When
    /// repeated it gives the layers of the scan that were never published.
    ///
    /// # Errors
    /// [`Error::Usage`] if the plan has no target; [`Error::NoSuchScan`].
    async fn planned(&self, id: ScanId, plan: &ScanPlan, now: i64) -> Result<Planned, Error>;
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The scan.
    pub id: ScanId,
    /// False if an earlier call with the same idempotency key made it.
    pub created: bool,
}

/// A scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Its id.
    pub id: ScanId,
    /// What was asked.
    pub request: ScanRequest,
    /// How far it is.
    pub state: ScanState,
    /// The index the reference was resolved to, if it is one.
    pub index: Option<Digest>,
    /// The worst status of its targets, once judged.
    pub status: Option<VerdictStatus>,
    /// Why it failed, or what the last attempt ran into.
    pub failure: Option<Failure>,
    /// Attempts to resolve it that did not succeed.
    pub attempts: u32,
    /// When it was submitted.
    pub submitted_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// A scan and how far its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The scan.
    pub scan: Scan,
    /// Targets (platforms) it was planned with; 0 before that.
    pub targets: u32,
    /// Distinct layers of all targets.
    pub layers: u32,
    /// Those of them that are settled, well or badly.
    pub layers_settled: u32,
    /// Verdicts so far, in order of the targets.
    pub verdicts: Vec<Verdict>,
}

/// Which scans to list. Everything that is set has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanFilter {
    /// In this state.
    pub state: Option<ScanState>,
    /// With exactly this reference.
    pub reference: Option<String>,
    /// With this label.
    pub label: Option<(String, String)>,
}

/// A scan somebody has to resolve and plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedScan {
    /// Its id.
    pub id: ScanId,
    /// What was asked.
    pub request: ScanRequest,
    /// Attempts so far that did not succeed.
    pub attempts: u32,
    /// When it was submitted.
    pub submitted_at: i64,
}

/// What [`Scans::planned`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The state the scan is in: [`ScanState::Analyzing`], or one that came first.
    pub state: ScanState,
    /// True if this call's plan is the scan's plan.
    pub first: bool,
    /// Layers to publish, in order of their digests.
    pub wanted: Vec<WantedLayer>,
}

/// The columns [`read_scan`] reads.
macro_rules! scan_columns {
    () => {
        "s.id, s.request, s.state, s.index_digest, s.status, s.failure, s.attempts, s.submitted_at, s.ended_at"
    };
}
pub(crate) use scan_columns;

pub(crate) fn read_scan(row: &impl Columns) -> Result<Scan, Error> {
    Ok(Scan {
        id: row.scan_id("id")?,
        request: row.json("request")?,
        state: row.scan_state("state")?,
        index: row.opt_digest("index_digest")?,
        status: row.status("status")?,
        failure: row.failure("failure")?,
        attempts: row.count("attempts")?,
        submitted_at: row.int("submitted_at")?,
        ended_at: row.opt_int("ended_at")?,
    })
}

pub(crate) fn read_claimed_scan(row: &impl Columns) -> Result<ClaimedScan, Error> {
    Ok(ClaimedScan {
        id: row.scan_id("id")?,
        request: row.json("request")?,
        attempts: row.count("attempts")?,
        submitted_at: row.int("submitted_at")?,
    })
}

/// The scan of an earlier call with the same idempotency key, if the request is the same.
pub(crate) fn same_scan(row: &impl Columns, request: &ScanRequest) -> Result<Submitted, Error> {
    let id = row.scan_id("id")?;
    let earlier: ScanRequest = row.json("request")?;
    if earlier.asks_the_same_as(request) {
        return Ok(Submitted { id, created: false });
    }
    Err(Error::IdempotencyConflict { key: request.idempotency_key.clone().unwrap_or_default(), scan: id })
}

/// A new id. Its random part comes from a generator seeded by the system's.
pub(crate) fn new_id(now: i64) -> ScanId {
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    ScanId::new(now, random)
}

/// The two states somebody can end a scan in because it cannot be judged.
pub(crate) fn check_end(end: ScanState) -> Result<(), Error> {
    match end {
        ScanState::Failed | ScanState::Gone => Ok(()),
        _ => Err(Error::Usage("a scan can be ended as failed or gone only")),
    }
}
