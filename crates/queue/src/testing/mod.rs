//! The contract suite: what every backend promises, one function per promise.
//!
//! [`contract_tests!`](crate::contract_tests) turns them into tests of one backend. A backend that is a service runs
//! them against the real service.

mod carrying;
mod failing;
mod inbox;
mod service;
mod settling;
mod sharing;

pub use crate::{contract_tests, inbox_tests};
pub use carrying::*;
pub use failing::*;
pub use inbox::*;
pub use service::{Service, run};
pub use settling::*;
pub use sharing::*;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::{Channel, Delivery, Message, Queue};

/// Makes a module of tests, one per promise. `$service` is an expression that gives a `Result<Service, String>`: a
/// service with names of its own, or the reason why there is none, which skips the test. Needs tokio with `macros` and
/// `rt-multi-thread`.
///
/// One promise is left out: [`a_restarted_broker_loses_nothing`](crate::testing::a_restarted_broker_loses_nothing) would
/// disturb tests beside it, so it belongs into a test binary of its own.
#[macro_export]
macro_rules! contract_tests {
    ($module:ident, $service:expr) => {
        $crate::contract_tests!(@each $module, $service,
            what_is_published_is_received
            headers_come_back
            a_message_at_the_bound_is_carried_and_one_above_is_refused_unsent
            channels_do_not_mix
            an_idle_receive_answers_with_none
            a_waiting_receive_is_woken
            ten_thousand_messages_in_flight_all_arrive
            an_acknowledged_message_is_gone
            a_dropped_delivery_comes_back_at_once
            a_retried_message_comes_back_after_its_delay
            a_message_retried_without_delay_comes_back_at_once
            a_dead_letter_is_kept_apart_with_its_reason
            a_dead_letter_can_be_revived
            extending_keeps_a_message_away
            duplicates_are_delivered_twice
            consumers_share_without_overlap
            nobody_holds_more_than_was_asked_for
            depth_tells_ready_from_leased
            a_dropped_receive_loses_nothing
            a_dead_holder_gives_back
            a_closed_handle_says_so
        );
    };
    (@each $module:ident, $service:expr, $($promise:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    $crate::testing::run($service, $crate::testing::$promise).await;
                }
            )*
        }
    };
}

/// As [`contract_tests!`](crate::contract_tests), of what an [`crate::Inbox`] promises; `$service` gives a
/// `Result<InboxService, String>`.
#[macro_export]
macro_rules! inbox_tests {
    ($module:ident, $service:expr) => {
        $crate::inbox_tests!(@each $module, $service,
            what_others_wrote_comes_as_they_wrote_it
            a_message_that_was_dealt_with_is_gone
            a_message_nobody_finished_comes_back
            extending_keeps_a_message_of_others_away
            a_message_can_be_put_off
            what_is_put_aside_is_kept_as_it_was_with_its_reason
            what_was_put_aside_can_be_put_back
            an_inbox_tells_how_much_lies_there
        );
    };
    (@each $module:ident, $service:expr, $($promise:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    $crate::testing::run_inbox($service, $crate::testing::$promise).await;
                }
            )*
        }
    };
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a test looks for what must not come.
const QUIET: Duration = Duration::from_millis(300);

/// A lease that no test outlives.
const LONG_LEASE: Duration = Duration::from_secs(60);

/// A lease that a test can wait for. SQS has whole seconds.
const SHORT_LEASE: Duration = Duration::from_secs(1);

const RESULTS: Channel = Channel { kind: crate::Kind::Results, lane: None };

fn numbered(numbers: std::ops::Range<u32>) -> Vec<Message> {
    numbers.map(|n| Message::new(n.to_string().into_bytes())).collect()
}

/// How often each body is there.
fn bodies<'m>(messages: impl IntoIterator<Item = &'m Message>) -> BTreeMap<Bytes, usize> {
    let mut bodies = BTreeMap::new();
    for message in messages {
        *bodies.entry(message.body.clone()).or_default() += 1;
    }
    bodies
}

async fn publish(queue: &dyn Queue, messages: Vec<Message>) {
    queue.publish(&RESULTS, messages).await.expect("the messages are published");
}

/// Receives, and keeps, this many messages.
async fn hold(queue: &dyn Queue, count: usize) -> Vec<Delivery> {
    let (start, mut held) = (Instant::now(), Vec::new());
    while held.len() < count {
        assert!(start.elapsed() < PATIENCE, "{} of {count} messages came", held.len());
        let more = queue.receive(&RESULTS, count - held.len(), Duration::from_secs(1)).await;
        held.extend(more.expect("the queue answers"));
    }
    held
}

/// Receives one message.
async fn hold_one(queue: &dyn Queue) -> Delivery {
    hold(queue, 1).await.pop().expect("one message")
}

/// Receives one dead letter.
async fn hold_dead(queue: &dyn Queue) -> Delivery {
    let dead = queue.receive_dead(&RESULTS, 1, PATIENCE).await.expect("the queue answers");
    dead.into_iter().next().expect("a dead letter comes")
}

async fn ack(deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        delivery.ack().await.expect("the delivery is ours to acknowledge");
    }
}

async fn assert_nothing_comes(queue: &dyn Queue, wait: Duration) {
    let came = queue.receive(&RESULTS, 10, wait).await.expect("the queue answers");
    assert!(came.is_empty(), "nothing should come: {came:?}");
}
