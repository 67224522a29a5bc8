//! What a failed request means, and whether the same one may succeed later.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use plimsoll_types::Retry;

use crate::Error;

/// No server is waited for longer than this because it says so.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The status of a reply that says no.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|reply| reply.status().as_u16())
}

/// That a condition did not hold: the object is there.
pub(super) fn is_taken<E>(error: &SdkError<E, HttpResponse>) -> bool {
    status(error) == Some(412)
}

/// That another write of the same object was under way.
pub(super) fn is_contended<E>(error: &SdkError<E, HttpResponse>) -> bool {
    status(error) == Some(409)
}

/// That the object is not there, though the bucket is.
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    status(error) == Some(404) && error.code() != Some("NoSuchBucket")
}

/// The typed error for a request that failed.
pub(super) fn failed<E>(action: &'static str, url: String, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let code = error.code().unwrap_or_default();
    let reason = match error {
        SdkError::ServiceError(service) => {
            let message = error.message().unwrap_or("no reason given");
            format!("{} {code}: {message}", service.raw().status().as_u16())
        }
        SdkError::TimeoutError(_) => "the server did not answer in time".to_owned(),
        SdkError::ResponseError(_) => format!("its reply makes no sense: {}", innermost(error)),
        _ => innermost(error),
    };
    Error::S3 { action, url, advice: advice(status(error), code), reason, retry: retry(error, code) }
}

/// The typed error for a reply whose body broke off.
pub(super) fn broken(action: &'static str, url: String, error: &(dyn StdError + 'static)) -> Error {
    Error::S3 { action, url, reason: innermost(error), advice: "", retry: Retry::After(None) }
}

fn retry<E>(error: &SdkError<E, HttpResponse>, code: &str) -> Retry {
    match error {
        SdkError::TimeoutError(_) => Retry::After(None),
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => Retry::After(None),
        // A server that hangs up in the middle of a reply is such a one: the SDK has a hint for what may pass.
        SdkError::DispatchFailure(failure) if failure.as_other().is_some() => Retry::After(None),
        SdkError::ResponseError(response) if response.raw().status().is_success() => Retry::After(None),
        SdkError::ResponseError(_) | SdkError::ServiceError(_) => match status(error) {
            Some(408 | 409 | 429 | 500 | 502..=599) => Retry::After(retry_after(error)),
            // Some failures are told in the body of a reply that began well.
            _ if matches!(code, "InternalError" | "RequestTimeout" | "ServiceUnavailable" | "SlowDown") => {
                Retry::After(retry_after(error))
            }
            _ => Retry::Never,
        },
        _ => Retry::Never,
    }
}

fn retry_after<E>(error: &SdkError<E, HttpResponse>) -> Option<Duration> {
    let value = error.raw_response()?.headers().get("retry-after")?.trim();
    let wait = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = SystemTime::try_from(DateTime::from_str(value, DateTimeFormat::HttpDate).ok()?).ok()?;
        date.duration_since(SystemTime::now()).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

fn advice(status: Option<u16>, code: &str) -> &'static str {
    match (status, code) {
        (_, "NoSuchBucket") => "; make the bucket, or name another one",
        (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken") => {
            "; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile or role in use"
        }
        (Some(301 | 307), _) | (_, "AuthorizationHeaderMalformed") => "; name the bucket's region (region=…)",
        (Some(403), _) => {
            "; this needs s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and \
             s3:AbortMultipartUpload on what is in it"
        }
        (None, _) => {
            "; check the endpoint, and that there are credentials (AWS_ACCESS_KEY_ID, a profile or a role)"
        }
        _ => "",
    }
}

/// The cause at the bottom of a chain says what happened; those above it say where.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    match causes.last() {
        Some(cause) if cause.source().is_none() && !cause.to_string().is_empty() => cause.to_string(),
        _ => DisplayErrorContext(error).to_string(),
    }
}
