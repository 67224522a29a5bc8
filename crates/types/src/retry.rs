//! Whether trying again can help.

use std::time::Duration;

/// Whether the same request may succeed later. Decided by the adapter that saw the failure, carried by
/// every error type, never guessed from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will fail the same way.
    Never,
    /// Worth another attempt; with a delay if the other side named one (`Retry-After`).
    After(Option<Duration>),
}

impl Retry {
    /// True for [`Retry::After`].
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::After(_))
    }
}
