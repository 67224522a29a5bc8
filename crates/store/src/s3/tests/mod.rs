//! What a server can do to a store. What it should do is in the contract suite.

mod server;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use plimsoll_types::{Digest, Retry};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::parts::PART;
use super::*;
use server::{Server, Trouble};

fn key() -> Key {
    Key::Snapshot(Digest::from_bytes([1; 32]))
}

fn options() -> S3Options {
    S3Options { endpoint: Some("http://server".into()), ..S3Options::default() }
}

async fn open(server: &Server) -> Result<S3Store, Error> {
    S3Store::open_with("s3://bucket/p", options(), server.way()).await
}

/// Trouble with one operation on anything but `format`, at the first so many attempts.
fn trouble(
    with: &'static str,
    times: usize,
    trouble: Trouble,
) -> impl Fn(&str, &str, usize) -> Option<Trouble> + Send + Sync {
    move |operation, name, tried| {
        (operation == with && tried < times && !name.ends_with("format")).then_some(trouble)
    }
}

fn no_trouble(_: &str, _: &str, _: usize) -> Option<Trouble> {
    None
}

fn large(size: usize) -> Body {
    Body::reader(tokio::io::repeat(7).take(size as u64), Some(size as u64))
}

#[tokio::test(start_paused = true)]
async fn a_put_whose_reply_was_lost_is_success() {
    let (server, _) = Server::new(trouble("put", 1, Trouble::LoseReply));
    let store = open(&server).await.unwrap();
    assert_eq!(store.put_if_absent(&key(), "whole".into()).await.unwrap(), Put::Existed);
    assert_eq!(store.get(&key(), None).await.unwrap().as_deref(), Some(&b"whole"[..]));
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_last_reply_was_lost_is_success() {
    let (server, _) = Server::new(trouble("complete", 1, Trouble::LoseReply));
    let store = open(&server).await.unwrap();
    assert_eq!(store.put_if_absent(&key(), large(PART + 1)).await.unwrap(), Put::Existed);
    assert!(store.get(&key(), None).await.unwrap().is_some_and(|bytes| bytes.len() == PART + 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_the_condition_is_refused() {
    for (request, ignoring) in [
        ("put", Trouble::IgnoreCondition),
        ("complete", Trouble::IgnoreCondition),
        ("put", Trouble::Refuse(501, "NotImplemented")),
    ] {
        let (server, _) = Server::new(move |operation, _, _| (operation == request).then_some(ignoring));
        let error = open(&server).await.unwrap_err();
        assert!(matches!(error, Error::Unconditional { .. }), "{request}: {error}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_is_opened_again_and_one_of_another_format_is_refused() {
    let (server, _) = Server::new(no_trouble);
    open(&server).await.unwrap();
    open(&server).await.unwrap();
    server.hold("p/format", b"plimsoll store 2\n");
    let message = open(&server).await.unwrap_err().to_string();
    assert!(message.contains("s3://bucket/p/format") && message.contains("plimsoll store 2"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn failures_say_what_to_do_and_when_to_try_again() {
    let seven = Some(Duration::from_secs(7));
    for (refusal, retry, said) in [
        (Trouble::Refuse(503, "SlowDown"), Retry::After(seven), "503 SlowDown"),
        (Trouble::Refuse(429, "TooManyRequests"), Retry::After(None), "429"),
        (Trouble::Refuse(500, "InternalError"), Retry::After(None), "so it is"),
        (Trouble::Refuse(403, "AccessDenied"), Retry::Never, "s3:PutObject"),
        (Trouble::Refuse(403, "ExpiredToken"), Retry::Never, "AWS_SESSION_TOKEN"),
        (Trouble::Refuse(404, "NoSuchBucket"), Retry::Never, "make the bucket"),
        (Trouble::Refuse(400, "InvalidRequest"), Retry::Never, "InvalidRequest"),
        (Trouble::LoseReply, Retry::After(None), "connection reset"),
        (Trouble::HangUp, Retry::After(None), "connection closed"),
    ] {
        let (server, _) = Server::new(trouble("get", usize::MAX, refusal));
        let store = open(&server).await.unwrap();
        let error = store.get(&key(), None).await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains("s3://bucket/p/snapshots/01") && message.contains(said), "{message}");
        assert_eq!(error.retry(), retry, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_over_in_seconds_is_not_seen() {
    let (server, _) = Server::new(trouble("put", 2, Trouble::Refuse(503, "SlowDown")));
    let store = open(&server).await.unwrap();
    assert_eq!(store.put_if_absent(&key(), "x".into()).await.unwrap(), Put::Created);
}

#[tokio::test(start_paused = true)]
async fn writers_that_meet_try_again() {
    let (server, _) = Server::new(trouble("put", 2, Trouble::Refuse(409, "ConditionalRequestConflict")));
    let store = open(&server).await.unwrap();
    assert_eq!(store.put_if_absent(&key(), "x".into()).await.unwrap(), Put::Created);

    for request in ["put", "complete"] {
        let conflict = Trouble::Refuse(409, "ConditionalRequestConflict");
        let (server, _) = Server::new(trouble(request, usize::MAX, conflict));
        let store = open(&server).await.unwrap();
        let size = if request == "put" { 1 } else { PART + 1 };
        let error = store.put_if_absent(&key(), large(size)).await.unwrap_err();
        assert_eq!(error.retry(), Retry::After(None), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_fails_is_given_up() {
    let (server, mut seen) = Server::new(no_trouble);
    let store = open(&server).await.unwrap();
    while seen.try_recv().is_ok() {}
    let late = Body::reader(tokio::io::repeat(7).take(PART as u64 + 9), Some(PART as u64 + 10));
    store.put_if_absent(&key(), late).await.unwrap_err();
    assert_eq!(seen.recv().await, Some("head"), "no part is sent before the size is known to be wrong");

    let later = Body::reader(tokio::io::repeat(7).take(2 * PART as u64 + 9), Some(2 * PART as u64 + 10));
    store.put_if_absent(&key(), later).await.unwrap_err();
    for operation in ["head", "begin", "part", "part", "abort"] {
        assert_eq!(seen.recv().await, Some(operation));
    }
    assert!(store.head(&key()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn encryption_is_asked_for_with_every_object() {
    let (server, _) = Server::new(no_trouble);
    let store = S3Store::open_with("s3://bucket/p?encryption=aws:kms", options(), server.way());
    store.await.unwrap();
    assert_eq!(server.encrypted(), ["begin", "put"]);
    let (server, _) = Server::new(no_trouble);
    open(&server).await.unwrap();
    assert_eq!(server.encrypted(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_more_than_the_range_is_understood() {
    let (server, _) = Server::new(no_trouble);
    let store = open(&server).await.unwrap();
    store.put_if_absent(&key(), "0123456789".into()).await.unwrap();
    assert_eq!(store.get(&key(), Some(3..5)).await.unwrap().as_deref(), Some(&b"34"[..]));
    assert_eq!(store.get(&key(), Some(8..u64::MAX)).await.unwrap().as_deref(), Some(&b"89"[..]));
}

/// Endless zeros that know how many were taken, and how many of them the server had by then.
struct Watched {
    server: Server,
    left: u64,
    taken: u64,
    furthest: Arc<AtomicU64>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = (to.remaining() as u64).min(self.left);
        to.initialize_unfilled_to(most as usize);
        to.advance(most as usize);
        self.left -= most;
        self.taken += most;
        self.furthest.fetch_max(self.taken.saturating_sub(self.server.sent()), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_two_parts_are_in_memory() {
    let (server, _) = Server::new(no_trouble);
    let store = open(&server).await.unwrap();
    let furthest = Arc::new(AtomicU64::new(0));
    let (server, left) = (server.clone(), 6 * PART as u64 + 1);
    let body = Watched { server, left, taken: 0, furthest: Arc::clone(&furthest) };
    assert_eq!(store.put_if_absent(&key(), Body::reader(body, None)).await.unwrap(), Put::Created);
    assert_eq!(store.get(&key(), None).await.unwrap().unwrap().len() as u64, left);
    let furthest = furthest.load(Ordering::Relaxed);
    assert!(furthest <= 2 * PART as u64, "{furthest} bytes were read and not sent");
}
