//! What an inbox promises.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{LONG_LEASE, PATIENCE, QUIET, SHORT_LEASE};
use crate::{Delivery, Error, Inbox};

type Future<T> = Pin<Box<dyn std::future::Future<Output = T> + Send>>;

/// Opens a handle with leases of a certain length.
type Connect = dyn Fn(Duration) -> Future<Result<Arc<dyn Inbox>, Error>> + Send + Sync;

/// Puts texts in, as those who fill the inbox do.
type Put = dyn Fn(Vec<String>) -> Future<()> + Send + Sync;

/// One inbox, which no other test uses, and how to get at it from both sides.
pub struct InboxService {
    connect: Box<Connect>,
    put: Box<Put>,
}

impl InboxService {
    /// `connect` opens another handle, with leases of the length given; `put` fills the inbox.
    pub fn new<C, F, P, G>(connect: C, put: P) -> Self
    where
        C: Fn(Duration) -> F + Send + Sync + 'static,
        F: std::future::Future<Output = Result<Arc<dyn Inbox>, Error>> + Send + 'static,
        P: Fn(Vec<String>) -> G + Send + Sync + 'static,
        G: std::future::Future<Output = ()> + Send + 'static,
    {
        Self {
            connect: Box::new(move |lease| Box::pin(connect(lease))),
            put: Box::new(move |texts| Box::pin(put(texts))),
        }
    }

    async fn connect(&self, lease: Duration) -> Arc<dyn Inbox> {
        (self.connect)(lease).await.expect("the inbox can be reached")
    }

    /// An inbox with one message.
    async fn with_one(&self, lease: Duration) -> Arc<dyn Inbox> {
        let inbox = self.connect(lease).await;
        inbox.check().await.expect("it is there");
        (self.put)(vec![TEXT.to_owned()]).await;
        inbox
    }
}

/// What somebody else may write.
const TEXT: &str = "{\"detail-type\": \"größer & <kleiner>\"}";

/// Runs one promise against an inbox. Says so if there is none.
pub async fn run_inbox<P, F>(service: Result<InboxService, String>, promise: P)
where
    P: FnOnce(InboxService) -> F,
    F: std::future::Future<Output = ()>,
{
    match service {
        Ok(service) => promise(service).await,
        Err(why) => println!("skipped: {why}"),
    }
}

async fn one(inbox: &dyn Inbox) -> Delivery {
    let came = inbox.receive(1, PATIENCE).await.expect("it answers");
    came.into_iter().next().expect("a message comes")
}

async fn none(inbox: &dyn Inbox) {
    let came = inbox.receive(10, QUIET).await.expect("it answers");
    assert!(came.is_empty(), "nothing should come: {came:?}");
}

fn text(delivery: &Delivery) -> &str {
    std::str::from_utf8(&delivery.message.body).expect("text")
}

/// The text is the body, byte for byte, and all of many messages come.
pub async fn what_others_wrote_comes_as_they_wrote_it(service: InboxService) {
    let inbox = service.connect(LONG_LEASE).await;
    inbox.check().await.expect("it is there");
    let texts: Vec<String> = (0..25).map(|n| format!("{TEXT} {n}")).collect();
    (service.put)(texts.clone()).await;
    let (mut came, began) = (Vec::new(), Instant::now());
    while came.len() < texts.len() {
        assert!(began.elapsed() < PATIENCE, "{} of {} came", came.len(), texts.len());
        for delivery in inbox.receive(10, Duration::from_secs(1)).await.expect("it answers") {
            came.push(text(&delivery).to_owned());
            delivery.ack().await.expect("it is ours");
        }
    }
    came.sort_by_key(|text| texts.iter().position(|sent| sent == text));
    assert_eq!(came, texts);
}

/// Acknowledged is gone.
pub async fn a_message_that_was_dealt_with_is_gone(service: InboxService) {
    let inbox = service.with_one(SHORT_LEASE).await;
    one(&*inbox).await.ack().await.expect("it is ours");
    tokio::time::sleep(SHORT_LEASE + QUIET).await;
    none(&*inbox).await;
}

/// A holder that dies keeps nothing, and neither does one that gives up.
pub async fn a_message_nobody_finished_comes_back(service: InboxService) {
    let inbox = service.with_one(SHORT_LEASE).await;
    drop(one(&*inbox).await);
    let again = one(&*inbox).await;
    assert!(again.redelivered);
    // Nobody settles this one, and nobody lets it go.
    std::mem::forget(again);
    assert_eq!(text(&one(&*inbox).await), TEXT);
}

/// A heartbeat holds a message beyond its lease.
pub async fn extending_keeps_a_message_of_others_away(service: InboxService) {
    let inbox = service.with_one(SHORT_LEASE).await;
    let held = one(&*inbox).await;
    held.extend(LONG_LEASE).await.expect("it is ours");
    tokio::time::sleep(SHORT_LEASE + QUIET).await;
    none(&*inbox).await;
    held.ack().await.expect("it is still ours");
}

/// Put off is away for the delay, and then there.
pub async fn a_message_can_be_put_off(service: InboxService) {
    let inbox = service.with_one(LONG_LEASE).await;
    let (began, delay) = (Instant::now(), Duration::from_secs(1));
    one(&*inbox).await.retry(delay).await.expect("it is ours");
    let again = one(&*inbox).await;
    // Clocks of two machines, or a service that counts in seconds.
    assert!(began.elapsed() > delay / 2, "{:?}", began.elapsed());
    again.ack().await.expect("it is ours");
}

/// A letter is for people: its text is what was written, its reason stands beside it.
pub async fn what_is_put_aside_is_kept_as_it_was_with_its_reason(service: InboxService) {
    let inbox = service.with_one(LONG_LEASE).await;
    one(&*inbox).await.dead_letter("no digest\nat all").await.expect("it is ours");
    none(&*inbox).await;
    let dead = inbox.receive_dead(1, PATIENCE).await.expect("it answers").pop().expect("a dead letter");
    assert_eq!((text(&dead), dead.message.dead_letter_reason()), (TEXT, Some("no digest at all")));
    dead.ack().await.expect("it is ours");
}

/// Whoever has mended what was wrong gets the message again, without the reason.
pub async fn what_was_put_aside_can_be_put_back(service: InboxService) {
    let inbox = service.with_one(LONG_LEASE).await;
    one(&*inbox).await.dead_letter("not yet").await.expect("it is ours");
    let dead = inbox.receive_dead(1, PATIENCE).await.expect("it answers").pop().expect("a dead letter");
    dead.retry(Duration::ZERO).await.expect("it is ours");
    let again = one(&*inbox).await;
    assert_eq!((text(&again), again.message.dead_letter_reason()), (TEXT, None));
    again.ack().await.expect("it is ours");
}

/// The depth counts what is there, sooner or later.
pub async fn an_inbox_tells_how_much_lies_there(service: InboxService) {
    let inbox = service.with_one(LONG_LEASE).await;
    let began = Instant::now();
    while inbox.depth().await.expect("it answers").ready != 1 {
        assert!(began.elapsed() < PATIENCE, "it counts one message");
        tokio::time::sleep(QUIET).await;
    }
}
