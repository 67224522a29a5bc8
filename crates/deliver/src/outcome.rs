//! How an attempt ended, and what follows.

use std::time::Duration;

use plimsoll_http::{Error, StatusCode};
use plimsoll_types::Retry;

use crate::Config;

/// How an attempt ended. Reasons name the host at most, never the URL: its path or query may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver has it.
    Taken,
    /// The receiver is away or busy.
    Away {
        /// Why.
        reason: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// The receiver does not want it. It may be misconfigured for a moment, so it is asked again, but not often.
    Rejected {
        /// Why.
        reason: String,
    },
    /// No other attempt can end otherwise.
    Hopeless {
        /// Why.
        reason: String,
    },
}

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done.
    Delivered,
    /// It is tried again after so long.
    Again(Duration, String),
    /// It is given up.
    Dead(String),
}

impl Outcome {
    /// Of an answer with this status.
    pub(crate) fn of_answer(host: &str, status: StatusCode, retry_after: Option<Duration>) -> Self {
        let reason = format!("{host} answered {status}");
        match status.as_u16() {
            200..=299 => Self::Taken,
            410 => Self::Hopeless { reason },
            300..=399 => Self::Rejected { reason: format!("{reason}, and redirects are not followed") },
            408 | 425 | 429 | 500.. => Self::Away { reason, after: retry_after },
            _ => Self::Rejected { reason },
        }
    }

    /// Of a request without an answer.
    pub(crate) fn of_error(host: &str, error: &Error) -> Self {
        match error {
            Error::InvalidUrl { why, .. } => {
                Self::Hopeless { reason: format!("{host} cannot be posted to: {why}") }
            }
            Error::Refused { .. } => Self::Hopeless { reason: error.to_string() },
            Error::Redirect { .. } => {
                Self::Rejected { reason: format!("{host} redirects, which is not followed") }
            }
            // A certificate that has expired is renewed some day.
            Error::Tls { .. } | Error::Connect { .. } | Error::Timeout { .. } | Error::Interrupted { .. } => {
                Self::Away { reason: error.to_string(), after: None }
            }
            _ => Self::Away { reason: format!("{host} could not be posted to"), after: None },
        }
    }

    /// What follows, if `before` attempts were made before this one.
    pub(crate) fn next(self, before: u32, config: &Config) -> Next {
        let attempts = before.saturating_add(1);
        let (reason, after, most) = match self {
            Self::Taken => return Next::Delivered,
            Self::Hopeless { reason } => return Next::Dead(reason),
            Self::Away { reason, after } => (reason, after, config.backoff.attempts),
            Self::Rejected { reason } => (reason, None, config.rejections.min(config.backoff.attempts)),
        };
        let delay = config.backoff.delay(attempts, Retry::After(after)).filter(|_| attempts < most);
        match delay {
            Some(delay) => Next::Again(delay, reason),
            None => Next::Dead(format!("{reason}; given up after {attempts} attempts")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, after: Option<u64>) -> Outcome {
        let status = StatusCode::from_u16(status).unwrap();
        Outcome::of_answer("ci.example", status, after.map(Duration::from_secs))
    }

    fn attempts_until_dead(outcome: &Outcome) -> u32 {
        let config = Config::new("a");
        let dead = |before: &u32| matches!(outcome.clone().next(*before, &config), Next::Dead(_));
        (0..1000).find(dead).expect("nothing is tried for ever") + 1
    }

    #[test]
    fn every_answer_has_an_end() {
        for (status, attempts) in [
            (410, 1),
            (400, 4),
            (401, 4),
            (404, 4),
            (308, 4),
            (408, 20),
            (425, 20),
            (429, 20),
            (500, 20),
            (503, 20),
        ] {
            assert_eq!(attempts_until_dead(&answered(status, None)), attempts, "{status}");
        }
        for status in [200, 202, 204, 299] {
            assert_eq!(answered(status, None).next(7, &Config::new("a")), Next::Delivered);
        }
    }

    #[test]
    fn waits_grow_and_never_undercut_what_the_receiver_asked_for() {
        let config = Config::new("a");
        let wait = |outcome: Outcome, before| match outcome.next(before, &config) {
            Next::Again(delay, _) => delay.as_secs_f64(),
            other => panic!("{other:?}"),
        };
        assert!((2.5..=5.0).contains(&wait(answered(500, None), 0)));
        assert!((40.0..=80.0).contains(&wait(answered(500, None), 4)));
        assert!((10800.0..=21600.0).contains(&wait(answered(500, None), 18)));
        assert!((3600.0..3600.1).contains(&wait(answered(503, Some(3600)), 0)));
        assert!(wait(answered(429, Some(1)), 4) >= 40.0);
        assert!(wait(answered(429, Some(86_400)), 0) >= 86_400.0, "a day is honoured");
    }

    #[test]
    fn reasons_do_not_tell_the_path() {
        let url = "https://ci.example/hook/secret".to_owned();
        for error in [
            Error::InvalidUrl { url: url.clone(), why: "no".into() },
            Error::Redirect { url: url.clone(), why: "no".into() },
            Error::TooLarge { url: url.clone(), limit: 1 },
            Error::NotText { url },
        ] {
            let reason = format!("{:?}", Outcome::of_error("ci.example", &error));
            assert!(reason.contains("ci.example") && !reason.contains("secret"), "{reason}");
        }
    }
}
