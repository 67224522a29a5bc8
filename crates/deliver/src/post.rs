//! One attempt: signed, posted, answered.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use plimsoll_http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use plimsoll_http::{Client, Method, Request, Response, Url};
use plimsoll_state::ClaimedDelivery;

use crate::event;
use crate::outcome::Outcome;

/// As much of an answer is read, so that its connection can be used again; nothing in it matters.
const MAX_ANSWER: u64 = 64 << 10;
/// How long an answer is read.
const DRAIN: Duration = Duration::from_secs(1);

/// What is posted, once it is signed.
pub(crate) struct Signed {
    /// When, in seconds since the epoch.
    pub(crate) seconds: i64,
    /// The value of `webhook-signature`.
    pub(crate) signature: String,
    /// The event.
    pub(crate) body: Bytes,
}

/// Posts once.
pub(crate) async fn post(
    client: &Client,
    delivery: &ClaimedDelivery,
    signed: Signed,
    timeout: Duration,
) -> Outcome {
    let hopeless = |reason: &str| Outcome::Hopeless { reason: reason.to_owned() };
    let Ok(url) = delivery.url.parse::<Url>() else { return hopeless("the callback's URL is not a URL") };
    let host = host(&url);
    let Some(request) = request(url, delivery, signed) else {
        return hopeless("the callback's headers cannot be written");
    };
    match tokio::time::timeout(timeout, client.send(request)).await {
        Ok(Ok(response)) => {
            let outcome = Outcome::of_answer(&host, response.status(), response.retry_after());
            drain(response).await;
            outcome
        }
        Ok(Err(error)) => Outcome::of_error(&host, &error),
        Err(_) => {
            let reason = format!("{host} did not answer within {} s", timeout.as_secs_f64());
            Outcome::Away { reason, after: None }
        }
    }
}

/// Host and port, which is as much of a URL as is told.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn request(url: Url, delivery: &ClaimedDelivery, signed: Signed) -> Option<Request> {
    let id = delivery.scan.to_string();
    let mut request = Request::new(Method::POST, url)
        .header(CONTENT_TYPE, HeaderValue::from_static(event::CONTENT_TYPE))
        .header(HeaderName::from_static("webhook-id"), HeaderValue::try_from(id).ok()?)
        .header(HeaderName::from_static("webhook-timestamp"), signed.seconds.into())
        .header(HeaderName::from_static("webhook-signature"), HeaderValue::try_from(signed.signature).ok()?);
    let mut trace = BTreeMap::new();
    plimsoll_telemetry::inject(&mut trace);
    for (name, value) in trace {
        request = request.header(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some(request.body(signed.body))
}

async fn drain(response: Response) {
    // The status is the answer, whatever becomes of the rest.
    drop(tokio::time::timeout(DRAIN, response.bytes_capped(MAX_ANSWER)).await);
}
