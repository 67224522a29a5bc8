//! The role that turns references into layers somebody has to read, and sees to it that somebody does.

mod backlog;
mod metrics;
mod reconciling;
mod targets;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_queue::Queue;
use plimsoll_state::{Bell, ClaimedScan, ScanPlan, State, retrying};
use plimsoll_telemetry::{Parent, failpoint};
use plimsoll_types::{Failure, LayerSource, Reference, Retry, ScanId, ScanRequest, ScanState};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::at_work::AtWork;
use crate::registries::Registries;
use crate::{Clock, Engine, Error, job, resolve, wait};

use metrics::Ended;
pub use metrics::Metrics;
use targets::targets;
use turns::Turn;
pub use turns::Turns;

/// How a coordinator works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name among other coordinators.
    pub holder: String,
    /// How long a scan is claimed for resolving it.
    pub lease: Duration,
    /// Scans resolved at the same time.
    pub slots: u32,
    /// How long resolving one may take at a time. Three quarters of a lease at most, so that nobody else claims it meanwhile.
    pub resolve: Duration,
    /// How long it waits when there is nothing to do and nobody submits anything.
    pub idle: Duration,
    /// Attempts to resolve a scan.
    pub attempts: u32,
    /// How often it looks for what was lost.
    pub reconcile: Duration,
    /// How long a published layer is left alone before it counts as lost.
    pub republish_after: Duration,
    /// How often it counts what waits, if anybody wants to know.
    pub measure: Duration,
}

impl Config {
    /// The defaults, under a name of its own.
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            lease: Duration::from_secs(120),
            slots: 64,
            resolve: Duration::from_secs(45),
            idle: Duration::from_millis(250),
            attempts: 8,
            reconcile: Duration::from_secs(2),
            republish_after: Duration::from_secs(60),
            measure: Duration::from_secs(15),
        }
    }
}

/// So many more attempts a scan has where the fleet itself failed: hours rather than minutes.
const OURS: u32 = 8;

/// How long a scan of a slow registry is left alone, on average.
const SLOW_PAUSE: Duration = Duration::from_secs(20);

/// Attempts to tell the state what a scan ran into: some twenty seconds.
const STATE_ATTEMPTS: u32 = 16;

/// What a scan whose deadline is over, or about to be, gets for resolving.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// A registry takes its time, and enough scans wait for it.
struct SlowRegistry;

/// A coordinator.
pub struct Coordinator {
    /// How it works.
    pub config: Config,
    /// Store, analyzers and limits.
    pub engine: Engine,
    /// How it reaches registries.
    pub registries: Registries,
    /// The truth.
    pub state: Arc<dyn State>,
    /// Where layers are published.
    pub queue: Arc<dyn Queue>,
    /// What time it is.
    pub clock: Clock,
    /// What it counts.
    pub metrics: Metrics,
    /// Whose registries are slow.
    pub turns: Turns,
}

