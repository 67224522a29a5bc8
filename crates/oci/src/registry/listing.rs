//! What a registry says it has: its catalogue and the tags of a repository, name by name.
//!
//! Pages are streamed. However long one is, and whatever it claims of itself, no more than a few names are held. What a page
//! leads to is its own listing and nothing else, and a listing that goes in circles ends as an error.

mod link;
mod scanner;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_http::Response;
use plimsoll_http::header::{HeaderValue, LINK};
use plimsoll_types::Retry;
use tokio::time::sleep;

use super::exchange::Exchange;
use crate::Error;
use scanner::Scanner;

/// Names asked for at a time. Registries may give fewer, and no known one refuses as many.
const PAGE: u32 = 1000;

/// Pages in a row that may hold no name at all.
const MAX_EMPTY: u32 = 10;

/// Bytes of one page, all of them streamed: a million tags with names of the greatest length.
const MAX_PAGE: u64 = 256 << 20;

/// Failures of one page without a name in between.
const MAX_FAILURES: u32 = 4;

/// Wait before the second attempt; doubles from there.
const PAUSE: Duration = Duration::from_millis(250);

/// Where a listing goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Path and query of the page; empty for the first one.
    pub page: String,
    /// How many of its names have been given.
    pub read: u64,
}

/// Names, page by page.
pub struct Names {
    exchange: Arc<Exchange>,
    what: String,
    /// The path of the listing, and the name of its list.
    path: String,
    list: &'static str,
    /// The page being read.
    page: String,
    /// Names of it that were given.
    given: u64,
    reading: Option<Reading>,
    failures: u32,
    empty_pages: u32,
    /// The first names of the first page and of the one before this one.
    firsts: Firsts,
    over: bool,
}

/// A page on its way.
struct Reading {
    response: Response,
    scanner: Scanner,
    names: VecDeque<String>,
    /// Names that were given when the page was read before.
    skip: u64,
    bytes: u64,
    next: Option<String>,
    whole: bool,
}

#[derive(Default)]
struct Firsts {
    first: Option<String>,
    previous: Option<String>,
}

impl Names {
    pub(super) fn new(
        exchange: Arc<Exchange>,
        what: String,
        path: String,
        list: &'static str,
        place: &Place,
    ) -> Self {
        Self {
            exchange,
            what,
            path,
            list,
            page: place.page.clone(),
            given: place.read,
            reading: None,
            failures: 0,
            empty_pages: 0,
            firsts: Firsts::default(),
            over: false,
        }
    }

    /// Where to go on after what was given so far.
    pub fn place(&self) -> Place {
        Place { page: self.page.clone(), read: self.given }
    }

    /// At most `max` names more, from one page; none at the end. What breaks off is taken up where it broke, a few times.
    pub async fn next(&mut self, max: usize) -> Result<Vec<String>, Error> {
        while !self.over {
            match self.some(max).await {
                Ok(names) if names.is_empty() => {}
                Ok(names) => {
                    self.failures = 0;
                    return Ok(names);
                }
                Err(error) => {
                    self.reading = None;
                    self.failures += 1;
                    let rate_limited = matches!(error, Error::RateLimited { .. });
                    if !error.retry().is_retryable() || rate_limited || self.failures >= MAX_FAILURES {
                        return Err(error);
                    }
                    sleep(PAUSE * (1 << self.failures.min(6))).await;
                }
            }
        }
        Ok(Vec::new())
    }

    /// Some names, or none if the page was at its end.
    async fn some(&mut self, max: usize) -> Result<Vec<String>, Error> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.open().await?,
        };
        while reading.names.len() < max && !reading.whole {
            reading.read(&self.what).await?;
        }
        let count = reading.names.len().min(max);
        let names: Vec<String> = reading.names.drain(..count).collect();
        if self.given == 0
            && let Some(first) = names.first()
        {
            self.firsts.note(first).map_err(|why| self.bad(why))?;
        }
        self.given += names.len() as u64;
        if reading.whole && reading.names.is_empty() && names.is_empty() {
            self.turn(reading.next)?;
        } else {
            self.reading = Some(reading);
        }
        Ok(names)
    }

    async fn open(&self) -> Result<Reading, Error> {
        let path = match self.page.as_str() {
            "" => format!("{}?n={PAGE}", self.path),
            page => page.to_owned(),
        };
        let response = self.exchange.get(&self.what, &path, &[]).await?;
        let links = response.headers().get_all(LINK);
        let next = links.iter().filter_map(|value: &HeaderValue| value.to_str().ok()).find_map(link::next);
        let next = match next {
            Some(target) => Some(self.exchange.within(&target, &self.path).map_err(|why| self.bad(why))?),
            None => None,
        };
        if next.as_deref() == Some(path.as_str()) {
            return Err(self.bad("a page says that it is followed by itself"));
        }
        Ok(Reading {
            response,
            scanner: Scanner::new(self.list),
            names: VecDeque::new(),
            skip: self.given,
            bytes: 0,
            next,
            whole: false,
        })
    }

    /// Goes to the next page, if there is one.
    fn turn(&mut self, next: Option<String>) -> Result<(), Error> {
        self.empty_pages = if self.given == 0 { self.empty_pages + 1 } else { 0 };
        match next {
            None => self.over = true,
            Some(_) if self.empty_pages > MAX_EMPTY => {
                return Err(self.bad("page after page holds no name"));
            }
            Some(next) => (self.page, self.given) = (next, 0),
        }
        Ok(())
    }

    fn bad(&self, why: &'static str) -> Error {
        Error::BadListing { what: self.what.clone(), why: why.to_owned() }
    }
}

impl Reading {
    /// Takes in some bytes.
    async fn read(&mut self, what: &str) -> Result<(), Error> {
        let bad = |why: &str| Error::BadListing { what: what.to_owned(), why: why.to_owned() };
        let chunk = self.response.chunk().await.map_err(|source| Error::unreachable(what, source))?;
        let Some(chunk) = chunk else {
            self.whole = true;
            return self.scanner.finish().map_err(|why| Error::Interrupted {
                what: what.to_owned(),
                offset: self.bytes,
                detail: why.to_owned(),
                retry: Retry::After(None),
            });
        };
        self.bytes += chunk.len() as u64;
        if self.bytes > MAX_PAGE {
            return Err(Error::TooLarge { what: what.to_owned(), limit: MAX_PAGE, unit: "bytes" });
        }
        let (names, skip) = (&mut self.names, &mut self.skip);
        let found = self.scanner.push(&chunk, &mut |name| {
            if *skip == 0 {
                names.push_back(name);
            } else {
                *skip -= 1;
            }
        });
        found.map_err(bad)
    }
}

impl Firsts {
    /// Notes the first name of a page.
    fn note(&mut self, name: &str) -> Result<(), &'static str> {
        if [&self.first, &self.previous].into_iter().flatten().any(|seen| seen == name) {
            return Err("it goes in circles: a page begins as an earlier one did");
        }
        self.first.get_or_insert_with(|| name.to_owned());
        self.previous = Some(name.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
