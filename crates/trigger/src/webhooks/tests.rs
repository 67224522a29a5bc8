use plimsoll_http::header::HeaderMap;
use plimsoll_state::State;
use serde_json::json;

use super::*;
use crate::submitter::tests::{Tally, scans, submitter};

const SECRET: &str = "a-secret-of-the-harbour";
const OTHER: &str = "another-secret-of-ours";
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const CONFIGURATION: &str = "
webhooks:
  - {source: harbor, registry: a.r.io, secret_file: /one}
  - {source: harbor, registry: b.r.io, tenant: team-b, secret_file: /two}
  - {source: distribution, registry: c.r.io, signature: {secret_file: /one}}
  - {source: ecr, secret_file: /one}
";

fn read(file: &Path) -> std::io::Result<String> {
    match file.to_str() {
        Some("/one") => Ok(format!("{SECRET}\n")),
        Some("/two") => Ok(OTHER.to_owned()),
        Some("/short") => Ok("hunter2".to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    }
}

async fn webhooks() -> (Webhooks, Arc<dyn State>, Arc<Tally>) {
    let (submitter, state, tally) = submitter().await;
    (Webhooks::parse(CONFIGURATION, read, submitter).unwrap(), state, tally)
}

fn shown(secret: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", secret.parse().unwrap());
    headers
}

fn push() -> String {
    json!({"type": "PUSH_ARTIFACT", "occur_at": 1_772_352_000, "event_data": {
        "resources": [{"digest": DIGEST, "tag": "1"}], "repository": {"repo_full_name": "harbour/app"},
    }})
    .to_string()
}

async fn send(
    webhooks: &Webhooks,
    source: &str,
    headers: &HeaderMap,
    body: &str,
) -> Result<Receipt, Rejection> {
    webhooks.admit(source, headers)?.take(body.as_bytes()).await
}

#[tokio::test]
async fn the_secret_says_which_registry_and_which_tenant() {
    let (webhooks, state, _) = webhooks().await;
    assert_eq!(webhooks.names(), ["distribution", "ecr", "harbor"]);
    for secret in [SECRET, OTHER] {
        let receipt = send(&webhooks, "harbor", &shown(secret), &push()).await.unwrap();
        assert_eq!(receipt, Receipt { submitted: 1, ..Receipt::default() });
    }
    assert!(scans(&*state, "team-a").await[0].reference.starts_with("a.r.io/harbour/app:1@"));
    assert!(scans(&*state, "team-b").await[0].reference.starts_with("b.r.io/harbour/app:1@"));
}

#[tokio::test]
async fn a_webhook_that_is_sent_again_is_one_scan() {
    let (webhooks, state, _) = webhooks().await;
    for expected in
        [Receipt { submitted: 1, ..Receipt::default() }, Receipt { duplicates: 1, ..Receipt::default() }]
    {
        assert_eq!(send(&webhooks, "harbor", &shown(SECRET), &push()).await.unwrap(), expected);
    }
    assert_eq!(scans(&*state, "team-a").await.len(), 1);
}

#[tokio::test]
async fn strangers_are_turned_away_before_they_have_said_anything() {
    let (webhooks, state, tally) = webhooks().await;
    for headers in [HeaderMap::new(), shown("a-secret-of-the-harbor"), shown("")] {
        let rejected = webhooks.admit("harbor", &headers).err().expect("nobody knows this secret");
        assert_eq!(rejected.status(), 401);
    }
    let unknown = webhooks.admit("quay", &shown(SECRET)).err().expect("there is no such source");
    assert!(unknown.status() == 404 && unknown.told().contains("harbor"), "{unknown}");
    assert_eq!(tally.of(Outcome::Stranger), 4);
    assert!(scans(&*state, "team-a").await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_signed_by_somebody_else_is_turned_away() {
    let (webhooks, _, tally) = webhooks().await;
    let mut headers = shown(SECRET);
    assert_eq!(webhooks.admit("distribution", &headers).err().map(|it| it.status()), Some(401));
    headers.insert(SIGNATURE, "00".repeat(32).parse().unwrap());
    let rejected = send(&webhooks, "distribution", &headers, "{\"events\":[]}").await.unwrap_err();
    assert_eq!((rejected.status(), tally.of(Outcome::Stranger)), (401, 2));
}

#[tokio::test]
async fn what_is_no_event_is_told_why_and_nothing_of_it_is_submitted() {
    let (webhooks, state, tally) = webhooks().await;
    let half = push().replace(']', &format!(",{{\"digest\":\"{}\"}}]", &DIGEST[..60]));
    let large = " ".repeat(Webhooks::MAX_BODY + 1);
    for (body, status) in
        [("", 400), ("{\"type\":\"EXPLODE\"}", 400), (half.as_str(), 400), (large.as_str(), 413)]
    {
        let rejected = send(&webhooks, "harbor", &shown(SECRET), body).await.unwrap_err();
        assert_eq!(rejected.status(), status, "{rejected}");
    }
    assert_eq!(tally.of(Outcome::Malformed), 4);
    assert!(scans(&*state, "team-a").await.is_empty());
    assert!(send(&webhooks, "harbor", &shown(SECRET), &" ".repeat(Webhooks::MAX_BODY)).await.is_err());
}

#[tokio::test]
async fn what_is_nothing_to_us_is_taken_and_counted() {
    let (webhooks, _, tally) = webhooks().await;
    let receipt = send(&webhooks, "harbor", &shown(SECRET), "{\"type\":\"PULL_ARTIFACT\"}").await.unwrap();
    assert_eq!((receipt.ignored, tally.of(Outcome::Other)), (1, 1));
}

#[tokio::test]
async fn mistakes_of_a_configuration_are_named_and_no_secret_is() {
    let mistake = async |entry: &str| {
        let text = format!("webhooks:\n  - {entry}\n");
        Webhooks::parse(&text, read, submitter().await.0).err().map(|error| error.to_string())
    };
    for (entry, part) in [
        ("{source: quay, registry: r.io, secret_file: /one}", "harbor"),
        ("{source: harbor, secret_file: /one}", "registry"),
        ("{source: harbor, registry: harbor, secret_file: /one}", "HOST"),
        ("{source: harbor, registry: https://r.io, secret_file: /one}", "HOST"),
        ("{source: ecr, registry: r.io, secret_file: /one}", "say in which"),
        ("{source: harbor, registry: r.io}", "secret_file"),
        ("{source: harbor, registry: r.io, secret_file: /one, signature: {secret_file: /one}}", "either"),
        ("{source: harbor, registry: r.io, secret_file: /none}", "/none"),
        ("{source: harbor, registry: r.io, secret_file: /short}", "openssl"),
        ("{source: harbor, registry: r.io, signature: {secret_file: /one, header: \"a b\"}}", "header"),
        ("{source: harbor, registry: r.io, secret: x}", "secret"),
        ("{source: ecr, secret_file: /one}\n  - {source: ecr, signature: {secret_file: /one}}", "webhook 2"),
    ] {
        let said = mistake(entry).await.unwrap_or_else(|| panic!("{entry} is accepted"));
        assert!(said.contains(part) && !said.contains("hunter2"), "{entry}: {said}");
    }
    assert_eq!(mistake("{source: ecr, secret_file: /one}").await, None);
}
