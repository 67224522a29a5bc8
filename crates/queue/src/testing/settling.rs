//! Promises about what a holder does with a message.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{
    PATIENCE, QUIET, RESULTS, SHORT_LEASE, Service, assert_nothing_comes, hold_dead, hold_one, numbered,
    publish,
};
use crate::{Delivery, LeaseEnd, Message, Queue};

async fn one_in_hand(queue: &dyn Queue) -> Delivery {
    publish(queue, vec![Message::new("job").with_header("lane", "push")]).await;
    hold_one(queue).await
}

/// Also after the lease would have ended, and for a holder that comes later.
pub async fn an_acknowledged_message_is_gone(service: Arc<Service>) {
    let queue = service.connect_with(SHORT_LEASE).await;
    one_in_hand(&*queue).await.ack().await.expect("it is ours");
    assert_nothing_comes(&*queue, 2 * SHORT_LEASE).await;
    queue.close().await;
    let later = service.connect().await;
    assert_nothing_comes(&*later, QUIET).await;
}

/// Long before the lease would have ended.
pub async fn a_dropped_delivery_comes_back_at_once(service: Arc<Service>) {
    let queue = service.connect().await;
    drop(one_in_hand(&*queue).await);
    let again = hold_one(&*queue).await;
    assert!(again.redelivered);
    again.ack().await.expect("it is ours");
}

/// Not before the delay, and soon after it.
pub async fn a_retried_message_comes_back_after_its_delay(service: Arc<Service>) {
    const DELAY: Duration = Duration::from_secs(1);
    let queue = service.connect().await;
    let delivery = one_in_hand(&*queue).await;
    let message = delivery.message.clone();
    // The delay runs from some instant of this call.
    let start = Instant::now();
    delivery.retry(DELAY).await.expect("it is ours");
    let again = hold_one(&*queue).await;
    let away = start.elapsed();
    assert!(away >= DELAY * 9 / 10 && away < DELAY * 10, "it was away for {away:?}");
    assert!(again.redelivered);
    assert_eq!(again.message, message);
    again.ack().await.expect("it is ours");
    assert_nothing_comes(&*queue, QUIET).await;
}

/// A delay of nothing is none.
pub async fn a_message_retried_without_delay_comes_back_at_once(service: Arc<Service>) {
    let queue = service.connect().await;
    one_in_hand(&*queue).await.retry(Duration::ZERO).await.expect("it is ours");
    let again = hold_one(&*queue).await;
    assert!(again.redelivered);
    again.ack().await.expect("it is ours");
}

/// Nobody receives it, and whoever looks at the dead letters reads why; once, if that is enough.
pub async fn a_dead_letter_is_kept_apart_with_its_reason(service: Arc<Service>) {
    let queue = service.connect().await;
    let delivery = one_in_hand(&*queue).await;
    let message = delivery.message.clone();
    delivery.dead_letter("the analyzer died 5 times").await.expect("it is ours");
    assert_nothing_comes(&*queue, QUIET).await;
    let dead = hold_dead(&*queue).await;
    assert_eq!(dead.message.dead_letter_reason(), Some("the analyzer died 5 times"));
    assert_eq!(
        (&dead.message.body, dead.message.headers.get("lane")),
        (&message.body, message.headers.get("lane"))
    );
    dead.ack().await.expect("it is ours");
    let none = queue.receive_dead(&RESULTS, 1, QUIET).await.expect("it answers");
    assert!(none.is_empty(), "{none:?}");
}

/// It goes back where it came from, as it was.
pub async fn a_dead_letter_can_be_revived(service: Arc<Service>) {
    let queue = service.connect().await;
    let delivery = one_in_hand(&*queue).await;
    let message = delivery.message.clone();
    delivery.dead_letter("a mistake").await.expect("it is ours");
    hold_dead(&*queue).await.retry(Duration::ZERO).await.expect("it is ours");
    let revived = hold_one(&*queue).await;
    assert_eq!(revived.message, message);
    revived.ack().await.expect("it is ours");
    let none = queue.receive_dead(&RESULTS, 1, QUIET).await.expect("it answers");
    assert!(none.is_empty(), "{none:?}");
}

/// For as long as was asked for, and no longer where there is a clock.
pub async fn extending_keeps_a_message_away(service: Arc<Service>) {
    let queue = service.connect_with(SHORT_LEASE).await;
    publish(&*queue, numbered(0..1)).await;
    let delivery = hold_one(&*queue).await;
    let start = Instant::now();
    delivery.extend(3 * SHORT_LEASE).await.expect("it is ours");
    assert_nothing_comes(&*queue, 2 * SHORT_LEASE).await;
    match queue.capabilities().lease {
        LeaseEnd::Connection => {
            delivery.extend(SHORT_LEASE).await.expect("it still is");
            delivery.ack().await.expect("it still is");
            assert_nothing_comes(&*queue, QUIET).await;
        }
        LeaseEnd::Clock(_) => {
            let came = queue.receive(&RESULTS, 1, PATIENCE).await.expect("it answers");
            assert!(start.elapsed() >= 3 * SHORT_LEASE * 9 / 10, "{:?}", start.elapsed());
            assert_eq!(came.len(), 1, "the lease ends when nobody extends it");
            super::ack(came).await;
        }
    }
}
