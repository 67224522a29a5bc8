//! The role that reads layers. It needs the queue, the store and registries, and no database.
//!
//! A job in, evidence into the store, a result out, and only then the job is acknowledged: whatever dies in
//! between, the job comes back, and who gets it looks into the store first.

mod child;
mod metrics;
mod perform;
mod politeness;
mod pool;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use plimsoll_proto::decode_layer_job;
use plimsoll_queue::{Channel, Delivery, LeaseEnd, Message, Queue};
use plimsoll_telemetry::{extract, failpoint};
use plimsoll_types::{Lane, LayerFailure, LayerJob, LayerOutcome, LayerResult, LayerSource, Retry};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::registries::Registries;
use crate::{Engine, Error, job as message, wait};

pub use child::serve_child;
pub use metrics::Metrics;
pub(crate) use perform::known;
pub use perform::perform;
use politeness::Politeness;
pub use pool::{ChildCommand, Pool};
use turns::Turns;

/// The longest a job is put off by the queue. Longer, and it would be taken for lost and published again.
const AWHILE: Duration = Duration::from_secs(30);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Jobs at the same time.
    pub slots: usize,
    /// Jobs of one registry at the same time.
    pub per_registry: usize,
    /// How long a job is leased at a time, where the queue does not say. It is extended while the job runs.
    pub lease: Duration,
    /// How long running jobs may go on once the worker is told to stop; then they are handed back.
    pub grace: Duration,
    /// How long one look for work waits.
    pub idle: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            slots: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            per_registry: 16,
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            idle: Duration::from_millis(500),
        }
    }
}

/// Does jobs.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Does one job; `shared` as [`perform`] has it. Dropping the future abandons it.
    async fn run(&self, job: &LayerJob, shared: bool) -> LayerOutcome;

    /// Ends what it keeps for jobs to come.
    async fn close(&self) {}
}

/// Does jobs in this process: for tests, and for those who trust the layers they read.
pub struct InProcess {
    /// Store, analyzers and limits.
    pub engine: Engine,
    /// Where layers come from.
    pub registries: Registries,
}

#[async_trait]
impl Runner for InProcess {
    async fn run(&self, job: &LayerJob, shared: bool) -> LayerOutcome {
        perform(&self.engine, &self.registries, job, shared).await
    }
}

/// Works until `stop`, then finishes what it holds, or hands it back when the grace period ends.
pub async fn run(
    config: &Config,
    queue: Arc<dyn Queue>,
    runner: Arc<dyn Runner>,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(config.slots.max(1)));
    let abandon = CancellationToken::new();
    let mut jobs = JoinSet::new();
    let politeness = Arc::new(Politeness::new(config.per_registry));
    let mut turns = Turns::default();
    while let Some(delivery) = next(config, &*queue, &slots, &mut turns, &stop).await {
        while jobs.try_join_next().is_some() {}
        let permit = Arc::clone(&slots).try_acquire_owned();
        let job = Job {
            queue: Arc::clone(&queue),
            runner: Arc::clone(&runner),
            politeness: Arc::clone(&politeness),
            lease: match queue.capabilities().lease {
                LeaseEnd::Clock(lease) => lease,
                // Nothing ends it by the clock; looking now and then tells whether it is still there.
                LeaseEnd::Connection => config.lease,
            },
            metrics: metrics.clone(),
            abandon: abandon.clone(),
        };
        jobs.spawn(async move {
            job.take(delivery).await;
            drop(permit);
        });
    }
    let all = async { while jobs.join_next().await.is_some() {} };
    if tokio::time::timeout(config.grace, all).await.is_err() {
        abandon.cancel();
        while jobs.join_next().await.is_some() {}
    }
    runner.close().await;
}

