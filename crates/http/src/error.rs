//! What can go wrong between us and another host.

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use plimsoll_types::Retry;
use reqwest::{StatusCode, Url};

use crate::Refusal;
use crate::resolver::Refused;

/// An HTTP exchange that failed. URLs are shown without their query, which may hold a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a URL this client can ask.
    #[error("{url:?} cannot be fetched: {why}")]
    InvalidUrl {
        /// What was given.
        url: String,
        /// Why not.
        why: String,
    },
    /// The address guard said no.
    #[error(
        "{host} is {address}, {refusal}, which may not be connected to; allow its network if that is intended"
    )]
    Refused {
        /// The host as named.
        host: String,
        /// What it resolved to.
        address: IpAddr,
        /// Why it is refused.
        refusal: Refusal,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects {why}")]
    Redirect {
        /// Who redirected.
        url: String,
        /// Why it is not followed.
        why: String,
    },
    /// No connection.
    #[error("cannot connect to {host}: {reason}; check the name, the network and the proxy variables")]
    Connect {
        /// The host.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// No trust.
    #[error(
        "{host} cannot be trusted: {reason}; if its certificate is from a private authority, add that to the \
         system's certificates or name a PEM file in SSL_CERT_FILE"
    )]
    Tls {
        /// The host.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// No answer in time.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The connection broke during an exchange.
    #[error("the connection to {host} broke: {reason}")]
    Interrupted {
        /// The host.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// The body is larger than the caller is ready to hold.
    #[error("the answer of {url} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// An answer that is not a success.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// Its status.
        status: StatusCode,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The body should be text and is not.
    #[error("the answer of {url} is not UTF-8 text")]
    NotText {
        /// What was asked for.
        url: String,
    },
    /// The client could not be built.
    #[error("the HTTP client cannot start: {0}")]
    Setup(String),
}

impl Error {
    /// Whether the same request may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Interrupted { .. } => Retry::After(None),
            Self::Status { status, retry_after, .. } => status_retry(*status, *retry_after),
            _ => Retry::Never,
        }
    }

    /// Reads what `reqwest` reports for a request to `url`.
    pub(crate) fn from_reqwest(error: &reqwest::Error, url: &Url) -> Self {
        let host = host_of(url);
        let causes = causes(error);
        if let Some(refused) = causes.iter().find_map(|cause| cause.downcast_ref::<Refused>()) {
            return Self::Refused { host, address: refused.address, refusal: refused.refusal };
        }
        let reason = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
        if causes.iter().any(|cause| cause.is::<rustls::Error>()) {
            return Self::Tls { host, reason };
        }
        if error.is_builder() {
            return Self::InvalidUrl { url: shown(url), why: reason };
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, _) => Self::Connect { host, reason },
            (false, true) => Self::Timeout { host },
            (false, false) => Self::Interrupted { host, reason },
        }
    }
}

/// Whether an answer with `status` may be a success another time.
pub(crate) fn status_retry(status: StatusCode, retry_after: Option<Duration>) -> Retry {
    match status.as_u16() {
        408 | 425 | 429 | 500 | 502..=504 | 507 | 509 | 520..=599 => Retry::After(retry_after),
        _ => Retry::Never,
    }
}

/// `error` and its causes, outermost first. An `io::Error` hides what it wraps from `source`, so it is opened.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next.take() {
        causes.push(cause);
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &'a (dyn StdError + 'static)),
            None => cause.source(),
        };
    }
    causes
}

/// Host and port for people.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A URL for people: no credentials, no query.
pub(crate) fn shown(url: &Url) -> String {
    let path: String = url.path().chars().take(300).collect();
    format!("{}://{}{path}", url.scheme(), host_of(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_retried() {
        for (status, retried) in
            [(429, true), (503, true), (500, true), (408, true), (404, false), (401, false), (501, false)]
        {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(status_retry(status, None).is_retryable(), retried, "{status}");
        }
    }

    #[test]
    fn shown_urls_keep_secrets() {
        let url = "https://user:pw@r.io:444/a/b?X-Amz-Signature=abc#f".parse().unwrap();
        assert_eq!(shown(&url), "https://r.io:444/a/b");
    }
}
