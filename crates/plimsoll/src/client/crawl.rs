//! `plimsoll plan`, `plimsoll crawl`, and what `plimsoll status` says of crawls.

mod args;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_api::client::{Client, messages as v1, random_key};
use plimsoll_types::CrawlId;

pub(super) use args::{CrawlArgs, PlanArgs};

use super::show::say;
use super::{Trouble, connect};
use args::{Asking, Looking};

/// How often a crawl is looked at that somebody waits for.
const LOOK: Duration = Duration::from_millis(500);

/// The most a server gives at a time.
const PAGE: u32 = 500;

/// `plimsoll plan`.
pub(super) async fn plan(arguments: PlanArgs) -> Result<ExitCode, Trouble> {
    let PlanArgs { looking, asking, server } = arguments;
    let client = connect::client(server)?;
    let started = client.start_crawl(request(looking, &asking, true)?).await?;
    let crawl = wait(&client, started, asking.quiet, looked_at).await?;
    for line in show::plan(&crawl) {
        say(&line)?;
    }
    outcome(&crawl)
}

/// `plimsoll crawl`.
pub(super) async fn crawl(arguments: CrawlArgs) -> Result<ExitCode, Trouble> {
    let CrawlArgs { looking, asking, wait: waits, server } = arguments;
    let client = connect::client(server)?;
    let started = client.start_crawl(request(looking, &asking, false)?).await?;
    if !waits {
        say(&started.id)?;
        return Ok(ExitCode::SUCCESS);
    }
    let crawl = wait(&client, started, asking.quiet, judged).await?;
    for line in show::status(&crawl) {
        say(&line)?;
    }
    outcome(&crawl)
}

/// `plimsoll status --crawl`.
pub(super) async fn status(client: &Client, id: CrawlId) -> Result<ExitCode, Trouble> {
    let crawl = client.crawl(&id.to_string()).await?;
    for line in show::status(&crawl) {
        say(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `plimsoll status --crawls`.
pub(super) async fn list(client: &Client, limit: u32) -> Result<ExitCode, Trouble> {
    let (mut left, mut page_token) = (limit, String::new());
    while left > 0 {
        let page = client.crawls(v1::ListCrawlsRequest { page_size: left.min(PAGE), page_token }).await?;
        for crawl in &page.crawls {
            say(&show::line(crawl))?;
        }
        left = left.saturating_sub(page.crawls.len() as u32);
        page_token = page.next_page_token;
        if page_token.is_empty() || page.crawls.is_empty() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `plimsoll cancel --crawl`.
pub(super) async fn cancel(client: &Client, id: CrawlId) -> Result<ExitCode, Trouble> {
    let crawl = client.cancel_crawl(&id.to_string()).await?;
    if crawl.state() == v1::CrawlState::Cancelled {
        say(&show::line(&crawl))?;
        return Ok(ExitCode::SUCCESS);
    }
    let state = show::word(crawl.state());
    Err(Trouble::new(format!("crawl {id} had ended before: {state}; nothing was cancelled")))
}

fn request(looking: Looking, asking: &Asking, plan_only: bool) -> Result<v1::StartCrawlRequest, Trouble> {
    let idempotency_key = match &asking.idempotency_key {
        Some(key) => key.clone(),
        None => random_key()?,
    };
    Ok(v1::StartCrawlRequest {
        registry: looking.registry,
        filter: Some(v1::CrawlFilter {
            repositories: looking.repository,
            include: looking.include,
            exclude: looking.exclude,
            newest: looking.newest.unwrap_or_default(),
            max_age_seconds: looking.max_age.map_or(0, |age| age.as_secs()),
            max_tags: looking.max_tags.unwrap_or_default(),
        }),
        plan_only,
        rate: asking.rate.unwrap_or_default(),
        credential: asking.credential.clone().unwrap_or_default(),
        plain_http: asking.plain_http,
        idempotency_key,
    })
}

/// Looks at a crawl until `over` says so, and tells about it on standard error.
async fn wait(
    client: &Client,
    mut crawl: v1::Crawl,
    quiet: bool,
    over: fn(&v1::Crawl) -> bool,
) -> Result<v1::Crawl, Trouble> {
    let mut told = String::new();
    while !over(&crawl) {
        tokio::time::sleep(LOOK).await;
        crawl = client.crawl(&crawl.id).await?;
        let news = show::progress(&crawl);
        if !quiet && news != told {
            eprintln!("plimsoll: {news}");
            told = news;
        }
    }
    Ok(crawl)
}

/// Everything was looked at.
fn looked_at(crawl: &v1::Crawl) -> bool {
    !matches!(crawl.state(), v1::CrawlState::Running | v1::CrawlState::Unspecified)
}

/// And every scan has ended.
fn judged(crawl: &v1::Crawl) -> bool {
    let open =
        |scan: &v1::ScanCount| matches!(scan.state(), v1::ScanState::Submitted | v1::ScanState::Analyzing);
    looked_at(crawl) && !crawl.progress.iter().flat_map(|progress| &progress.scans).any(open)
}

fn outcome(crawl: &v1::Crawl) -> Result<ExitCode, Trouble> {
    if crawl.state() == v1::CrawlState::Done {
        return Ok(ExitCode::SUCCESS);
    }
    let why = crawl.failure.as_ref().map_or("somebody ended it", |failure| failure.message.as_str());
    Err(Trouble::new(format!("crawl {} is {}: {why}", crawl.id, show::word(crawl.state()))))
}

/// An instant for people.
fn instant(at: Option<&v1::Timestamp>) -> String {
    let at = at.and_then(|at| Timestamp::from_second(at.seconds).ok());
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}
