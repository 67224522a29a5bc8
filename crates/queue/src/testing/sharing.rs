//! Promises to several who publish and receive at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{
    PATIENCE, QUIET, RESULTS, Service, ack, assert_nothing_comes, bodies, hold, hold_one, numbered, publish,
};
use crate::{Depth, Message, Queue};

/// The queue compares nothing: who publishes twice is heard twice, and may acknowledge both.
pub async fn duplicates_are_delivered_twice(service: Arc<Service>) {
    let queue = service.connect().await;
    publish(&*queue, vec![Message::new("twice")]).await;
    publish(&*queue, vec![Message::new("twice")]).await;
    let held = hold(&*queue, 2).await;
    assert_eq!(bodies(held.iter().map(|delivery| &delivery.message)), [("twice".into(), 2)].into());
    ack(held).await;
    assert_nothing_comes(&*queue, QUIET).await;
}

/// While one holds a message, no other gets it; and all messages are held by somebody.
pub async fn consumers_share_without_overlap(service: Arc<Service>) {
    const COUNT: u32 = 200;
    let (one, other) = (service.connect().await, service.connect().await);
    publish(&*one, numbered(0..COUNT)).await;
    let (start, mut held) = (Instant::now(), Vec::new());
    while held.len() < COUNT as usize {
        assert!(start.elapsed() < PATIENCE, "{} messages came", held.len());
        let wait = Duration::from_secs(1);
        let (left, right) = tokio::join!(one.receive(&RESULTS, 7, wait), other.receive(&RESULTS, 7, wait));
        held.extend(left.expect("it answers"));
        held.extend(right.expect("it answers"));
    }
    assert_eq!(bodies(held.iter().map(|delivery| &delivery.message)), bodies(&numbered(0..COUNT)));
    ack(held).await;
}

/// What one did not ask for is there for another; asking for none gives none.
pub async fn nobody_holds_more_than_was_asked_for(service: Arc<Service>) {
    let (one, other) = (service.connect().await, service.connect().await);
    publish(&*one, numbered(0..10)).await;
    let none = one.receive(&RESULTS, 0, PATIENCE).await.expect("it answers");
    assert!(none.is_empty(), "{none:?}");
    let held = hold(&*one, 3).await;
    let rest = hold(&*other, 7).await;
    assert_nothing_comes(&*one, QUIET).await;
    ack(held).await;
    ack(rest).await;
}

/// Waits until the depth is as expected: on some backends it trails.
async fn depth_becomes(queue: &dyn Queue, expected: &str, is: impl Fn(Depth) -> bool) {
    let start = Instant::now();
    loop {
        let depth = queue.depth(&RESULTS).await.expect("the depth is known");
        if is(depth) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{depth:?} should be {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ready are those to be had; something is leased exactly while somebody holds something.
pub async fn depth_tells_ready_from_leased(service: Arc<Service>) {
    let queue = service.connect().await;
    depth_becomes(&*queue, "empty", |depth| depth == Depth::default()).await;
    publish(&*queue, numbered(0..5)).await;
    depth_becomes(&*queue, "5 ready", |depth| depth == Depth { ready: 5, leased: 0 }).await;
    let held = hold(&*queue, 2).await;
    depth_becomes(&*queue, "3 ready, some leased", |depth| depth.ready == 3 && depth.leased > 0).await;
    ack(held).await;
    depth_becomes(&*queue, "3 ready", |depth| depth == Depth { ready: 3, leased: 0 }).await;
    // Whoever only waits holds nothing.
    ack(hold(&*queue, 3).await).await;
    let waiting = queue.receive(&RESULTS, 1, Duration::from_secs(2));
    let looking = depth_becomes(&*queue, "empty", |depth| depth == Depth::default());
    let (came, ()) = tokio::join!(waiting, looking);
    assert!(came.expect("it answers").is_empty());
}

/// A receiver that gives up at any moment takes nothing with it.
pub async fn a_dropped_receive_loses_nothing(service: Arc<Service>) {
    const COUNT: u32 = 30;
    let (queue, publisher) = (service.connect_with(super::SHORT_LEASE).await, service.connect().await);
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..COUNT {
        publish(&*publisher, numbered(n..n + 1)).await;
        let patience = Duration::from_micros(u64::from(n) * 400);
        let receiving = queue.receive(&RESULTS, 1, Duration::from_secs(1));
        if let Ok(came) = tokio::time::timeout(patience, receiving).await {
            for delivery in came.expect("it answers") {
                seen.insert(delivery.message.body.clone());
                delivery.ack().await.expect("it is ours");
            }
        }
    }
    let start = Instant::now();
    while seen.len() < COUNT as usize {
        assert!(start.elapsed() < PATIENCE, "{} of {COUNT} came", seen.len());
        let delivery = hold_one(&*queue).await;
        seen.insert(delivery.message.body.clone());
        delivery.ack().await.expect("it is ours");
    }
}
