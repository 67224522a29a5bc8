//! Webhooks as those meet them who send some.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_api::Config;
use plimsoll_state::{ScanFilter, State};
use plimsoll_trigger::{Observer, Outcome, Submitter, Webhooks};
use plimsoll_types::Tenant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Running, localhost, start_as};

const SECRET: &str = "a-secret-of-the-harbour";

const CONFIGURATION: &str = "webhooks: [{source: harbor, registry: r.io, secret_file: secret}]";

const PUSH: &str = r#"{"type":"PUSH_ARTIFACT","occur_at":1772352000,"event_data":{"resources":[{"digest":
"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","tag":"1"}],"repository":{"repo_full_name":
"harbour/app"}}}"#;

struct Nobody;

impl Observer for Nobody {
    fn count(&self, _: &'static str, _: Outcome) {}
    fn age(&self, _: &'static str, _: Duration) {}
}

fn webhooks(state: &Arc<dyn State>) -> Arc<Webhooks> {
    let submitter = Submitter::new(Arc::clone(state), Arc::default(), Arc::new(|| 1), Arc::new(Nobody));
    let webhooks = Webhooks::parse(CONFIGURATION, |_| Ok(SECRET.to_owned()), Arc::new(submitter));
    Arc::new(webhooks.expect("a configuration"))
}

async fn server() -> (Running, SocketAddr) {
    let server = start_as(Config { http: Some(localhost()), ..Config::new(localhost()) }, |state| {
        Some(webhooks(state))
    })
    .await;
    let http = server.http.expect("an address");
    (server, http)
}

/// A connection on which the head of a request was sent.
async fn head(http: SocketAddr, path: &str, secret: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(http).await.expect("it listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // What is cut off after the answer was given is no matter.
    let _cut = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

async fn post(http: SocketAddr, path: &str, secret: &str, body: &str) -> String {
    let mut stream = head(http, path, secret, body.len()).await;
    stream.write_all(body.as_bytes()).await.expect("it reads");
    answer(stream).await
}

async fn scans(server: &Running) -> usize {
    let all = server.state().list(&Tenant::default(), &ScanFilter::default(), None, 10).await;
    all.expect("it answers").len()
}

#[tokio::test]
async fn a_push_is_taken_and_once_however_often_it_is_sent() {
    let (server, http) = server().await;
    for said in
        ["submitted 1, duplicates 0, gone 0, ignored 0", "submitted 0, duplicates 1, gone 0, ignored 0"]
    {
        let answer = post(http, "/webhooks/harbor", SECRET, PUSH).await;
        assert!(answer.starts_with("HTTP/1.1 202") && answer.contains(said), "{answer}");
    }
    assert_eq!(scans(&server).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_turned_away_is_told_why() {
    let (server, http) = server().await;
    for (path, secret, body, status, said) in [
        ("/webhooks/harbor", "a-secret-of-the-harbor", PUSH, "401", "secret"),
        ("/webhooks/quay", SECRET, PUSH, "404", "harbor"),
        ("/webhooks/harbor", SECRET, "{}", "400", "type"),
        ("/webhooks/harbor/x", SECRET, PUSH, "404", ""),
    ] {
        let answer = post(http, path, secret, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(said),
            "{path}: {answer}"
        );
    }
    assert_eq!(scans(&server).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_stranger_is_answered_before_the_body_has_come() {
    let (server, http) = server().await;
    let stream = head(http, "/webhooks/harbor", "nobody-knows-this-one", 1 << 30).await;
    let answer = answer(stream).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_read_to_its_bound_and_no_further() {
    let (server, http) = server().await;
    let mut stream = head(http, "/webhooks/harbor", SECRET, 1 << 30).await;
    // As much as is taken; then the connection is closed.
    let piece = vec![b' '; 64 << 10];
    for _ in 0..=(Webhooks::MAX_BODY >> 16) {
        if stream.write_all(&piece).await.is_err() {
            break;
        }
    }
    let answer = answer(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(scans(&server).await, 0);
    server.stop().await;
}
