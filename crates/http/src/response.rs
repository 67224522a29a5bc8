//! An answer, its body still on the way.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use plimsoll_types::Retry;
use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{StatusCode, Url};

use crate::error::{Error, shown, status_retry};
use crate::retry_after;

/// Never reserve more than this on the word of a Content-Length.
const RESERVE: u64 = 64 * 1024;

/// The head of an answer, and its body as a stream of chunks.
#[derive(Debug)]
pub struct Response(reqwest::Response);

impl Response {
    pub(crate) fn new(inner: reqwest::Response) -> Self {
        Self(inner)
    }

    /// Status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The URL that answered, after redirects.
    pub fn url(&self) -> &Url {
        self.0.url()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// One header as text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.0.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// Length of the body, if stated.
    pub fn content_length(&self) -> Option<u64> {
        self.0.content_length()
    }

    /// `Retry-After`, counted from now.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header(RETRY_AFTER).and_then(|value| retry_after::parse(value, Timestamp::now()))
    }

    /// Whether the same request may be answered better later.
    pub fn retry(&self) -> Retry {
        status_retry(self.status(), self.retry_after())
    }

    /// This answer if it is a success, else [`Error::Status`].
    pub fn success(self) -> Result<Self, Error> {
        if self.status().is_success() {
            return Ok(self);
        }
        Err(Error::Status { url: shown(self.url()), status: self.status(), retry_after: self.retry_after() })
    }

    /// The next piece of the body; `None` at its end. Dropping the response closes the connection, unless
    /// the body was read to its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match self.0.chunk().await {
            Ok(chunk) => Ok(chunk),
            Err(error) => Err(Error::from_reqwest(&error, self.0.url())),
        }
    }

    /// The whole body, or [`Error::TooLarge`] as soon as it is known to be longer than `limit` bytes.
    pub async fn bytes_capped(mut self, limit: u64) -> Result<Bytes, Error> {
        let too_large = Error::TooLarge { url: shown(self.url()), limit };
        let stated = self.content_length().unwrap_or(0);
        if stated > limit {
            return Err(too_large);
        }
        let mut body = BytesMut::with_capacity(stated.min(RESERVE) as usize);
        while let Some(chunk) = self.chunk().await? {
            if body.len() as u64 + chunk.len() as u64 > limit {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
