//! The walk itself: repository after repository, a few tags at a time, each step kept before the next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_http::Backoff;
use plimsoll_oci::{Catalog, Names, Options, Place};
use plimsoll_state::{ClaimedCrawl, CrawlStep};
use plimsoll_types::{Failure, Reference};

use super::cursor::Cursor;
use super::inspect::{Asker, Trouble};
use super::pace::{Pacer, Paces};
use super::trouble::{Stop, failure};
use super::{Crawler, Filter};

/// Repositories taken from the catalogue at a time.
const REPOSITORIES: usize = 50;

/// Attempts at one step before what fails is passed over.
const ATTEMPTS: u32 = 3;

/// So much is waited for in a crawl; what fails later is passed over at once.
const PATIENCE: u32 = 20;

/// A crawl that is not over by then will never be, in milliseconds: a week.
const LONGEST: i64 = 7 * 24 * 3600 * 1000;

/// A crawl under way.
pub(super) struct Walk {
    pub(super) crawler: Arc<Crawler>,
    pub(super) crawl: ClaimedCrawl,
    pub(super) cursor: Cursor,
    pub(super) filter: Filter,
    pub(super) options: Options,
    pub(super) pacer: Arc<Pacer>,
    /// Attempts at the next step that came to nothing.
    attempts: u32,
}

/// Where repositories come from.
enum Repositories {
    Named,
    Listed { names: Box<Names>, ahead: VecDeque<(String, Place)> },
}

impl Walk {
    pub(super) async fn new(crawler: Arc<Crawler>, crawl: ClaimedCrawl, paces: &Paces) -> Result<Self, Stop> {
        let request = &crawl.request;
        let age = (crawler.clock)().saturating_sub(crawl.started_at);
        if age > LONGEST {
            let message =
                "it is not over after a week; narrow it, or ask whoever runs the registry for a higher rate";
            return Err(Stop::Failed(Failure::lasting("too_long", message)));
        }
        let filter = Filter::new(&request.include, &request.exclude)
            .map_err(|error| Stop::Failed(Failure::lasting("bad_pattern", error.to_string())))?;
        let mut options = crawler.doors.options(request).map_err(|error| Stop::Failed(failure(&error)))?;
        // To be told to wait is for the pacer to hear, at once.
        options.backoff = Backoff { attempts: 3, patience: Duration::ZERO, ..options.backoff };
        let pacer = paces.of(&request.registry, request.rate).await?;
        let cursor = Cursor::read(crawl.cursor.as_deref());
        let attempts = crawl.attempts;
        Ok(Self { crawler, crawl, cursor, filter, options, pacer, attempts })
    }

    /// Walks to the end.
    pub(super) async fn run(mut self) -> Result<(), Stop> {
        let mut repositories = self.repositories()?;
        loop {
            if self.cursor.repository.is_some() {
                self.visit().await?;
            }
            let Some((name, after)) = self.next(&mut repositories).await? else { break };
            let reference = format!("{}/{name}:x", self.crawl.request.registry).parse::<Reference>();
            if reference.is_err() {
                self.cursor.begin(name.clone(), after, (self.crawler.clock)());
                let why = Failure::lasting("bad_name", "the registry lists what is no name of a repository");
                self.leave(name, Some(why)).await?;
            } else if self.filter.has_repository(&name) {
                self.cursor.begin(name, after, (self.crawler.clock)());
            }
        }
        self.pacer.remember().await;
        Ok(())
    }

    fn repositories(&self) -> Result<Repositories, Stop> {
        if !self.crawl.request.repositories.is_empty() {
            return Ok(Repositories::Named);
        }
        let catalog = Catalog::new(&self.crawl.request.registry, &self.options);
        let names = catalog.and_then(|catalog| catalog.repositories(&self.cursor.catalog()));
        let names = names.map_err(|error| Stop::Failed(failure(&error)))?;
        Ok(Repositories::Listed { names: Box::new(names), ahead: VecDeque::new() })
    }

    /// The next repository, and where the list of them goes on after it.
    async fn next(&self, repositories: &mut Repositories) -> Result<Option<(String, Place)>, Stop> {
        let Repositories::Listed { names, ahead } = repositories else {
            let place = self.cursor.catalog();
            let name =
                usize::try_from(place.read).ok().and_then(|at| self.crawl.request.repositories.get(at));
            return Ok(name.map(|name| (name.clone(), Place { read: place.read + 1, ..place })));
        };
        if ahead.is_empty() {
            let what = format!("the catalogue of {}", self.crawl.request.registry);
            let asked = self.asker().ask(&what, names.next(REPOSITORIES)).await;
            let found = match asked {
                Ok(found) => found,
                Err(Trouble::Stop(stop)) => return Err(stop),
                Err(Trouble::Failed(why)) if why.retryable && self.attempts < ATTEMPTS => {
                    return Err(Stop::Passing(why));
                }
                Err(Trouble::Failed(why)) => return Err(Stop::Failed(why)),
            };
            let (count, end) = (found.len() as u64, names.place());
            let places = (1..=count).map(|at| Place { read: end.read - count + at, ..end.clone() });
            ahead.extend(found.into_iter().zip(places));
        }
        Ok(ahead.pop_front())
    }

    /// Ends the visit of a repository.
    pub(super) async fn leave(&mut self, name: String, why: Option<Failure>) -> Result<(), Stop> {
        let request = &self.crawl.request;
        let (tenant, registry) = (&request.tenant, &request.registry);
        let under_way = self.cursor.repository.take().unwrap_or_default();
        let state = &self.crawler.state;
        if !request.plan_only {
            let now = (self.crawler.clock)();
            let all = !self.filter.tells_tags_apart() && request.newest.is_none();
            match &why {
                None if all && under_way.whole => {
                    state.not_seen(tenant, registry, &name, under_way.began, now).await?;
                }
                Some(why) if why.kind == "not_found" && under_way.looked_at == 0 => {
                    state.tag_gone(tenant, registry, &name, None, None, under_way.began).await?;
                }
                _ => {}
            }
        }
        let passed_over = why.as_ref().is_some_and(|why| why.retryable);
        self.cursor.passed_over = self.cursor.passed_over.saturating_add(u32::from(passed_over));
        let failures = why.map(|why| (name, String::new(), why)).into_iter().collect();
        self.keep(CrawlStep { repositories: 1, failures, ..CrawlStep::default() }).await
    }

    /// Keeps a step, and with it where the walk is.
    pub(super) async fn keep(&mut self, step: CrawlStep) -> Result<(), Stop> {
        let config = &self.crawler.config;
        let until = (self.crawler.clock)().saturating_add(config.lease.as_millis() as i64);
        let step = CrawlStep { cursor: self.cursor.text(), ..step };
        if !self.crawler.state.advance(self.crawl.id, &config.holder, &step, until).await? {
            return Err(Stop::Lost);
        }
        self.attempts = 0;
        Ok(())
    }

    /// What is passed over because it will not pass, or because it was waited for long enough. Everything else stops the walk.
    pub(super) fn pass_over(&self, trouble: Trouble) -> Result<Failure, Stop> {
        match trouble {
            Trouble::Stop(stop) => Err(stop),
            Trouble::Failed(why)
                if why.retryable && self.attempts < ATTEMPTS && self.cursor.passed_over < PATIENCE =>
            {
                Err(Stop::Passing(why))
            }
            Trouble::Failed(why) => Ok(why),
        }
    }

    fn asker(&self) -> Asker<'_> {
        Asker { pacer: &self.pacer, clock: &self.crawler.clock }
    }
}
