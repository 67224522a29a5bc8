//! How often and how patiently a call is repeated.

use std::time::Duration;

use plimsoll_types::Retry;

use super::Error;

/// Attempts of a call that may be repeated: with the pauses between them some three seconds.
pub(super) const ATTEMPTS: u32 = 5;
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// The pauses between the attempts of one call.
#[derive(Debug)]
pub(super) struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    pub(super) fn new(attempts: u32) -> Self {
        Self { left: attempts.saturating_sub(1), next: FIRST }
    }

    /// How long to wait before the next attempt; `None` if there is none.
    pub(super) fn next(&mut self, error: &Error) -> Option<Duration> {
        let Retry::After(asked) = error.retry() else { return None };
        self.left = self.left.checked_sub(1)?;
        let pause = asked.unwrap_or(self.next).min(LONGEST);
        self.next = (self.next * 2).min(LONGEST);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn refused(code: Code, after: Option<Duration>) -> Error {
        Error::Refused { code, message: String::new(), reason: String::new(), after }
    }

    #[test]
    fn pauses_grow_and_end() {
        let error = Error::Unreachable { server: String::new(), why: String::new() };
        let mut pauses = Pauses::new(4);
        let all: Vec<_> = std::iter::from_fn(|| pauses.next(&error)).collect();
        assert_eq!(all, [FIRST, FIRST * 2, FIRST * 4]);
    }

    #[test]
    fn what_the_server_asks_for_is_done_within_reason() {
        let mut pauses = Pauses::new(9);
        let asks = |seconds| refused(Code::Unavailable, Some(Duration::from_secs(seconds)));
        assert_eq!(pauses.next(&asks(1)), Some(Duration::from_secs(1)));
        assert_eq!(pauses.next(&asks(3600)), Some(LONGEST));
    }

    #[test]
    fn what_will_not_pass_is_not_repeated() {
        assert_eq!(Pauses::new(9).next(&refused(Code::NotFound, None)), None);
        assert_eq!(Pauses::new(1).next(&refused(Code::Unavailable, None)), None);
    }
}
