//! How much a worker asks of one registry at a time, and when it leaves one alone.
//!
//! Its processes know nothing of each other, so this is kept here, where jobs are handed to them: what one of them was
//! told with Retry-After holds for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plimsoll_types::{LayerOutcome, Retry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a job waits for its turn before it makes room for jobs of other registries.
const TURN: Duration = Duration::from_secs(5);

/// Registries that are remembered without need.
const IDLE: usize = 256;

/// What every registry is owed.
pub(super) struct Politeness {
    at_once: usize,
    registries: Mutex<HashMap<String, Standing>>,
}

struct Standing {
    turns: Arc<Semaphore>,
    quiet_until: Option<Instant>,
}

impl Standing {
    fn quiet(&self, now: Instant) -> Option<Duration> {
        self.quiet_until?.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }
}

impl Politeness {
    /// At most `at_once` jobs of one registry at the same time.
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once: at_once.max(1), registries: Mutex::default() }
    }

    /// Leave to ask a registry, for as long as it is held; or how long it is to be left alone.
    pub(super) async fn leave(&self, registry: &str) -> Result<OwnedSemaphorePermit, Duration> {
        let turns = {
            let mut registries = self.registries();
            let now = Instant::now();
            if registries.len() > IDLE {
                registries.retain(|_, standing| {
                    Arc::strong_count(&standing.turns) > 1 || standing.quiet(now).is_some()
                });
            }
            let standing = registries.entry(registry.to_owned()).or_insert_with(|| Standing {
                turns: Arc::new(Semaphore::new(self.at_once)),
                quiet_until: None,
            });
            match standing.quiet(now) {
                Some(wait) => return Err(jittered(wait)),
                None => Arc::clone(&standing.turns),
            }
        };
        // It is never closed.
        let Ok(Ok(leave)) = timeout(TURN, turns.acquire_owned()).await else {
            return Err(jittered(TURN / 2));
        };
        // Whoever had the turn before may have been told to wait.
        match self.registries().get(registry).and_then(|standing| standing.quiet(Instant::now())) {
            Some(wait) => Err(jittered(wait)),
            None => Ok(leave),
        }
    }

    /// Notes what a registry asked for.
    pub(super) fn heed(&self, outcome: &LayerOutcome) {
        let LayerOutcome::SourceFailed { source, failure } = outcome else { return };
        let Retry::After(Some(wait)) = failure.retry else { return };
        let mut registries = self.registries();
        if let Some(standing) = registries.get_mut(&source.registry) {
            standing.quiet_until = standing.quiet_until.max(Instant::now().checked_add(wait));
        }
    }

    fn registries(&self) -> MutexGuard<'_, HashMap<String, Standing>> {
        self.registries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At least so long, and up to a quarter more: those who were sent away together do not come back together.
fn jittered(wait: Duration) -> Duration {
    wait.saturating_add(wait.mul_f64(fastrand::f64() / 4.0))
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{LayerFailure, LayerSource};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(registry: &str, retry: Retry) -> LayerOutcome {
        let source = LayerSource {
            registry: registry.into(),
            repository: "app".into(),
            tenant: "default".into(),
            credential: None,
            plain_http: false,
        };
        let failure = LayerFailure { kind: "rate_limited".into(), message: "slower".into(), retry };
        LayerOutcome::SourceFailed { source, failure }
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_is_asked_so_much_at_a_time_and_no_other_waits_for_it() {
        let politeness = Politeness::new(2);
        let first = politeness.leave("a").await.unwrap();
        let _second = politeness.leave("a").await.unwrap();
        assert!(politeness.leave("a").await.is_err(), "a third has to wait");
        drop(politeness.leave("b").await.unwrap());
        let third = async { politeness.leave("a").await };
        let later = async {
            tokio::time::sleep(SECOND).await;
            drop(first);
        };
        let (third, ()) = tokio::join!(third, later);
        assert!(third.is_ok(), "until there is a turn");
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_asks_for_it_is_left_alone_by_all() {
        let politeness = Politeness::new(2);
        let one = politeness.leave("a").await.unwrap();
        let _other = politeness.leave("a").await.unwrap();
        let waits_for_a_turn = async { politeness.leave("a").await };
        let is_told = async {
            politeness.heed(&told("a", Retry::After(Some(SECOND * 20))));
            // What is shorter does not shorten it.
            politeness.heed(&told("a", Retry::After(Some(SECOND))));
            drop(one);
        };
        let (sent_away, ()) = tokio::join!(waits_for_a_turn, is_told);
        let wait = sent_away.unwrap_err();
        assert!(wait >= SECOND * 19 && wait <= SECOND * 25, "{wait:?}");
        drop(politeness.leave("b").await.unwrap());
        tokio::time::sleep(SECOND * 20).await;
        assert!(politeness.leave("a").await.is_ok(), "when the time is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_asks_for_nothing_is_one_layers_business() {
        let politeness = Politeness::new(1);
        drop(politeness.leave("a").await.unwrap());
        politeness.heed(&told("a", Retry::After(None)));
        politeness.heed(&told("a", Retry::Never));
        politeness.heed(&LayerOutcome::Interrupted("store".into()));
        assert!(politeness.leave("a").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn registries_nobody_needs_are_forgotten() {
        let politeness = Politeness::new(1);
        let _held = politeness.leave("held").await.unwrap();
        drop(politeness.leave("quiet").await.unwrap());
        politeness.heed(&told("quiet", Retry::After(Some(SECOND * 60))));
        for number in 0..1_000 {
            drop(politeness.leave(&format!("r{number}")).await.unwrap());
        }
        let registries = politeness.registries();
        assert!(registries.len() <= IDLE + 2, "{}", registries.len());
        assert!(registries.contains_key("held") && registries.contains_key("quiet"));
    }
}
