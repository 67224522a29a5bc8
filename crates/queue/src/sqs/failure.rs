//! What an error of the SDK means.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::Error;

/// Codes that say that a message is not ours any more. `InvalidParameterValue` is what SQS answers when a receipt is
/// too old.
const LOST: &[&str] = &["InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"];

/// Codes that say that there is no such queue.
const NO_QUEUE: &[&str] = &["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];

/// Codes of errors that pass, though their HTTP status does not say so.
const PASSING: &[&str] = &[
    "KmsThrottled",
    "OverLimit",
    "QueueDeletedRecently",
    "RequestThrottled",
    "RequestTimeout",
    "ThrottlingException",
];

/// Whether the message has left our hands.
pub(super) fn is_lost(code: Option<&str>) -> bool {
    code.is_some_and(|code| LOST.iter().any(|lost| code.ends_with(lost)))
}

/// Whether the queue is missing.
pub(super) fn is_no_queue<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code).is_some_and(|code| NO_QUEUE.contains(&code))
}

/// Our error for one of the SDK's, which has tried again already.
pub(super) fn failure<E>(service: &str, action: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let (service, source) = (service.to_owned(), describe(error).into());
    match advice(error) {
        Some(advice) => Error::Refused { service, action, source, advice },
        None => Error::Unavailable { service, action, after: retry_after(error), source },
    }
}

fn advice<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&'static str> {
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return Some(
            "name a region with region= in the URL or AWS_REGION, and see that there are credentials",
        );
    }
    let status = error.raw_response()?.status().as_u16();
    let code = error.as_service_error()?.code().unwrap_or_default();
    // A queue that was deleted under us is looked for, or made, with the next attempt.
    if PASSING.contains(&code) || NO_QUEUE.contains(&code) || !(400..500).contains(&status) || status == 429 {
        return None;
    }
    Some("check the credentials, and their rights to the queue and its key")
}

fn retry_after<E>(error: &SdkError<E, HttpResponse>) -> Option<Duration> {
    error.raw_response()?.headers().get("retry-after")?.parse().ok().map(Duration::from_secs)
}

/// One line: the service's own words if it has spoken, else the whole chain of causes.
fn describe<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let Some(code) = error.as_service_error().and_then(ProvideErrorMetadata::code) {
        let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
        return format!("{code}: {}", message.unwrap_or("no message"));
    }
    let mut words = error.to_string();
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
