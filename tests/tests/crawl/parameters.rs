//! How large the scenarios are.

use std::time::Duration;

/// What can be changed from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    /// `CRAWL_REPOSITORIES`
    pub(crate) repositories: usize,
    /// `CRAWL_TAGS`, of all of them together.
    pub(crate) tags: usize,
    /// `CRAWL_KILLS`
    pub(crate) kills: usize,
    /// `CRAWL_EVENTS`, half of which are dropped.
    pub(crate) events: usize,
    /// `CRAWL_ENDLESS`, tags of one repository.
    pub(crate) endless: usize,
    /// `CRAWL_SECONDS`, which each scenario may take.
    pub(crate) patience: Duration,
}

impl Parameters {
    pub(crate) fn from_env() -> Self {
        let number = |name: &str, default: usize| match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
            Err(_) => default,
        };
        Self {
            repositories: number("CRAWL_REPOSITORIES", 10),
            tags: number("CRAWL_TAGS", 60),
            kills: number("CRAWL_KILLS", 2),
            events: number("CRAWL_EVENTS", 20),
            endless: number("CRAWL_ENDLESS", 200_000),
            patience: Duration::from_secs(number("CRAWL_SECONDS", 300) as u64),
        }
    }
}
