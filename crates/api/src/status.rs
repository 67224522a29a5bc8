//! Answers that are no answers: gRPC statuses with google.rpc details. Every one carries an `ErrorInfo` with a stable
//! reason; messages are for people.

use std::collections::HashMap;
use std::time::Duration;

use plimsoll_state::Role;
use plimsoll_types::Retry;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// The domain of every reason.
const DOMAIN: &str = "plimsoll";
/// When to try again if nobody knows better.
const LATER: Duration = Duration::from_secs(1);

/// A status with a reason.
pub(crate) fn with_reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    Status::with_error_details(code, message, details(reason, HashMap::new()))
}

fn details(reason: &str, metadata: HashMap<String, String>) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}

/// Nobody known calls.
pub(crate) fn unauthenticated(reason: &str, message: &str) -> Status {
    with_reason(Code::Unauthenticated, reason, message)
}

/// Somebody calls who may not.
pub(crate) fn forbidden(has: Role, needed: Role) -> Status {
    let message =
        format!("this call needs the role {needed}, and the token has {has}; ask for another token");
    with_reason(Code::PermissionDenied, "ROLE", message)
}

/// Fields make no sense, each with the reason.
pub(crate) fn invalid(violations: Vec<FieldViolation>) -> Status {
    let mut message = String::from("the request makes no sense");
    for (place, violation) in violations.iter().enumerate() {
        let before = if place == 0 { ": " } else { "; " };
        message.extend([before, &violation.field, ": ", &violation.description]);
    }
    let mut details = details("INVALID_REQUEST", HashMap::new());
    details.set_bad_request(violations);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// One field makes no sense.
pub(crate) fn invalid_field(field: &str, description: impl Into<String>) -> Status {
    invalid(vec![FieldViolation::new(field, description)])
}

/// There is no such thing, or it is another tenant's: which of them nobody is told.
pub(crate) fn not_found(reason: &str, kind: &str, name: &str, message: impl Into<String>) -> Status {
    let mut details = details(reason, HashMap::new());
    details.set_resource_info(kind, name, "", "");
    Status::with_error_details(Code::NotFound, message, details)
}

/// There is no such scan.
pub(crate) fn no_such_scan(id: &str) -> Status {
    let message = format!("there is no scan {id}; `plimsoll status` lists those there are");
    not_found("NO_SUCH_SCAN", "plimsoll.v1.Scan", id, message)
}

/// There is no such crawl.
pub(crate) fn no_such_crawl(id: &str) -> Status {
    let message = format!("there is no crawl {id}; `plimsoll status --crawls` lists those there are");
    not_found("NO_SUCH_CRAWL", "plimsoll.v1.Crawl", id, message)
}

/// Not now.
pub(crate) fn unavailable(reason: &str, message: impl Into<String>, after: Option<Duration>) -> Status {
    let mut details = details(reason, HashMap::new());
    details.set_retry_info(Some(after.unwrap_or(LATER)));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// This server goes away; another one, or the next, goes on.
pub(crate) fn shutting_down() -> Status {
    unavailable("SHUTTING_DOWN", "the server shuts down; call again", None)
}

/// The call's time is over.
pub(crate) fn deadline_exceeded() -> Status {
    with_reason(
        Code::DeadlineExceeded,
        "CALL_DEADLINE",
        "the call took longer than it may; call again, or allow it more time",
    )
}

/// As many streams as may be are open.
pub(crate) fn too_many_streams() -> Status {
    let mut details = details("TOO_MANY_STREAMS", HashMap::new());
    details.set_retry_info(Some(LATER));
    let message =
        "as many scans are watched as this server may watch; poll GetScan, or watch on another server";
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// What the state says.
pub(crate) fn of_state(error: &plimsoll_state::Error) -> Status {
    use plimsoll_state::Error;
    match error {
        Error::Request(error) => invalid_field("request", error.to_string()),
        Error::IdempotencyConflict { scan, .. } => {
            let metadata = HashMap::from([("scan_id".to_owned(), scan.to_string())]);
            Status::with_error_details(
                Code::AlreadyExists,
                error.to_string(),
                details("IDEMPOTENCY_CONFLICT", metadata),
            )
        }
        Error::OutOfRange { oldest, newest, .. } => {
            let metadata = [("oldest", oldest), ("newest", newest)]
                .map(|(name, cursor)| (name.to_owned(), cursor.to_string()));
            let details = details("CURSOR_OUT_OF_RANGE", metadata.into());
            Status::with_error_details(Code::OutOfRange, error.to_string(), details)
        }
        Error::NoSuchScan(id) => no_such_scan(&id.to_string()),
        other => backend("STATE", "the state cannot be reached", other, other.retry()),
    }
}

/// What the store says.
pub(crate) fn of_store(error: &plimsoll_store::Error) -> Status {
    backend("STORE", "the store cannot be reached", error, error.retry())
}

/// Callers learn that something behind the server failed and whether to try again; what it was is in the log, for it
/// may name hosts and files.
fn backend(reason: &str, message: &str, error: &dyn std::error::Error, retry: Retry) -> Status {
    tracing::warn!(%error, reason, "a call failed");
    match retry {
        Retry::After(delay) => unavailable(reason, format!("{message} right now; call again"), delay),
        Retry::Never => {
            let message = "the server failed; its log says why, and calling again will not help";
            with_reason(Code::Internal, reason, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named_in_message_and_details() {
        let status =
            invalid(vec![FieldViolation::new("a", "is wrong"), FieldViolation::new("b", "is missing")]);
        assert_eq!(status.message(), "the request makes no sense: a: is wrong; b: is missing");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), 2);
        assert_eq!(details.error_info().unwrap().reason, "INVALID_REQUEST");
    }

    #[test]
    fn a_cursor_out_of_range_says_where_to_go_on() {
        let status = of_state(&plimsoll_state::Error::OutOfRange { cursor: 1, oldest: 5, newest: 9 });
        assert_eq!(status.code(), Code::OutOfRange);
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.metadata["oldest"].as_str(), info.metadata["newest"].as_str()), ("5", "9"));
    }

    #[test]
    fn what_broke_behind_the_server_is_not_told() {
        let status = of_state(&plimsoll_state::Error::Usage("password of postgres://db.internal"));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("postgres"), "{status}");
        let passing = backend("STATE", "the state cannot be reached", &std::fmt::Error, Retry::After(None));
        assert_eq!(passing.code(), Code::Unavailable);
        assert!(passing.get_details_retry_info().unwrap().retry_delay.is_some());
    }
}
