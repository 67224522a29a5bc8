//! A queue by its URL.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::{Error, Inbox, MemoryQueue, Queue, RabbitQueue, SqsInbox, SqsQueue};

/// Opens a queue:
///
/// - `memory:` is a queue in this process. `lease_ms` says how long a message is its receiver's.
/// - `amqp://USER:PASSWORD@HOST:PORT/VHOST` (or `amqps:`) is RabbitMQ. `prefix` (default: `plimsoll`) starts the
///   names of its queues; `heartbeat` in seconds and the other options of AMQP URIs are obeyed.
/// - `sqs:PREFIX` is SQS, whose queues have names that start so. `region` and `endpoint` say where, if the environment
///   does not; `lease_ms` is the visibility timeout; `create=true` creates queues that are missing.
///
/// Services are reached when they are needed, not here.
pub async fn open(url: &str) -> Result<Arc<dyn Queue>, Error> {
    let parsed =
        Url::parse(url).map_err(|error| Error::Url { url: redacted(url), why: error.to_string() })?;
    match parsed.scheme() {
        "memory" => memory(&parsed),
        "amqp" | "amqps" => Ok(Arc::new(RabbitQueue::new(&parsed)?)),
        "sqs" => Ok(Arc::new(SqsQueue::new(&parsed).await?)),
        other => Err(bad(&parsed, format!("the scheme {other:?} is not known"))),
    }
}

/// Opens a queue that others fill, in SQS:
///
/// - `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`, as AWS shows it, or the URL of a queue in a service like SQS;
/// - `sqs:NAME`, with `region` and `endpoint` if the environment does not say where.
///
/// `dead` names the queue that takes what cannot be understood; without it that is the one the queue's own redrive policy
/// names, or else `NAME-dead`. `lease_ms` is the visibility timeout; `create=true` creates queues that are missing.
///
/// The service is reached when it is needed, not here.
pub async fn open_inbox(url: &str) -> Result<Arc<dyn Inbox>, Error> {
    let parsed =
        Url::parse(url).map_err(|error| Error::Inbox { url: redacted(url), why: error.to_string() })?;
    Ok(Arc::new(SqsInbox::new(&parsed).await?))
}

fn memory(url: &Url) -> Result<Arc<dyn Queue>, Error> {
    let mut options = Options::of(url, &["lease_ms"])?;
    Ok(Arc::new(match options.lease()? {
        Some(lease) => MemoryQueue::with_lease(lease),
        None => MemoryQueue::new(),
    }))
}

/// The options behind the question mark; each is known and there once.
pub(crate) struct Options<'u> {
    url: &'u Url,
    pairs: Vec<(String, String)>,
}

impl<'u> Options<'u> {
    pub(crate) fn of(url: &'u Url, known: &[&str]) -> Result<Self, Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url.query_pairs() {
            if !known.contains(&&*name) {
                return Err(bad(
                    url,
                    format!("there is no option {name:?}; known are: {}", known.join(", ")),
                ));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(bad(url, format!("the option {name} is there twice")));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { url, pairs })
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(other, _)| other == name)?;
        Some(self.pairs.swap_remove(at).1)
    }

    /// `prefix`, or `plimsoll`.
    pub(crate) fn prefix(&mut self) -> Result<String, Error> {
        let prefix = self.take("prefix").unwrap_or_else(|| "plimsoll".to_owned());
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(known) {
            let why =
                format!("the prefix {prefix:?} is not made of 1 to 64 letters, digits, '-', '_' and '.'");
            return Err(bad(self.url, why));
        }
        Ok(prefix)
    }

    /// `lease_ms`, from a hundredth of a second to the twelve hours that SQS allows.
    pub(crate) fn lease(&mut self) -> Result<Option<Duration>, Error> {
        let Some(value) = self.take("lease_ms") else { return Ok(None) };
        match value.parse() {
            Ok(millis @ 10..=43_200_000) => Ok(Some(Duration::from_millis(millis))),
            _ => Err(bad(self.url, format!("lease_ms is {value:?} and not a number from 10 to 43200000"))),
        }
    }
}

/// An error about a URL, without its password.
pub(crate) fn bad(url: &Url, why: impl Into<String>) -> Error {
    Error::Url { url: redacted(url.as_str()), why: why.into() }
}

/// The URL without what may be a password in it, however odd it is.
pub(crate) fn redacted(url: &str) -> String {
    match (url.split_once(':'), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}:***@{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> String {
        match open(url).await {
            Ok(_) => panic!("{url} is accepted"),
            Err(error) => {
                assert!(matches!(error, Error::Url { .. }), "{error}");
                error.to_string()
            }
        }
    }

    #[tokio::test]
    async fn a_url_that_names_no_queue_says_what_would() {
        for url in [
            "",
            "kafka://host",
            "memory:?lease=3",
            "memory:?lease_ms=0",
            "memory:?lease_ms=20&lease_ms=20",
            "amqp://h?prefix=a/b",
            "amqp://h?heartbeat=no",
        ] {
            assert!(refused(url).await.contains("amqp://HOST/VHOST"), "{url}");
        }
    }

    #[tokio::test]
    async fn a_password_is_not_repeated() {
        for url in ["kafka://me:hunter2@host", "amqp:/me:hunter2@host", "://me:hunter2@host"] {
            let message = refused(url).await;
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[tokio::test]
    async fn a_queue_in_memory_opens_with_the_lease_asked_for() {
        let queue = open("memory:?lease_ms=250").await.expect("it opens");
        assert_eq!(queue.capabilities().extend_every(), Some(Duration::from_millis(250) / 3));
        open("memory:").await.expect("it opens without options too");
    }
}
