//! The client: its region, its credentials, its patience.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Credentials, SharedHttpClient};
use aws_smithy_http_client::{Builder, tls};

use super::S3Options;

/// Attempts of one request. Whoever calls the store retries at leisure; these are for what is over in seconds.
const ATTEMPTS: u32 = 4;

/// The longest that one attempt takes to send a part and to get the head of a reply.
const ATTEMPT: Duration = Duration::from_secs(120);

/// How requests leave.
pub(super) struct Way {
    pub(super) http: SharedHttpClient,
    /// Instead of those that the environment has.
    pub(super) credentials: Option<Credentials>,
}

impl Way {
    /// HTTPS by rustls with ring, trusting what the system trusts. There is no second TLS library in the program.
    pub(super) fn https() -> Self {
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        Self { http: Builder::new().tls_provider(ring).build_https(), credentials: None }
    }
}

pub(super) async fn client(options: &S3Options, way: Way) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(60))
        .operation_attempt_timeout(ATTEMPT)
        .build();
    let mut config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(way.http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts);
    if let Some(region) = region(options) {
        config = config.region(region);
    }
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(endpoint);
    }
    if let Some(credentials) = way.credentials {
        config = config.credentials_provider(credentials);
    }
    let config = config.load().await;
    // An endpoint of one's own has no host name for each bucket.
    let path_style = config.endpoint_url().is_some();
    Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(path_style).build())
}

/// The region, where the default chain is not the one to say. A server of one's own seldom has regions, and asking the
/// machine for one, as on AWS, would take seconds.
fn region(options: &S3Options) -> Option<RegionProviderChain> {
    let named = RegionProviderChain::first_try(options.region.clone().map(Region::new));
    if options.endpoint.is_none() {
        return options.region.is_some().then_some(named);
    }
    Some(
        named
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(Region::new("us-east-1")),
    )
}
