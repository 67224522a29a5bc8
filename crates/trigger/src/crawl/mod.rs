//! A registry worked through: what it has is listed, compared with what is known, and the rest submitted in lane backfill.
//!
//! A crawl is a row of the state with a cursor. Whoever claims it goes on where the last one was; a process that dies loses a
//! chunk of tags, and what it had submitted of that is found again by its idempotency key. The same walk is the reconciler
//! for events that never came: what was asked for before, by whomever, is not asked for again.

mod cursor;
mod filter;
mod inspect;
mod newest;
mod pace;
mod record;
mod schedule;
mod trouble;
mod visit;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use plimsoll_oci::Options;
use plimsoll_state::{ClaimedCrawl, State};
use plimsoll_types::{CrawlRequest, CrawlState};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use filter::{Filter, FilterError};
pub use schedule::Schedule;

use pace::Paces;
use trouble::{Stop, after_attempts};
use walk::Walk;

/// What time it is, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How registries are reached: the only place where the name of a credential becomes one.
pub trait Doors: Send + Sync {
    /// How a crawl's registry is spoken to, as its tenant may.
    ///
    /// # Errors
    /// The tenant has no such credential.
    fn options(&self, request: &CrawlRequest) -> Result<Options, plimsoll_oci::Error>;
}

/// How crawls are worked through.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of this process among others.
    pub holder: String,
    /// How long a crawl is claimed; each step prolongs it.
    pub lease: Duration,
    /// Crawls at the same time.
    pub slots: u32,
    /// How often it is looked for crawls, and for schedules that are due.
    pub idle: Duration,
    /// Requests a second to a registry that has not said that it wants fewer.
    pub rate: u32,
    /// Requests to one registry at the same time, for each crawl.
    pub at_once: usize,
    /// Crawls that start by themselves.
    pub schedules: Vec<Schedule>,
}

impl Config {
    /// The defaults, under a name of its own.
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            lease: Duration::from_secs(300),
            slots: 8,
            idle: Duration::from_millis(500),
            rate: 50,
            at_once: 8,
            schedules: Vec::new(),
        }
    }
}

/// Works through registries.
pub struct Crawler {
    /// How.
    pub config: Config,
    /// The truth.
    pub state: Arc<dyn State>,
    /// How registries are reached.
    pub doors: Arc<dyn Doors>,
    /// What time it is.
    pub clock: Clock,
}

impl Crawler {
    /// Works until `stop`. Crawls under way are given back then, and anybody may go on with them.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let paces = Arc::new(Paces::new(Arc::clone(&self.state), Arc::clone(&self.clock), self.config.rate));
        let mut at_work = JoinSet::new();
        while !stop.is_cancelled() {
            while at_work.try_join_next().is_some() {}
            let free = self.config.slots.saturating_sub(at_work.len() as u32);
            let looking = async {
                schedule::start_due(&self.config.schedules, &*self.state, (self.clock)()).await;
                self.claim(free).await
            };
            // A state that is away keeps nobody from ending. What was claimed all the same is so until the lease ends.
            let claimed = stop.run_until_cancelled(looking).await.unwrap_or_default();
            for crawl in claimed {
                let work = Arc::clone(&self).work(crawl, Arc::clone(&paces), stop.clone());
                at_work.spawn(work);
            }
            let _stopped = stop.run_until_cancelled(tokio::time::sleep(self.config.idle)).await;
        }
        // Each gives its crawl back, which is one statement.
        while at_work.join_next().await.is_some() {}
    }

    async fn claim(&self, free: u32) -> Vec<ClaimedCrawl> {
        if free == 0 {
            return Vec::new();
        }
        let lease = self.config.lease.as_millis() as i64;
        let claimed = self.state.claim_crawls(&self.config.holder, lease, free, (self.clock)()).await;
        claimed.unwrap_or_else(|error| {
            tracing::warn!(%error, "no crawls can be claimed");
            Vec::new()
        })
    }

    async fn work(self: Arc<Self>, crawl: ClaimedCrawl, paces: Arc<Paces>, stop: CancellationToken) {
        let (id, attempts) = (crawl.id, crawl.attempts);
        tracing::info!(crawl = %id, registry = crawl.request.registry, "crawling");
        let walking = async {
            let walk = Walk::new(Arc::clone(&self), crawl, &paces).await?;
            walk.run().await
        };
        let walked = stop.run_until_cancelled(Box::pin(walking)).await.unwrap_or(Err(Stop::Told));
        let (state, holder, now) = (&self.state, &self.config.holder, (self.clock)());
        let kept = match &walked {
            Ok(()) => state.end_crawl(id, holder, CrawlState::Done, None, now).await,
            Err(Stop::Lost) => Ok(true),
            Err(Stop::Told) => state.put_off_crawl(id, holder, now, None, false).await,
            Err(Stop::Wait { until, why }) => state.put_off_crawl(id, holder, *until, Some(why), false).await,
            Err(Stop::Passing(why)) => {
                let next_at = now.saturating_add(after_attempts(attempts));
                state.put_off_crawl(id, holder, next_at, Some(why), true).await
            }
            Err(Stop::Failed(why)) => state.end_crawl(id, holder, CrawlState::Failed, Some(why), now).await,
        };
        match (walked, kept) {
            (_, Err(error)) => tracing::warn!(crawl = %id, %error, "what became of the crawl cannot be kept"),
            (Ok(()), _) => tracing::info!(crawl = %id, "crawled"),
            (Err(stop), _) => tracing::info!(crawl = %id, %stop, "the crawl stops"),
        }
    }
}
