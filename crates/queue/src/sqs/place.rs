//! Where SQS is, and the client that speaks to it.

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

/// The visibility timeout that a URL asks for, in whole seconds.
pub(super) fn lease(options: &mut Options<'_>) -> Result<Duration, Error> {
    let lease = options.lease()?.unwrap_or(LEASE);
    Ok(Duration::from_secs(whole_seconds(lease).unsigned_abs().into()))
}

/// Whether queues that are missing are to be made.
pub(super) fn create(url: &Url, options: &mut Options<'_>) -> Result<bool, Error> {
    match options.take("create").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(bad(url, "create is neither true nor false")),
    }
}

/// Where SQS is; what is not said comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

impl Place {
    /// What `region` and `endpoint` of a URL say.
    pub(super) fn of(options: &mut Options<'_>) -> Self {
        Self { region: options.take("region"), endpoint: options.take("endpoint") }
    }

    /// For messages: what and where.
    pub(super) fn service(&self) -> String {
        let place = self.endpoint.as_deref().or(self.region.as_deref());
        place.map_or_else(|| "SQS".to_owned(), |place| format!("SQS at {place}"))
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
