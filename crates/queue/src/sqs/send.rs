//! Sending, ten at a time.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::{TryStreamExt, stream};
use tokio::time::sleep;

use super::target::Target;
use super::wire::Form;
use crate::{Error, Message};

/// The most bytes in one request. SQS takes more by now; services like it do not.
pub(super) const MAX_REQUEST_BYTES: usize = 256 << 10;

/// The most messages in one request.
const MAX_REQUEST_MESSAGES: usize = 10;

/// How many requests are on their way at once.
const IN_FLIGHT: usize = 16;

/// How often messages are sent again that SQS itself has failed to take, while it took their neighbours.
const ATTEMPTS: u32 = 5;

/// Sends all messages; `Ok` means that SQS has taken every one.
pub(super) async fn send(target: &Target, messages: &[Message]) -> Result<(), Error> {
    stream::iter(batches(target.form, messages).into_iter().map(Ok))
        .try_for_each_concurrent(IN_FLIGHT, |batch| send_batch(target, batch))
        .await
}

/// Splits messages into requests.
fn batches(form: Form, messages: &[Message]) -> Vec<&[Message]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, message) in messages.iter().enumerate() {
        let size = form.encode(message).size();
        if at > start && (at - start == MAX_REQUEST_MESSAGES || bytes + size > MAX_REQUEST_BYTES) {
            batches.push(&messages[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < messages.len() {
        batches.push(&messages[start..]);
    }
    batches
}

async fn send_batch(target: &Target, batch: &[Message]) -> Result<(), Error> {
    let mut pending: Vec<usize> = (0..batch.len()).collect();
    for attempt in 0..ATTEMPTS {
        let entries = pending.iter().filter_map(|at| entry(target.form, *at, &batch[*at])).collect();
        let answer = target
            .client
            .send_message_batch()
            .queue_url(&target.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| target.failure("publish", &error))?;
        if let Some(refused) = answer.failed().iter().find(|failed| failed.sender_fault()) {
            let said = format!("{}: {}", refused.code(), refused.message().unwrap_or("no message"));
            return Err(target.refused("publish", said, "see what it says about the message"));
        }
        let taken = |at: &usize| answer.successful().iter().any(|taken| taken.id() == at.to_string());
        pending.retain(|at| !taken(at));
        if pending.is_empty() {
            return Ok(());
        }
        sleep(Duration::from_millis(100 << attempt).mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
    Err(target.unconfirmed(pending.len()))
}

fn entry(form: Form, at: usize, message: &Message) -> Option<SendMessageBatchRequestEntry> {
    let encoded = form.encode(message);
    SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .set_message_attributes(Some(encoded.attributes()))
        .message_body(encoded.text)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_MESSAGE_BYTES;

    #[test]
    fn requests_are_full_and_within_both_bounds() {
        let small = vec![Message::new("x"); 25];
        assert_eq!(
            batches(Form::Ours, &small).iter().map(|batch| batch.len()).collect::<Vec<_>>(),
            [10, 10, 5]
        );
        let large = vec![Message::new(vec![0; MAX_MESSAGE_BYTES]); 5];
        assert_eq!(
            batches(Form::Ours, &large).iter().map(|batch| batch.len()).collect::<Vec<_>>(),
            [2, 2, 1]
        );
        assert!(batches(Form::Ours, &[]).is_empty());
    }
}
