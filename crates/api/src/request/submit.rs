//! A message that asks for a scan.

use axum::http::Uri;
use plimsoll_proto::v1;
use plimsoll_types::{BlindKind, Digest, Lane, Platform, ScanRequest, Tenant};
use tonic::Status;

use super::{Violations, digest, reference};

/// The longest a scan may be given to be answered: 30 days.
const LONGEST: i64 = 30 * 24 * 3600 * 1000;

/// The request of `message`, as `tenant` asks for it at `now`.
pub(crate) fn scan_request(
    message: v1::SubmitScanRequest,
    tenant: Tenant,
    now: i64,
) -> Result<ScanRequest, Status> {
    let mut violations = Violations::default();
    too_many(&message, &mut violations);
    if !violations.0.is_empty() {
        // What is too long is not looked at one by one.
        return violations.finish(ScanRequest::default());
    }
    let policy = violations.check("policy_digest", digest(&message.policy_digest));
    if message.labels.contains_key("") {
        violations.add("labels", "a key is empty");
    }
    let request = ScanRequest {
        tenant,
        reference: violations.check("reference", reference(&message.reference)),
        platforms: platforms(&message.platforms, &mut violations),
        policy,
        allowlists: allowlists(&message.allowlist_digests, &mut violations),
        allow_blind: kinds(&message.allow_blind, &mut violations),
        lane: violations.check("lane", lane(message.lane)),
        deadline: violations.check("answer_within", deadline(message.answer_within, now)),
        callback: violations.check("callback_url", callback(message.callback_url)),
        idempotency_key: some(message.idempotency_key),
        labels: message.labels,
        credential: some(message.credential),
        plain_http: message.plain_http,
    };
    if violations.0.is_empty()
        && let Err(error) = request.check()
    {
        violations.add("request", error.to_string());
    }
    violations.finish(request)
}

fn too_many(message: &v1::SubmitScanRequest, violations: &mut Violations) {
    let max = ScanRequest::MAX_ITEMS;
    for (field, len) in [
        ("platforms", message.platforms.len()),
        ("allowlist_digests", message.allowlist_digests.len()),
        ("allow_blind", message.allow_blind.len()),
        ("labels", message.labels.len()),
    ] {
        if len > max {
            violations.add(field, format!("has {len} items; {max} is the most"));
        }
    }
}

fn platforms(texts: &[String], violations: &mut Violations) -> Vec<Platform> {
    let mut platforms = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        match text.parse::<Platform>() {
            Ok(platform) if platforms.contains(&platform) => {}
            Ok(platform) => platforms.push(platform),
            Err(error) => violations.add(format!("platforms[{place}]"), error.to_string()),
        }
    }
    platforms
}

fn allowlists(texts: &[String], violations: &mut Violations) -> Vec<Digest> {
    let mut digests = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        match digest(text) {
            Ok(Some(digest)) => digests.push(digest),
            Ok(None) => violations.add(format!("allowlist_digests[{place}]"), "is empty"),
            Err(error) => violations.add(format!("allowlist_digests[{place}]"), error),
        }
    }
    digests
}

fn kinds(texts: &[String], violations: &mut Violations) -> Vec<BlindKind> {
    let mut kinds = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        let Some(kind) = BlindKind::ALL.iter().find(|kind| kind.as_str() == text) else {
            let known: Vec<_> = BlindKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let why = format!("is no kind of blind spot; the kinds are {}", known.join(", "));
            violations.add(format!("allow_blind[{place}]"), why);
            continue;
        };
        kinds.push(*kind);
    }
    kinds
}

fn lane(number: i32) -> Result<Lane, String> {
    match v1::Lane::try_from(number) {
        Ok(v1::Lane::Unspecified) => Ok(Lane::default()),
        Ok(v1::Lane::Interactive) => Ok(Lane::Interactive),
        Ok(v1::Lane::Push) => Ok(Lane::Push),
        Ok(v1::Lane::Backfill) => Ok(Lane::Backfill),
        Err(_) => Err(format!("is {number}, which is no lane")),
    }
}

fn deadline(within: Option<v1::Duration>, now: i64) -> Result<Option<i64>, &'static str> {
    let Some(within) = within else { return Ok(None) };
    let millis =
        within.seconds.checked_mul(1000).and_then(|ms| ms.checked_add(i64::from(within.nanos) / 1_000_000));
    match millis {
        Some(millis) if (1..=LONGEST).contains(&millis) => Ok(Some(now.saturating_add(millis))),
        _ => Err("is not from 1 ms to 30 days"),
    }
}

/// A URL a verdict can be posted to. Whether its address may be connected to is decided when it is.
fn callback(url: String) -> Result<Option<String>, &'static str> {
    if url.is_empty() {
        return Ok(None);
    }
    let uri: Uri = url.parse().map_err(|_| "is not a URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("is neither http nor https");
    }
    let authority = uri.authority().ok_or("names no host")?;
    if authority.host().is_empty() {
        return Err("names no host");
    }
    if authority.as_str().contains('@') {
        return Err("holds credentials; callbacks are signed, so the receiver needs none");
    }
    if url.contains('#') {
        return Err("holds a fragment, which is never sent; leave it out");
    }
    Ok(Some(url))
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