impl Coordinator {
    /// Works until `stop`. Scans it holds then are claimed again when their lease ends.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let planning = stop.run_until_cancelled(Arc::clone(&self).plan_scans());
        let reconciling = stop.run_until_cancelled(self.reconcile());
        let measuring = stop.run_until_cancelled(self.measure());
        tokio::join!(planning, reconciling, measuring);
    }

    async fn plan_scans(self: Arc<Self>) {
        let mut submitted = self.state.listen(Bell::Submitted);
        let mut failures = 0;
        let mut at_work = AtWork::new(self.config.slots);
        loop {
            let free = at_work.room().await;
            let unknown = (failures > 0).then(|| at_work.held());
            match self.claim(free, unknown).await {
                Ok(scans) => {
                    failures = 0;
                    let all = (scans.len() as u32) < free;
                    for scan in scans {
                        let (this, id) = (Arc::clone(&self), scan.id);
                        let span = tracing::info_span!("plan", scan = %id);
                        Parent::of_trace(&id.to_string()).adopt(&span);
                        at_work.begin(id, async move { this.plan(&scan).await }.instrument(span));
                    }
                    if all {
                        // One that is submitted wakes this at once; one that was put off does not.
                        let _ = tokio::time::timeout(self.config.idle, submitted.rung()).await;
                    }
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "no scans can be claimed");
                    wait::after(failures).await;
                }
            }
        }
    }

    /// Claims at most `free` scans. After a claim that failed, all but what is `held` is given back before: that claim may
    /// have been made, and nobody would work on it until its lease ended.
    async fn claim(
        &self,
        free: u32,
        held: Option<Vec<ScanId>>,
    ) -> Result<Vec<ClaimedScan>, plimsoll_state::Error> {
        let (holder, now) = (&self.config.holder, (self.clock)());
        if let Some(held) = held {
            self.state.disclaim_submitted(holder, &held, now).await?;
        }
        self.state.claim_submitted(holder, self.config.lease.as_millis() as i64, free, now).await
    }

    async fn plan(&self, scan: &ClaimedScan) {
        failpoint!("claim/plan");
        let (began, _held) = (Instant::now(), self.metrics.hold());
        let Ok(_turn) = self.turn(scan).await else {
            let ended = self.put_back(scan).await;
            self.metrics.ended(ended, began.elapsed());
            return;
        };
        let limit = self.config.resolve.min(self.config.lease * 3 / 4);
        let left = self.time_left(scan).filter(|left| *left < limit);
        let resolving = self.scan_plan(&scan.request).instrument(tracing::info_span!("resolve"));
        let resolved = tokio::time::timeout(left.unwrap_or(limit), resolving).await.unwrap_or_else(|_| {
            let slow = Error::Slow { seconds: limit.as_secs() };
            Err(if left.is_some() { Error::Deadline { last: None } } else { slow })
        });
        let ended = match resolved {
            Ok(plan) => self.keep(scan, &plan).await,
            Err(error) => self.set_aside(scan, &error).await,
        };
        self.metrics.ended(ended, began.elapsed());
    }

    /// A turn at the scan's registry. At its deadline a scan is answered without one: resolving is short then.
    async fn turn(&self, scan: &ClaimedScan) -> Result<Option<Turn>, SlowRegistry> {
        let place = place(&scan.request);
        let turn = self.turns.turn(&place);
        let turn = match self.time_left(scan) {
            None => turn.await,
            Some(left) if left <= LAST_CHANCE => return Ok(None),
            Some(left) => match tokio::time::timeout(left.saturating_sub(LAST_CHANCE), turn).await {
                Ok(turn) => turn,
                Err(_) => return Ok(None),
            },
        };
        turn.map(Some).ok_or(SlowRegistry)
    }

    /// Leaves a scan of a slow registry for later, so that others get its slot. They come back one by one.
    async fn put_back(&self, scan: &ClaimedScan) -> Ended {
        tracing::debug!(scan = %scan.id, "put back: its registry is slow");
        let pause = SLOW_PAUSE.mul_f64(0.5 + fastrand::f64());
        let next_at = (self.clock)() + pause.as_millis() as i64;
        let next_at = scan.request.deadline.map_or(next_at, |deadline| next_at.min(deadline));
        match self.state.put_back(scan.id, &self.config.holder, next_at).await {
            Ok(_) => Ended::PutOff,
            Err(error) => {
                tracing::warn!(scan = %scan.id, %error, "the scan stays claimed until its lease ends");
                Ended::Lost
            }
        }
    }

    async fn keep(&self, scan: &ClaimedScan, plan: &ScanPlan) -> Ended {
        let planned = self.state.planned(scan.id, plan, (self.clock)()).await;
        failpoint!("commit/reply" => return Ended::Lost);
        match planned {
            Ok(planned) => {
                failpoint!("commit/publish");
                tracing::info!(scan = %scan.id, wanted = planned.wanted.len(), "planned");
                if planned.first {
                    self.metrics.planned(plan.distinct_layers(), planned.wanted.len());
                }
                self.publish(planned.wanted, job::message).await;
                Ended::Planned
            }
            Err(error) => {
                tracing::warn!(scan = %scan.id, %error, "the plan could not be kept; it is made again");
                self.set_aside(scan, &error.into()).await
            }
        }
    }

    /// How long resolving may take: until the deadline. A scan that waited for a coordinator until then gets a moment all
    /// the same, since an answer that says which image it is about is better than one that does not.
    fn time_left(&self, scan: &ClaimedScan) -> Option<Duration> {
        let left = scan.request.deadline?.saturating_sub((self.clock)());
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()).max(LAST_CHANCE))
    }

    async fn scan_plan(&self, request: &ScanRequest) -> Result<ScanPlan, Error> {
        let reference: Reference = request
            .reference
            .parse()
            .map_err(|error| Error::Reference { reference: request.reference.clone(), source: error })?;
        let credential = request.credential.as_deref();
        let source =
            self.registries.image(&request.tenant, &reference, credential, request.plain_http).await?;
        // What one tenant may see is no proof of what another may.
        let engine = self.engine.clone().asking_the_source();
        let pinned = resolve::pin(&*source).await?;
        // Nobody waits for two puts one after the other.
        let ((), targets) =
            tokio::try_join!(pinned.keep(&engine), targets(&engine, &*source, &pinned, request))?;
        let source = LayerSource {
            registry: reference.registry,
            repository: reference.repository,
            tenant: request.tenant.to_string(),
            credential: request.credential.clone(),
            plain_http: request.plain_http,
        };
        Ok(ScanPlan { index: pinned.index(), source, targets })
    }

    /// What happens to a scan that could not be resolved.
    async fn set_aside(&self, scan: &ClaimedScan, error: &Error) -> Ended {
        let now = (self.clock)();
        let late = matches!(error, Error::Deadline { .. })
            || scan.request.deadline.is_some_and(|deadline| deadline <= now);
        let failure = failure(error, late);
        tracing::warn!(scan = %scan.id, kind = failure.kind, failure.message, "not resolved");
        let holder = &self.config.holder;
        let attempts = self.config.attempts * if error.is_ours() { OURS } else { 1 };
        let (ended, next_at) = match error.retry() {
            Retry::After(delay) if !late && scan.attempts + 1 < attempts => {
                let next_at = now + wait::backoff(scan.attempts + 1, delay).as_millis() as i64;
                (Ended::PutOff, next_at)
            }
            _ if failure.kind == "not_found" => (Ended::Gone, now),
            _ => (Ended::Failed, now),
        };
        let state = if ended == Ended::Gone { ScanState::Gone } else { ScanState::Failed };
        let keep = async || match ended {
            Ended::PutOff => self.state.postpone(scan.id, holder, next_at, &failure, now).await,
            _ => self.state.fail(scan.id, holder, state, &failure, now).await,
        };
        match retrying(STATE_ATTEMPTS, keep).await {
            Ok(true) => ended,
            // Somebody else claimed it meanwhile.
            Ok(false) => Ended::Lost,
            Err(error) => {
                tracing::warn!(scan = %scan.id, %error, "the failure could not be kept; the scan stays claimed until its lease ends");
                Ended::Lost
            }
        }
    }
}

/// Why a scan was not resolved. At its deadline what would pass is not waited for any more; what lasts is said as it is.
fn failure(error: &Error, late: bool) -> Failure {
    let named = |error: &Error| Failure {
        kind: error.kind().to_owned(),
        message: error.to_string(),
        retryable: error.retry().is_retryable(),
    };
    match error {
        Error::Deadline { .. } => named(error),
        error if late && error.retry().is_retryable() => {
            named(&Error::Deadline { last: Some(error.to_string()) })
        }
        error => named(error),
    }
}

/// Where a scan is resolved, and for whom.
fn place(request: &ScanRequest) -> String {
    let registry = request.reference.parse::<Reference>().map(|reference| reference.registry);
    format!("{} {}", request.tenant, registry.unwrap_or_default())
}
