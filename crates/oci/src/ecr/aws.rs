//! Tokens from AWS.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::SharedCredentialsProvider;
use aws_sdk_ecr::config::http::HttpResponse;
use aws_sdk_ecr::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_types::Retry;
use tokio::sync::OnceCell;

use super::EcrAccount;
use super::tokens::{Grant, TokenService};
use crate::{Credentials, Error, Secret};

/// What a token without an end is believed to last. ECR's last twelve hours.
const UNSAID: Duration = Duration::from_secs(60 * 60);

/// One attempt, and all of them.
const ATTEMPT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(15);

/// Under this name role sessions stand in the logs of accounts.
const SESSION: &str = "plimsoll";

/// Errors that pass, though their HTTP status does not say so.
const PASSING: &[&str] =
    &["ServerException", "ThrottlingException", "RequestTimeout", "TooManyRequestsException"];

/// AWS itself, as whom the environment says, or as a role that may be assumed by that.
#[derive(Default)]
pub(super) struct Aws {
    /// Found once: looking for credentials may ask several places.
    environment: OnceCell<SdkConfig>,
}

impl Aws {
    async fn client(&self, account: &EcrAccount) -> Client {
        let environment = self.environment.get_or_init(environment).await;
        let region = Region::new(account.host.region().to_owned());
        let mut config = environment.to_builder().region(region).build();
        if let Some(role) = &account.role {
            let mut asking = config.to_builder();
            if let Some(endpoint) = &account.sts_endpoint {
                asking = asking.endpoint_url(endpoint);
            }
            let mut provider =
                AssumeRoleProvider::builder(role).session_name(SESSION).configure(&asking.build());
            if let Some(id) = &account.external_id {
                provider = provider.external_id(id);
            }
            let provider = SharedCredentialsProvider::new(provider.build().await);
            config = config.to_builder().credentials_provider(provider).build();
        }
        let mut ecr = aws_sdk_ecr::config::Builder::from(&config);
        if let Some(endpoint) = &account.endpoint {
            ecr = ecr.endpoint_url(endpoint);
        }
        Client::from_conf(ecr.build())
    }
}

async fn environment() -> SdkConfig {
    loader().load().await
}

/// How AWS is spoken to, whoever we are.
pub(super) fn loader() -> ConfigLoader {
    // The one TLS provider of this program, and none that the SDK would bring.
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeout =
        TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(PATIENCE).build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard())
        .timeout_config(timeout)
}

#[async_trait]
impl TokenService for Aws {
    async fn token(&self, account: &EcrAccount) -> Result<Grant, Error> {
        let answer = self.client(account).await.get_authorization_token().send().await;
        let answer = answer.map_err(|error| failure(account, &error))?;
        let grant = answer.authorization_data().first().and_then(|data| {
            let credentials = credentials(data.authorization_token()?)?;
            let end = data.expires_at().and_then(|end| SystemTime::try_from(*end).ok());
            let life = end.map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
            Some(Grant { credentials, life: life.unwrap_or(UNSAID) })
        });
        grant.ok_or_else(|| Error::Ecr {
            what: account.host.to_string(),
            why: "ECR gave no token".to_owned(),
            retry: Retry::After(None),
        })
    }
}

/// A token is base64 of `AWS:PASSWORD`.
fn credentials(token: &str) -> Option<Credentials> {
    let pair = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(Credentials::Basic { username: username.to_owned(), password: Secret::new(password) })
}

/// Our error for one of the SDK's, which has tried again already.
fn failure<E>(account: &EcrAccount, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    let (why, retry) = match meta.and_then(|meta| Some((meta.code()?, meta.message()))) {
        Some((code, message)) => {
            let status = error.raw_response().map_or(500, |response| response.status().as_u16());
            let lasts = (400..500).contains(&status) && status != 429 && !PASSING.contains(&code);
            let retry = if lasts { Retry::Never } else { Retry::After(None) };
            (format!("{code}: {}", message.unwrap_or("no message")), retry)
        }
        // Among these are credentials that cannot be had, and a service that cannot be reached.
        None => (DisplayErrorContext(error).to_string(), Retry::After(None)),
    };
    let why = why.chars().filter(|c| !c.is_control()).take(500).collect();
    Error::Ecr { what: account.host.to_string(), why, retry }
}

#[cfg(test)]
impl Aws {
    /// In an environment of a test's making.
    pub(super) fn of(environment: SdkConfig) -> Self {
        Self { environment: OnceCell::new_with(Some(environment)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_name_and_a_password() {
        let expected = Credentials::Basic { username: "AWS".into(), password: Secret::new("p:q") };
        assert_eq!(credentials(&STANDARD.encode("AWS:p:q")), Some(expected));
        for odd in ["", "AWS", "!", &STANDARD.encode("no colon"), &STANDARD.encode([0xff, b':'])] {
            assert_eq!(credentials(odd), None, "{odd}");
        }
    }
}
