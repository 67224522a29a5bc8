//! Taking messages, ten at a time.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{Message as SqsMessage, MessageSystemAttributeName};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::lease::SqsLease;
use super::target::{Rack, Racks, Target};
use super::{whole_seconds, wire};
use crate::{Delivery, Error};

/// The most messages in one answer.
const MAX_ANSWER: usize = 10;

/// The longest that SQS waits before it answers.
const MAX_POLL: Duration = Duration::from_secs(20);

/// How many requests are on their way at once when many messages are asked for.
const IN_FLIGHT: usize = 10;

pub(super) async fn receive(
    racks: &Arc<dyn Racks>,
    rack: Rack,
    lease: Duration,
    max: usize,
    wait: Duration,
) -> Result<Vec<Delivery>, Error> {
    if max == 0 {
        return Ok(Vec::new());
    }
    let deadline = Instant::now() + wait;
    loop {
        let target = racks.target(rack).await?;
        let left = deadline.saturating_duration_since(Instant::now()).min(MAX_POLL);
        let first = poll(&target, lease, max.min(MAX_ANSWER), left).await?;
        if first.is_empty() && Instant::now() < deadline {
            continue;
        }
        let taken = fill(&target, lease, max, first).await;
        return Ok(taken
            .into_iter()
            .map(|received| {
                let (message, redelivered) = wire::message(&received);
                let receipt = received.receipt_handle.unwrap_or_default();
                let lease = SqsLease::new(racks, &target, rack, receipt);
                Delivery::new(message, redelivered, Box::new(lease))
            })
            .collect());
    }
}

/// More of what is there, as long as there is more than one answer holds.
async fn fill(target: &Target, lease: Duration, max: usize, mut taken: Vec<SqsMessage>) -> Vec<SqsMessage> {
    let mut full = taken.len() == MAX_ANSWER;
    while full && taken.len() < max {
        let left = max - taken.len();
        let requests = (0..left.div_ceil(MAX_ANSWER).min(IN_FLIGHT))
            .map(|at| (left - at * MAX_ANSWER).min(MAX_ANSWER))
            .map(|count| poll(target, lease, count, Duration::ZERO));
        for answer in join_all(requests).await {
            // What an error kept from us is there for the next call; what we have is leased and must not be lost.
            let more = answer.unwrap_or_default();
            full &= !more.is_empty();
            taken.extend(more);
        }
    }
    taken
}

async fn poll(
    target: &Target,
    lease: Duration,
    max: usize,
    wait: Duration,
) -> Result<Vec<SqsMessage>, Error> {
    let answer = target
        .client
        .receive_message()
        .queue_url(&target.url)
        .max_number_of_messages(i32::try_from(max).unwrap_or(1))
        .wait_time_seconds(whole_seconds(wait))
        .visibility_timeout(whole_seconds(lease))
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .message_attribute_names("All")
        .send()
        .await
        .map_err(|error| target.failure("receive", &error))?;
    Ok(answer.messages.unwrap_or_default())
}
