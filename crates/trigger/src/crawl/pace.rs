//! How fast a registry is asked: a bucket of tokens for each, and what registries said of themselves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_state::{Error, Pace, State};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Clock;

/// Tokens are kept for so long, for requests that come in bursts.
const BURST: f64 = 1.0;

/// The slowest a registry is asked, in requests a second.
const SLOWEST: f64 = 0.2;

/// A request that is not refused makes the rate grow by this share of itself.
const GROWTH: f64 = 0.002;

/// Paces of registries, shared by all crawls of this process.
pub(super) struct Paces {
    state: Arc<dyn State>,
    clock: Clock,
    /// Requests a second, unless somebody wants otherwise.
    rate: u32,
    known: Mutex<HashMap<String, Arc<Pacer>>>,
}

/// The pace of one registry.
pub(super) struct Pacer {
    registry: String,
    state: Arc<dyn State>,
    clock: Clock,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    /// Requests a second, and the most of them.
    rate: f64,
    most: f64,
    tokens: f64,
    filled: Instant,
    not_before: i64,
}

impl Paces {
    pub(super) fn new(state: Arc<dyn State>, clock: Clock, rate: u32) -> Self {
        Self { state, clock, rate, known: Mutex::default() }
    }

    /// The pace of `registry`, as it is known; at most `most` requests a second.
    pub(super) async fn of(&self, registry: &str, most: Option<u32>) -> Result<Arc<Pacer>, Error> {
        let most = f64::from(most.unwrap_or(self.rate).max(1));
        let mut known = self.known.lock().await;
        if let Some(pacer) = known.get(registry) {
            let mut bucket = pacer.bucket.lock().await;
            bucket.most = most;
            bucket.rate = bucket.rate.min(most);
            return Ok(Arc::clone(pacer));
        }
        let learned = self.state.pace(registry).await?;
        let rate = learned.map_or(most, |pace| (pace.rate as f64 / 1000.0).clamp(SLOWEST, most));
        let bucket = Bucket {
            rate,
            most,
            tokens: 1.0,
            filled: Instant::now(),
            not_before: learned.map_or(0, |pace| pace.not_before),
        };
        let pacer = Arc::new(Pacer {
            registry: registry.to_owned(),
            state: Arc::clone(&self.state),
            clock: Arc::clone(&self.clock),
            bucket: Mutex::new(bucket),
        });
        known.insert(registry.to_owned(), Arc::clone(&pacer));
        Ok(pacer)
    }
}

impl Pacer {
    /// Waits for its turn; or says until when the registry wants to be left alone.
    pub(super) async fn turn(&self) -> Result<(), i64> {
        let at = {
            let mut bucket = self.bucket.lock().await;
            if bucket.not_before > (self.clock)() {
                return Err(bucket.not_before);
            }
            bucket.take(Instant::now())
        };
        sleep_until(at).await;
        Ok(())
    }

    /// A request was not refused.
    pub(super) async fn went_well(&self) {
        let mut bucket = self.bucket.lock().await;
        bucket.rate = (bucket.rate * (1.0 + GROWTH)).min(bucket.most);
    }

    /// The registry wants to be left alone until then, and be asked more slowly. It is remembered, also by the next process.
    pub(super) async fn refused(&self, until: i64) {
        let now = (self.clock)();
        let pace = {
            let mut bucket = self.bucket.lock().await;
            if bucket.not_before <= now {
                // Several requests that were under way together are refused together, and mean one thing.
                bucket.rate = (bucket.rate / 2.0).max(SLOWEST);
            }
            bucket.not_before = bucket.not_before.max(until);
            bucket.pace()
        };
        self.keep(pace).await;
    }

    /// Keeps what was learned.
    pub(super) async fn remember(&self) {
        let pace = self.bucket.lock().await.pace();
        self.keep(pace).await;
    }

    async fn keep(&self, pace: Pace) {
        if let Err(error) = self.state.keep_pace(&self.registry, &pace, (self.clock)()).await {
            tracing::warn!(%error, registry = self.registry, "the pace of a registry cannot be kept");
        }
    }
}

impl Bucket {
    /// Takes a token: when it will be there.
    fn take(&mut self, now: Instant) -> Instant {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min((self.rate * BURST).max(1.0));
        self.filled = now;
        self.tokens -= 1.0;
        let missing = (-self.tokens / self.rate).max(0.0);
        now + Duration::from_secs_f64(missing.min(3600.0))
    }

    fn pace(&self) -> Pace {
        Pace { rate: (self.rate * 1000.0) as u64, not_before: self.not_before }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn paces(now: &Arc<AtomicI64>, state: &Arc<dyn State>) -> Paces {
        let now = Arc::clone(now);
        Paces::new(Arc::clone(state), Arc::new(move || now.load(Ordering::Relaxed)), 10)
    }

    #[test]
    fn requests_come_no_faster_than_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket { rate: 10.0, most: 10.0, tokens: 1.0, filled: start, not_before: 0 };
        assert_eq!(bucket.take(start), start);
        for place in 1..=20_u32 {
            let wait = bucket.take(start).saturating_duration_since(start).as_secs_f64();
            assert!((wait - f64::from(place) / 10.0).abs() < 1e-6, "{place}: {wait}");
        }
        // After a long time no more than a second's worth.
        let later = start + Duration::from_secs(1000);
        for _ in 0..10 {
            assert_eq!(bucket.take(later), later);
        }
        assert!(bucket.take(later) > later);
    }

    #[tokio::test]
    async fn what_a_registry_wants_is_learned_and_outlives_the_process() {
        let now = Arc::new(AtomicI64::new(1000));
        let state = plimsoll_state::connect("sqlite::memory:").await.unwrap();
        let first = paces(&now, &state).of("r.io", None).await.unwrap();
        assert_eq!(first.turn().await, Ok(()));
        first.refused(5000).await;
        first.refused(4000).await;
        assert_eq!(first.turn().await, Err(5000));

        let next = paces(&now, &state).of("r.io", None).await.unwrap();
        assert_eq!(next.turn().await, Err(5000));
        now.store(5001, Ordering::Relaxed);
        assert_eq!(next.turn().await, Ok(()));
        let rate = next.bucket.lock().await.rate;
        assert!((rate - 5.0).abs() < 1e-6, "two refusals at once are one: {rate}");
        for _ in 0..1000 {
            next.went_well().await;
        }
        assert!((next.bucket.lock().await.rate - 10.0).abs() < 1e-6, "it grows to the most and no further");
    }

    #[tokio::test]
    async fn registries_do_not_wait_for_each_other() {
        let now = Arc::new(AtomicI64::new(1000));
        let state = plimsoll_state::connect("sqlite::memory:").await.unwrap();
        let paces = paces(&now, &state);
        paces.of("r.io", None).await.unwrap().refused(9000).await;
        assert_eq!(paces.of("r.io", None).await.unwrap().turn().await, Err(9000));
        assert_eq!(paces.of("s.io", None).await.unwrap().turn().await, Ok(()));
    }
}
