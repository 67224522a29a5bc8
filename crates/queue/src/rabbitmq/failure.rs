//! What an error of the client library means.

use lapin::ErrorKind;

use crate::Error;

/// Our error for one of lapin's. What the broker understood and refuses does not get better by itself; all else, a
/// queue that somebody deleted among it, is made anew with the next attempt.
pub(super) fn failure(service: &str, action: &'static str, error: lapin::Error) -> Error {
    let service = service.to_owned();
    match advice(&error) {
        Some(advice) => Error::Refused { service, action, source: error.into(), advice },
        None => Error::Unavailable { service, action, after: None, source: error.into() },
    }
}

fn advice(error: &lapin::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => match error.get_id() {
            403 => Some("check the password, and the user's rights to configure, write and read"),
            406 => Some(
                "a queue of that name exists with other arguments: delete it, or name another prefix in the URL",
            ),
            530 => Some("check that the virtual host exists and that the user may use it"),
            _ => None,
        },
        ErrorKind::InvalidProtocolVersion(_) => Some("name a broker that speaks AMQP 0-9-1"),
        ErrorKind::AuthProviderError(_) => Some("check user and password"),
        _ => None,
    }
}
