//! Why a crawl does not go on, or not now.

use std::fmt;
use std::time::Duration;

use plimsoll_oci::Error;
use plimsoll_types::{Failure, Retry};

/// The longest a registry is believed that it wants to be left alone.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The longest wait of our own after a failure.
const MAX_PAUSE: i64 = 300_000;

/// Why a walk stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody else has the crawl, or it was cancelled.
    Lost,
    /// The process ends.
    Told,
    /// The registry wants to be left alone until then.
    Wait { until: i64, why: Failure },
    /// Something that may pass: the registry, or the state.
    Passing(Failure),
    /// Nothing that would pass.
    Failed(Failure),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("it is not ours any more"),
            Self::Told => f.write_str("this process ends"),
            Self::Wait { why, .. } | Self::Passing(why) | Self::Failed(why) => why.fmt(f),
        }
    }
}

impl From<plimsoll_state::Error> for Stop {
    fn from(error: plimsoll_state::Error) -> Self {
        let (passes, message) = (error.retry().is_retryable(), error.to_string());
        if passes {
            Self::Passing(Failure::passing("state", message))
        } else {
            Self::Failed(Failure::lasting("state", message))
        }
    }
}

/// What a registry did, for people.
pub(super) fn failure(error: &Error) -> Failure {
    Failure {
        kind: error.kind().to_owned(),
        message: error.to_string(),
        retryable: error.retry().is_retryable(),
    }
}

/// A registry that did not answer in time.
pub(super) fn silent(what: &str, patience: Duration) -> Failure {
    let seconds = patience.as_secs();
    Failure::passing("timeout", format!("{what}: no whole answer within {seconds} s; is the registry well?"))
}

/// When a registry that limits the rate of requests may be asked again.
pub(super) fn wait_of(error: &Error, now: i64) -> Option<i64> {
    let Error::RateLimited { .. } = error else { return None };
    let wait = match error.retry() {
        Retry::After(Some(wait)) => wait.clamp(Duration::from_secs(1), MAX_WAIT),
        _ => Duration::from_secs(5),
    };
    Some(now.saturating_add(wait.as_millis() as i64))
}

/// How long to wait after so many attempts that came to nothing, in milliseconds.
pub(super) fn after_attempts(attempts: u32) -> i64 {
    (1000_i64 << attempts.min(16)).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_left_alone_as_long_as_it_says_within_reason() {
        let limited = |wait: Option<u64>| Error::RateLimited {
            what: "r.io".into(),
            retry_after: wait.map(Duration::from_secs),
        };
        assert_eq!(wait_of(&limited(Some(7)), 1000), Some(8000));
        assert_eq!(wait_of(&limited(Some(0)), 1000), Some(2000));
        assert_eq!(wait_of(&limited(Some(u64::MAX)), 0), Some(3_600_000));
        assert_eq!(wait_of(&limited(None), 0), Some(5000));
        let other = Error::NotFound { what: "r.io".into(), detail: String::new() };
        assert_eq!(wait_of(&other, 0), None);
    }

    #[test]
    fn pauses_grow_up_to_five_minutes() {
        assert_eq!([0, 1, 2, 99].map(after_attempts), [1000, 2000, 4000, 300_000]);
    }
}
