//! Promises about getting messages from here to there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plimsoll_types::Lane;
use tokio::time::Instant;

use super::{
    LONG_LEASE, PATIENCE, QUIET, RESULTS, Service, ack, assert_nothing_comes, bodies, hold, hold_one,
    numbered, publish,
};
use crate::{Channel, Error, MAX_MESSAGE_BYTES, Message};

/// Every body comes back as it was, whatever its bytes, and none at all is one too.
pub async fn what_is_published_is_received(service: Arc<Service>) {
    let queue = service.connect().await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let messages = vec![Message::new("text"), Message::new(all_bytes), Message::new("")];
    publish(&*queue, messages.clone()).await;
    let held = hold(&*queue, 3).await;
    assert!(held.iter().all(|delivery| !delivery.redelivered), "nobody held them before: {held:?}");
    assert_eq!(bodies(held.iter().map(|delivery| &delivery.message)), bodies(&messages));
    ack(held).await;
}

/// Headers come back as they were, also more than the ten attributes of SQS.
pub async fn headers_come_back(service: Arc<Service>) {
    let queue = service.connect().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut message = Message::new("body")
        .with_header("lane", Lane::Push.as_str())
        .with_header("traceparent", trace)
        .with_header("tracestate", "vendor=\"a\\b\", other=~")
        .with_header("empty", "");
    for n in 0..12 {
        message = message.with_header(format!("Header_{n}.x"), n.to_string());
    }
    publish(&*queue, vec![message.clone()]).await;
    let delivery = hold_one(&*queue).await;
    assert_eq!(delivery.message, message);
    delivery.ack().await.expect("it is ours");
}

/// The bound is exact, and a message over it stops the whole call before anything is sent: even a handle that can
/// send nothing any more says so.
pub async fn a_message_at_the_bound_is_carried_and_one_above_is_refused_unsent(service: Arc<Service>) {
    let queue = service.connect().await;
    let at_the_bound = Message::new(vec![0xff; MAX_MESSAGE_BYTES - 4]).with_header("ab", "cd");
    publish(&*queue, vec![at_the_bound.clone()]).await;
    let delivery = hold_one(&*queue).await;
    assert_eq!(delivery.message, at_the_bound);
    delivery.ack().await.expect("it is ours");

    let above = Message::new(vec![0; MAX_MESSAGE_BYTES + 1]);
    let both = vec![Message::new("small"), above];
    let error = queue.publish(&RESULTS, both.clone()).await.expect_err("it is refused");
    assert!(matches!(error, Error::TooLarge { size } if size == MAX_MESSAGE_BYTES + 1), "{error}");
    assert_nothing_comes(&*queue, QUIET).await;
    queue.close().await;
    let error = queue.publish(&RESULTS, both).await.expect_err("it is refused");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// Lanes and kinds are apart.
pub async fn channels_do_not_mix(service: Arc<Service>) {
    let queue = service.connect().await;
    let channels: Vec<Channel> = Lane::ALL.iter().copied().map(Channel::layers).chain([RESULTS]).collect();
    for channel in &channels {
        queue.publish(channel, vec![Message::new(channel.to_string())]).await.expect("it is published");
    }
    for channel in &channels {
        let mut came = queue.receive(channel, 10, PATIENCE).await.expect("it answers");
        let delivery = came.pop().expect("its message comes");
        assert_eq!(delivery.message, Message::new(channel.to_string()));
        assert!(came.is_empty(), "{came:?}");
        delivery.ack().await.expect("it is ours");
    }
}

/// Nothing is an answer, not before the time to wait is over.
pub async fn an_idle_receive_answers_with_none(service: Arc<Service>) {
    let queue = service.connect().await;
    assert_nothing_comes(&*queue, Duration::ZERO).await;
    let start = Instant::now();
    assert_nothing_comes(&*queue, Duration::from_secs(1)).await;
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
}

/// Whoever waits gets a message when it is published, not when the time to wait is over.
pub async fn a_waiting_receive_is_woken(service: Arc<Service>) {
    let (waiting, publishing) = (service.connect().await, service.connect().await);
    // Once, so that queues and connections are there.
    assert_nothing_comes(&*waiting, Duration::ZERO).await;
    let waiter = async {
        let came = waiting.receive(&RESULTS, 10, PATIENCE).await.expect("it answers");
        ack(came).await;
    };
    let start = Instant::now();
    // In one task, so that the receiver is polled, and waits, before the publisher.
    let ((), ()) = tokio::join!(waiter, publish(&*publishing, numbered(0..1)));
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
}

/// Ten thousand messages, in one call, all confirmed, all received once.
pub async fn ten_thousand_messages_in_flight_all_arrive(service: Arc<Service>) {
    const COUNT: usize = 10_000;
    let queue = service.connect().await;
    let start = Instant::now();
    publish(&*queue, numbered(0..COUNT as u32)).await;
    let published = start.elapsed();
    let arrived = Arc::new(AtomicUsize::new(0));
    let receivers = (0..4).map(|_| {
        let (service, arrived) = (Arc::clone(&service), Arc::clone(&arrived));
        tokio::spawn(async move {
            let queue = service.connect_with(LONG_LEASE).await;
            let mut got = Vec::new();
            while arrived.load(Ordering::Relaxed) < COUNT && start.elapsed() < 4 * PATIENCE {
                let came = queue.receive(&RESULTS, 500, Duration::from_secs(1)).await.expect("it answers");
                arrived.fetch_add(came.len(), Ordering::Relaxed);
                got.extend(came.iter().map(|delivery| delivery.message.clone()));
                let acks: Vec<_> = came.into_iter().map(|one| tokio::spawn(one.ack())).collect();
                for ack in acks {
                    ack.await.expect("the task ends").expect("it is ours");
                }
            }
            got
        })
    });
    let mut got = Vec::new();
    for receiver in receivers.collect::<Vec<_>>() {
        got.extend(receiver.await.expect("the receiver ends"));
    }
    println!("published in {published:?}, received in {:?}", start.elapsed().saturating_sub(published));
    assert_eq!(got.len(), COUNT);
    assert_eq!(bodies(&got).len(), COUNT, "each came once");
}