/// The next job, once a slot is free for it: a worker holds no message it is not about to start. None when it is
/// time to stop.
async fn next(
    config: &Config,
    queue: &dyn Queue,
    slots: &Semaphore,
    turns: &mut Turns,
    stop: &CancellationToken,
) -> Option<Delivery> {
    let look = async {
        let mut failures = 0;
        loop {
            // The permit is taken again by the job; nobody else takes one meanwhile.
            drop(slots.acquire().await);
            match first(queue, turns.next(), config.idle).await {
                Ok(Some(delivery)) => return delivery,
                Ok(None) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "no jobs can be received");
                    wait::after(failures).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        delivery = look => Some(delivery),
    }
}

/// The first job in the order of the lanes, or, if there is none, whichever comes within `idle`. A lane that cannot be
/// asked does not keep the others from being asked.
async fn first(queue: &dyn Queue, lanes: [Lane; 3], idle: Duration) -> Result<Option<Delivery>, Error> {
    let mut failed = None;
    for lane in lanes {
        match queue.receive(&Channel::layers(lane), 1, Duration::ZERO).await {
            Ok(mut deliveries) if !deliveries.is_empty() => return Ok(deliveries.pop()),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    // What another lane was about to hand over when the first came goes back to it.
    let wait = async |lane| queue.receive(&Channel::layers(lane), 1, idle).await;
    let mut waiting: FuturesUnordered<_> = lanes.into_iter().map(wait).collect();
    while let Some(received) = waiting.next().await {
        if let Some(delivery) = received?.pop() {
            return Ok(Some(delivery));
        }
    }
    Ok(None)
}

/// One job from its lease to its acknowledgement.
struct Job {
    queue: Arc<dyn Queue>,
    runner: Arc<dyn Runner>,
    politeness: Arc<Politeness>,
    lease: Duration,
    metrics: Metrics,
    abandon: CancellationToken,
}

impl Job {
    async fn take(self, delivery: Delivery) {
        let job = match decode_layer_job(&delivery.message.body) {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(%error, "a job nobody can read");
                self.metrics.unreadable();
                let set_aside = delivery.dead_letter(&format!("not a layer job: {error}")).await;
                return logged("dead letter", set_aside);
            }
        };
        let span = tracing::info_span!("job", layer = %job.digest, attempt = job.attempt);
        extract(&delivery.message.headers).adopt(&span);
        self.work(&job, delivery).instrument(span).await;
    }

    async fn work(self, job: &LayerJob, delivery: Delivery) {
        tracing::debug!(layer = %job.digest, attempt = job.attempt, "taken");
        failpoint!("claim/pull");
        let shared = message::is_shared(&delivery.message.headers);
        let (started, _held) = (Instant::now(), self.metrics.hold());
        let outcome = tokio::select! {
            outcome = self.outcome(job, shared) => outcome,
            never = self.keep(&delivery) => match never {},
            () = self.abandon.cancelled() => Err(Duration::ZERO),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(wait) => {
                self.metrics.handed_back(started.elapsed());
                return logged("hand back", delivery.retry(wait).await);
            }
        };
        failpoint!("put/result");
        let elapsed = started.elapsed();
        log(job, &outcome, elapsed);
        self.metrics.ended(&outcome, elapsed);
        let result = LayerResult { digest: job.digest, attempt: job.attempt, outcome, elapsed };
        let span = tracing::info_span!("publish", channel = %Channel::results());
        let message = span.in_scope(|| message::answer(&delivery.message.headers, &result));
        if self.publish(message).instrument(span).await {
            logged("acknowledge", delivery.ack().await);
        }
    }

    /// Publishes a result, however long that takes. False if the worker has to stop before: the evidence is in the
    /// store, and whoever gets the job next has little to do.
    async fn publish(&self, result: Message) -> bool {
        let mut failures = 0;
        while let Err(error) = self.queue.publish(&Channel::results(), vec![result.clone()]).await {
            failures += 1;
            tracing::warn!(%error, "a result cannot be published");
            tokio::select! {
                () = wait::after(failures) => {}
                () = self.abandon.cancelled() => return false,
            }
        }
        true
    }

    /// What becomes of the job; or when it is to come back, because its registry is to be left alone for a while.
    async fn outcome(&self, job: &LayerJob, shared: bool) -> Result<LayerOutcome, Duration> {
        let Some(source) = job.sources.first() else { return Ok(self.runner.run(job, shared).await) };
        let leave = match self.politeness.leave(&source.registry).await {
            Ok(leave) => leave,
            Err(wait) if wait <= AWHILE => return Err(wait),
            Err(wait) => return Ok(asked_to_wait(source, wait)),
        };
        let outcome = self.runner.run(job, shared).await;
        self.politeness.heed(&outcome);
        drop(leave);
        Ok(outcome)
    }

    /// Extends the lease for as long as anybody waits for this.
    async fn keep(&self, delivery: &Delivery) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(self.lease / 3).await;
            // A lost lease means that somebody else may start the same job, which costs time and nothing else.
            logged("extend the lease", delivery.extend(self.lease).await);
        }
    }
}

/// The outcome of a job that was not begun: the state knows how to wait for long.
fn asked_to_wait(source: &LayerSource, wait: Duration) -> LayerOutcome {
    let message =
        format!("{} has asked to be left alone for {} more seconds", source.registry, wait.as_secs());
    let failure = LayerFailure { kind: "rate_limited".to_owned(), message, retry: Retry::After(Some(wait)) };
    LayerOutcome::SourceFailed { source: source.clone(), failure }
}

fn log(job: &LayerJob, outcome: &LayerOutcome, elapsed: Duration) {
    let (layer, attempt, seconds) = (job.digest, job.attempt, elapsed.as_secs_f64());
    match outcome {
        LayerOutcome::Done(done) => {
            tracing::info!(%layer, attempt, seconds, pulled_bytes = done.pulled_bytes, "layer known");
        }
        LayerOutcome::SourceFailed { source, failure } => {
            let (registry, repository) = (&source.registry, &source.repository);
            tracing::warn!(%layer, attempt, seconds, registry, repository, kind = failure.kind, failure.message);
        }
        LayerOutcome::LayerFailed(failure) => {
            tracing::warn!(%layer, attempt, seconds, kind = failure.kind, failure.message);
        }
        LayerOutcome::Interrupted(reason) => tracing::warn!(%layer, attempt, seconds, reason, "interrupted"),
    }
}

/// A message that cannot be settled comes back by itself.
fn logged(what: &str, settled: Result<(), plimsoll_queue::Error>) {
    if let Err(error) = settled {
        tracing::warn!(%error, "could not {what}");
    }
}

#[cfg(test)]
mod tests;
