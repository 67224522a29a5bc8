//! A blob over as many connections as it takes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use plimsoll_http::Response;
use plimsoll_http::header::{CONTENT_RANGE, HeaderValue, RANGE};
use plimsoll_types::{Descriptor, Retry};

use super::exchange::Exchange;
use crate::{BlobStream, Error};

/// A connection that brought this much was worth it: the count of failures starts again.
const PROGRESS: u64 = 256 * 1024;

/// Connections per blob, however well each of them went.
const MAX_CONNECTIONS: u32 = 200;

/// Opens the blob `descriptor` names. The first answer is awaited, so that what cannot be had is known at once.
pub(super) async fn open(
    exchange: Arc<Exchange>,
    what: String,
    descriptor: &Descriptor,
) -> Result<BlobStream, Error> {
    let path = format!("blobs/{}", descriptor.digest);
    let response = exchange.get(&what, &path, &[]).await?;
    let mut transfer = Transfer {
        exchange,
        what,
        path,
        size: descriptor.size,
        offset: 0,
        skip: 0,
        response: None,
        failures: 0,
        connections: 1,
        connected_at: 0,
        ended_at: None,
    };
    transfer.accept(response)?;
    Ok(Box::pin(stream::unfold(Some(transfer), |transfer| async move {
        let mut transfer = transfer?;
        match transfer.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(transfer))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })))
}

struct Transfer {
    exchange: Arc<Exchange>,
    what: String,
    path: String,
    size: u64,
    /// Bytes handed on.
    offset: u64,
    /// Bytes of the current answer that were handed on before: the registry does not know ranges.
    skip: u64,
    response: Option<Response>,
    /// Failures since the last progress.
    failures: u32,
    connections: u32,
    /// `offset` when the current connection began.
    connected_at: u64,
    /// Where an answer ended without an error, and before its time.
    ended_at: Option<u64>,
}

impl Transfer {
    /// The next bytes; `None` after exactly `size` of them.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(response) = &mut self.response else {
                if self.offset == self.size {
                    return Ok(None);
                }
                self.connect().await?;
                continue;
            };
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    if let Some(fresh) = self.take(chunk)? {
                        return Ok(Some(fresh));
                    }
                }
                // Everything is here, whatever becomes of the connection.
                Ok(None) | Err(_) if self.offset == self.size => return Ok(None),
                Ok(None) if self.ended_at == Some(self.offset) => return Err(self.wrong_size(self.offset)),
                Ok(None) => {
                    self.ended_at = Some(self.offset);
                    self.broken("the answer ended early".to_owned(), Retry::After(None)).await?;
                }
                Err(error) => self.broken(error.to_string(), error.retry()).await?,
            }
        }
    }

    /// What of `chunk` is new.
    fn take(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>, Error> {
        let known = self.skip.min(chunk.len() as u64);
        self.skip -= known;
        let fresh = chunk.split_off(known as usize);
        if fresh.is_empty() {
            return Ok(None);
        }
        let end = self.offset.saturating_add(fresh.len() as u64);
        if end > self.size {
            return Err(self.wrong_size(end));
        }
        self.offset = end;
        Ok(Some(fresh))
    }

    /// Counts a failure and waits, or gives up.
    async fn broken(&mut self, detail: String, retry: Retry) -> Result<(), Error> {
        self.response = None;
        if self.offset - self.connected_at >= PROGRESS {
            self.failures = 0;
        }
        self.failures += 1;
        match self.exchange.backoff().delay(self.failures, retry) {
            Some(delay) if self.connections < MAX_CONNECTIONS => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
            _ => Err(Error::Interrupted { what: self.what.clone(), offset: self.offset, detail, retry }),
        }
    }

    /// Asks for the rest.
    async fn connect(&mut self) -> Result<(), Error> {
        self.connections += 1;
        self.connected_at = self.offset;
        let range = HeaderValue::try_from(format!("bytes={}-", self.offset)).ok();
        let headers: Vec<_> =
            range.filter(|_| self.offset > 0).map(|value| (RANGE, value)).into_iter().collect();
        match self.exchange.attempt(&self.what, &self.path, &headers).await {
            Ok(response) => self.accept(response),
            Err(Error::Registry { status: 416, .. }) => Err(self.wrong_size(self.offset)),
            Err(error) if error.retry().is_retryable() => self.broken(error.to_string(), error.retry()).await,
            Err(error) => Err(error),
        }
    }

    /// Takes an answer, if it begins where it should and is as long as it should be.
    fn accept(&mut self, response: Response) -> Result<(), Error> {
        let status = response.status().as_u16();
        let begins = match status {
            200 => 0,
            206 if self.offset > 0 => {
                let range = response.header(CONTENT_RANGE).and_then(parse_content_range);
                match range {
                    Some((start, total)) if start == self.offset => {
                        if let Some(total) = total.filter(|total| *total != self.size) {
                            return Err(self.wrong_size(total));
                        }
                        start
                    }
                    _ => return Err(self.odd(status, "it sent another range than asked for")),
                }
            }
            _ => return Err(self.odd(status, "where a blob was asked for")),
        };
        if let Some(length) = response.content_length()
            && begins.checked_add(length) != Some(self.size)
        {
            return Err(self.wrong_size(begins.saturating_add(length)));
        }
        self.skip = self.offset - begins;
        self.response = Some(response);
        Ok(())
    }

    fn wrong_size(&self, actual: u64) -> Error {
        Error::SizeMismatch { what: self.what.clone(), expected: self.size, actual }
    }

    fn odd(&self, status: u16, detail: &str) -> Error {
        Error::Registry { what: self.what.clone(), status, detail: detail.to_owned(), retry: Retry::Never }
    }
}

/// Start and total of `bytes START-END/TOTAL`, where the total may be `*`.
fn parse_content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    match total.trim() {
        "*" => Some((start, None)),
        total => Some((start, Some(total.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_or_refused() {
        for (value, range) in [
            ("bytes 5-9/10", Some((5, Some(10)))),
            ("bytes 5-9/*", Some((5, None))),
            ("bytes */10", None),
            ("items 5-9/10", None),
            ("bytes -9/10", None),
            ("bytes 5-9/ten", None),
            ("", None),
        ] {
            assert_eq!(parse_content_range(value), range, "{value:?}");
        }
    }
}
