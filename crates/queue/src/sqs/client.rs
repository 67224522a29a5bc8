//! What the URL says, and the client made of it.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Region;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use url::Url;

use super::whole_seconds;
use crate::Error;
use crate::open::{Options, bad};

/// How long a message is a receiver's unless it extends.
const LEASE: Duration = Duration::from_secs(60);

/// How long one attempt at a request may take: a long poll of 20 s, and some.
const ATTEMPT: Duration = Duration::from_secs(30);

/// With the pauses below, a service that is away is tried for about half a minute.
const ATTEMPTS: u32 = 9;

pub(super) struct Settings {
    pub(super) prefix: String,
    pub(super) lease: Duration,
    pub(super) create: bool,
    /// For messages: what and where.
    pub(super) service: String,
    region: Option<String>,
    endpoint: Option<String>,
}

impl Settings {
    pub(super) fn of(url: &Url) -> Result<Self, Error> {
        let mut options = Options::of(url, &["create", "endpoint", "lease_ms", "region"])?;
        let endpoint = options.take("endpoint");
        let region = options.take("region");
        let create = match options.take("create").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(bad(url, "create is neither true nor false")),
        };
        let place = endpoint.as_deref().or(region.as_deref());
        let service = place.map_or_else(|| "SQS".to_owned(), |place| format!("SQS at {place}"));
        let lease = options.lease()?.unwrap_or(LEASE);
        let lease = Duration::from_secs(whole_seconds(lease).unsigned_abs().into());
        Ok(Self { prefix: prefix(url)?, lease, create, service, region, endpoint })
    }

    pub(super) async fn client(&self) -> Client {
        // The one TLS provider of this program, and none that the SDK would bring.
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let retry = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(8));
        let timeout = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(ATTEMPT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(retry)
            .timeout_config(timeout);
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        Client::new(&loader.load().await)
    }
}

/// The start of the names of queues. SQS takes 80 bytes, and we add up to 24.
fn prefix(url: &Url) -> Result<String, Error> {
    let prefix = url.path();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if prefix.is_empty() || prefix.len() > 50 || !prefix.bytes().all(known) {
        let why = format!("the prefix {prefix:?} is not made of 1 to 50 letters, digits, '-' and '_'");
        return Err(bad(url, why));
    }
    Ok(prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings, Error> {
        Settings::of(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn a_url_says_which_queues_and_where() {
        let settings = settings("sqs:team-a?region=eu-west-1&lease_ms=1500&create=true").expect("it is good");
        assert_eq!(settings.prefix, "team-a");
        assert_eq!(settings.lease, Duration::from_secs(2), "rounded up to what SQS can do");
        assert!(settings.create);
        assert_eq!(settings.service, "SQS at eu-west-1");
    }

    #[test]
    fn queues_are_not_created_unasked() {
        assert!(!settings("sqs:plimsoll").expect("it is good").create);
    }

    #[test]
    fn what_is_no_name_of_a_queue_is_refused() {
        for url in ["sqs:", "sqs:a.b", "sqs://host/a", "sqs:a?create=1", "sqs:a?visibility=3"] {
            assert!(matches!(settings(url), Err(Error::Url { .. })), "{url}");
        }
    }
}
