//! How long to wait before the next attempt.

use std::time::Duration;

use plimsoll_types::Retry;

/// Exponential backoff with jitter that honours what the other side asked for, within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Wait before the second attempt; doubles from there.
    pub first: Duration,
    /// Longest wait of our own choosing.
    pub longest: Duration,
    /// Longest `Retry-After` worth waiting for here; a longer one is the caller's to schedule.
    pub patience: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            attempts: 4,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(10),
            patience: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The wait after failure number `failures` (1 for the first), or `None` if it is time to give up.
    ///
    /// Between half and all of the exponential delay, so that many clients that failed together do not come
    /// back together; never less than the other side named.
    pub fn delay(&self, failures: u32, retry: Retry) -> Option<Duration> {
        let Retry::After(named) = retry else { return None };
        if failures >= self.attempts || named.is_some_and(|named| named > self.patience) {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(31);
        let own = self.first.saturating_mul(1 << doublings).min(self.longest);
        let jittered = own.mul_f64(0.5 + fastrand::f64() / 2.0);
        Some(jittered.max(named.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_double_within_bounds() {
        let backoff = Backoff { attempts: 100, first: SECOND, longest: SECOND * 5, patience: SECOND * 60 };
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (4, 5), (99, 5)] {
            let delay = backoff.delay(failures, Retry::After(None)).unwrap();
            assert!(delay <= SECOND * longest && delay >= SECOND * longest / 2, "{failures}: {delay:?}");
        }
        assert_eq!(backoff.delay(100, Retry::After(None)), None);
    }

    #[test]
    fn a_named_delay_is_kept_or_left_to_the_caller() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(1, Retry::After(Some(SECOND * 30))), Some(SECOND * 30));
        assert_eq!(backoff.delay(1, Retry::After(Some(SECOND * 61))), None);
        assert_eq!(backoff.delay(1, Retry::Never), None);
    }
}
