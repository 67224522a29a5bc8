//! Whose registries answer slowly.
//!
//! Slots are for everybody, so those who wait for one registry must not take all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Scans of one tenant that are resolved at one registry at the same time.
const TOGETHER: usize = 16;
/// The same while the registry is slow.
const TOGETHER_WHEN_SLOW: usize = 2;
/// A registry whose oldest answer takes longer is slow.
const SLOW: Duration = Duration::from_secs(5);

/// Who is being resolved where, since when.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    at: Mutex<HashMap<String, Vec<(u64, Instant)>>>,
    next: std::sync::atomic::AtomicU64,
    left: Notify,
}

impl Turns {
    /// A turn at `place`, as soon as there is one; `None` if it is a slow one with enough waiting for it.
    pub(crate) async fn turn(&self, place: &str) -> Option<Turn> {
        loop {
            let left = self.0.left.notified();
            let until = match self.try_turn(place) {
                Standing::Go(turn) => return Some(turn),
                Standing::Slow => return None,
                Standing::Full(until) => until,
            };
            // Whichever comes first: somebody leaves, or the place turns out to be slow.
            let _either = tokio::time::timeout_at(until, left).await;
        }
    }

    fn try_turn(&self, place: &str) -> Standing {
        let mut at = self.0.at();
        let turns = at.entry(place.to_owned()).or_default();
        let oldest = turns.iter().map(|(_, began)| *began).min();
        let is_slow = oldest.is_some_and(|began| began.elapsed() >= SLOW);
        match oldest {
            Some(_) if is_slow && turns.len() >= TOGETHER_WHEN_SLOW => Standing::Slow,
            Some(began) if turns.len() >= TOGETHER => Standing::Full(began + SLOW),
            _ => {
                let number = self.0.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                turns.push((number, Instant::now()));
                Standing::Go(Turn { shared: Arc::clone(&self.0), place: place.to_owned(), number })
            }
        }
    }
}

enum Standing {
    Go(Turn),
    /// Until somebody leaves, or this instant.
    Full(Instant),
    Slow,
}

impl Shared {
    fn at(&self) -> MutexGuard<'_, HashMap<String, Vec<(u64, Instant)>>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Arc<Shared>,
    place: String,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut at = self.shared.at();
        if let Some(turns) = at.get_mut(&self.place) {
            turns.retain(|(number, _)| *number != self.number);
            if turns.is_empty() {
                at.remove(&self.place);
            }
        }
        drop(at);
        self.shared.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_that_answers_takes_everybody_in_turn() {
        let all = Turns::default();
        let mut turns = Vec::new();
        for _ in 0..TOGETHER {
            turns.push(all.turn("here").await.expect("there is room"));
        }
        let waits = tokio::spawn({
            let all = all.clone();
            async move { all.turn("here").await.is_some() }
        });
        tokio::time::sleep(SLOW / 2).await;
        assert!(!waits.is_finished());
        turns.pop();
        assert!(waits.await.expect("no panic"), "somebody left");
        assert!(all.turn("elsewhere").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_to_a_slow_place_is_sent_away_at_once_and_who_waits_there_soon() {
        let all = Turns::default();
        let mut turns = Vec::new();
        for _ in 0..TOGETHER {
            turns.push(all.turn("here").await.expect("there is room"));
        }
        let began = Instant::now();
        assert!(all.turn("here").await.is_none());
        assert_eq!(began.elapsed(), SLOW);
        assert!(all.turn("here").await.is_none());
        assert_eq!(began.elapsed(), SLOW);
        turns.truncate(TOGETHER_WHEN_SLOW - 1);
        assert!(all.turn("here").await.is_some(), "some are let in, to see whether it is better now");
        turns.clear();
        assert!(all.0.at().is_empty());
    }
}
