//! What keeps an image from being judged, as one line for a person and as the report's `error`.

use plimsoll_types::Retry;
use plimsoll_types::report::ReportError;

/// A failure of the scan as a whole.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: String,
    retryable: bool,
    message: String,
}

impl Failure {
    /// A failure that will not go away by itself.
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), retryable: false, message: message.into() }
    }

    /// The report's `error`.
    pub(crate) fn report(&self) -> ReportError {
        ReportError { kind: self.kind.clone(), retryable: self.retryable, message: self.message.clone() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

fn of(kind: &str, retry: Retry, message: String) -> Failure {
    Failure { kind: kind.to_owned(), retryable: retry.is_retryable(), message }
}

impl From<plimsoll_fleet::Error> for Failure {
    fn from(error: plimsoll_fleet::Error) -> Self {
        of(error.kind(), error.retry(), error.to_string())
    }
}

impl From<plimsoll_oci::Error> for Failure {
    fn from(error: plimsoll_oci::Error) -> Self {
        of(error.kind(), error.retry(), error.to_string())
    }
}

impl From<plimsoll_store::Error> for Failure {
    fn from(error: plimsoll_store::Error) -> Self {
        of("store", error.retry(), error.to_string())
    }
}
