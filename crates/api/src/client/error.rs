//! Why a call did not do.

use std::time::Duration;

use plimsoll_types::Retry;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What a client runs into.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's URL makes no sense.
    #[error("the server {server:?} is no URL to call: {why}; write https://HOST:PORT")]
    Server {
        /// As given.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// The token would cross a network unencrypted.
    #[error("the token would travel to {server} in the clear; use https, or say that this is meant")]
    TokenInTheClear {
        /// The server.
        server: String,
    },
    /// The token holds characters no token has.
    #[error("the token holds characters no token has; it is one line, as `plimsoll token create` printed it")]
    Token,
    /// Certificates, keys or the system are not as they must be.
    #[error("cannot prepare the call: {0}")]
    Setup(String),
    /// Nobody answered.
    #[error("cannot reach {server}: {why}; is it running, and is this its gRPC port?")]
    Unreachable {
        /// The server.
        server: String,
        /// The first cause.
        why: String,
    },
    /// The server said no.
    #[error("{message}")]
    Refused {
        /// The gRPC code.
        code: Code,
        /// For a person.
        message: String,
        /// The stable word of ErrorInfo; empty if there is none.
        reason: String,
        /// When to try again, if the server said so.
        after: Option<Duration>,
    },
}

impl Error {
    /// What a status means.
    pub(super) fn of(server: &str, status: &Status) -> Self {
        use std::error::Error as _;
        // A status that was made here, not there, has the reason behind it.
        if let Some(cause) = status.source() {
            return Self::Unreachable { server: server.to_owned(), why: root(cause) };
        }
        // Nobody here cancels a call but its timer.
        if status.code() == Code::Cancelled {
            return Self::Unreachable { server: server.to_owned(), why: "no answer in time".into() };
        }
        let message = match status.message() {
            "" => format!("the server answered {:?} and nothing else", status.code()),
            message => message.to_owned(),
        };
        let details = status.get_error_details();
        Self::Refused {
            code: status.code(),
            message,
            reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
            after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. } => Retry::After(None),
            Self::Refused { code: Code::Unavailable | Code::ResourceExhausted, after, .. } => {
                Retry::After(*after)
            }
            _ => Retry::Never,
        }
    }

    /// Whether the server says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: Code::NotFound, .. })
    }

    /// Whether the server says that the request makes no sense.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Refused { code: Code::InvalidArgument, .. })
    }
}

/// The first cause: "transport error" and "tcp connect error" help nobody.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// An error and what led to it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
