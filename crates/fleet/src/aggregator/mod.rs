//! The role that takes results in and turns complete scans into verdicts.

mod judging;
mod metrics;
mod results;

use std::sync::Arc;
use std::time::Duration;

use plimsoll_queue::Queue;
use plimsoll_state::State;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::rulebook::Rulebook;
use crate::{Clock, Engine, wait};

pub use metrics::Metrics;

/// See [`Config::slots`].
const SLOTS_OF_A_CORE: u32 = 4;

/// How an aggregator works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name among other aggregators.
    pub holder: String,
    /// How long a target is claimed for judging it.
    pub lease: Duration,
    /// Targets judged at the same time. More than there are cores, since most of a target's time goes by waiting for the
    /// store and the state.
    pub slots: u32,
    /// Results taken in at once.
    pub batch: usize,
    /// How long one look for work waits when nothing wakes it.
    pub idle: Duration,
    /// How often complete targets are looked for that nobody spoke of.
    pub sweep: Duration,
    /// How often committed verdicts are numbered for the streams.
    pub sequence: Duration,
    /// Attempts to judge a target.
    pub attempts: u32,
}

impl Config {
    /// The defaults, under a name of its own.
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            lease: Duration::from_secs(120),
            slots: SLOTS_OF_A_CORE
                * std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get) as u32,
            batch: 64,
            idle: Duration::from_millis(250),
            sweep: Duration::from_secs(5),
            sequence: Duration::from_millis(200),
            attempts: 20,
        }
    }
}

/// An aggregator.
pub struct Aggregator {
    /// How it works.
    pub config: Config,
    /// Store, analyzers and limits.
    pub engine: Engine,
    /// The truth.
    pub state: Arc<dyn State>,
    /// Where results come from.
    pub queue: Arc<dyn Queue>,
    /// What it judges by now. Whoever holds the sender changes it without a restart.
    pub rules: watch::Receiver<Rulebook>,
    /// What time it is.
    pub clock: Clock,
    /// What it counts.
    pub metrics: Metrics,
}

impl Aggregator {
    /// Works until `stop`. Targets it holds then are claimed again when their lease ends.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let results = stop.run_until_cancelled(self.take_results());
        let judging = stop.run_until_cancelled(Arc::clone(&self).judge_targets());
        let sweeping = stop.run_until_cancelled(self.sweep());
        let numbering = stop.run_until_cancelled(self.number());
        tokio::join!(results, judging, sweeping, numbering);
    }

    /// Finds what a process that died between a result and its wake did not say.
    async fn sweep(&self) {
        loop {
            if let Err(error) = self.state.wake_all().await {
                tracing::warn!(%error, "complete scans could not be looked for");
            }
            tokio::time::sleep(self.config.sweep).await;
        }
    }

    /// Gives committed verdicts their numbers.
    async fn number(&self) {
        let mut failures = 0;
        loop {
            match self.state.sequence(1000).await {
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "verdicts could not be numbered");
                    wait::after(failures).await;
                }
            }
            tokio::time::sleep(self.config.sequence).await;
        }
    }
}
