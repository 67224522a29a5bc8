//! Webhooks, over HTTP: what they say and who may say it is another crate's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt as _;
use plimsoll_trigger::{Receipt, Rejection, Webhooks};

/// The longest a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// When whoever was turned away for our sake may try again, in seconds.
const RETRY_AFTER: &str = "5";

/// `POST /webhooks/SOURCE`.
pub(crate) fn router(webhooks: Arc<Webhooks>) -> Router {
    Router::new().route("/webhooks/{source}", post(receive)).with_state(webhooks)
}

async fn receive(
    Shared(webhooks): Shared<Arc<Webhooks>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match take(&webhooks, &source, &headers, body).await {
        Ok(receipt) => accepted(receipt),
        Err(rejection) => rejected(&rejection),
    }
}

async fn take(
    webhooks: &Webhooks,
    source: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Receipt, Rejection> {
    // Nobody who shows nothing gets to send a body.
    let admission = webhooks.admit(source, headers)?;
    match tokio::time::timeout(PATIENCE, read(body)).await {
        Ok(Some(bytes)) if bytes.len() > Webhooks::MAX_BODY => Err(admission.too_large()),
        Ok(Some(bytes)) => admission.take(&bytes).await,
        Ok(None) | Err(_) => Err(admission.broken_off()),
    }
}

/// The body, or so much of it that it is too large; `None` if it breaks off.
async fn read(body: Body) -> Option<Vec<u8>> {
    let (mut bytes, mut chunks) = (Vec::new(), body.into_data_stream());
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.ok()?);
        if bytes.len() > Webhooks::MAX_BODY {
            break;
        }
    }
    Some(bytes)
}

/// All of it is durable.
fn accepted(receipt: Receipt) -> Response {
    let Receipt { submitted, duplicates, gone, ignored } = receipt;
    let text = format!("submitted {submitted}, duplicates {duplicates}, gone {gone}, ignored {ignored}\n");
    (StatusCode::ACCEPTED, text).into_response()
}

fn rejected(rejection: &Rejection) -> Response {
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = (status, format!("{}\n", rejection.told())).into_response();
    let (name, value) = match status {
        StatusCode::SERVICE_UNAVAILABLE => (header::RETRY_AFTER, RETRY_AFTER),
        StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer"),
        _ => return response,
    };
    response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    response
}
