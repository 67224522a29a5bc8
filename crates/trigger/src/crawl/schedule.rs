//! Crawls that start by themselves.

use std::time::Duration;

use plimsoll_state::Crawls;
use plimsoll_types::CrawlRequest;

/// A crawl that starts again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its name, one for each tenant's schedules.
    pub name: String,
    /// From the start of one to the start of the next.
    pub every: Duration,
    /// What is looked at.
    pub request: CrawlRequest,
}

/// Starts those that are due. Several processes with the same schedules start each of them once.
pub(super) async fn start_due<S: Crawls + ?Sized>(schedules: &[Schedule], state: &S, now: i64) {
    for Schedule { name, every, request } in schedules {
        let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        match state.start_scheduled(name, every, request, now).await {
            Ok(Some(crawl)) => tracing::info!(%crawl, schedule = name, "a crawl is due"),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, schedule = name, "a schedule cannot be looked at"),
        }
    }
}
