//! Acknowledging, ten at a time: a request is what SQS charges for.

use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::failure::{failure, is_lost};
use crate::Error;

/// How many requests are on their way at once. While all are, those who come wait together for the next.
const IN_FLIGHT: usize = 8;

/// The most receipts in one request.
const MAX_REQUEST_RECEIPTS: usize = 10;

/// The way to a task that deletes messages of one queue.
pub(super) struct Acks {
    ask: mpsc::Sender<Ack>,
}

struct Ack {
    receipt: String,
    answer: oneshot::Sender<Result<(), Error>>,
}

#[derive(Clone)]
struct Deleter {
    client: Client,
    url: String,
    service: String,
}

impl Acks {
    pub(super) fn new(client: Client, url: String, service: String) -> Self {
        let (ask, asked) = mpsc::channel(MAX_REQUEST_RECEIPTS * IN_FLIGHT);
        tokio::spawn(gather(asked, Deleter { client, url, service }));
        Self { ask }
    }

    pub(super) async fn ack(&self, receipt: String) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        // The task ends with the runtime only, and then nobody is here to wait.
        self.ask.send(Ack { receipt, answer }).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}

/// Waits for nothing but a free request: who comes alone is not held up.
async fn gather(mut asked: mpsc::Receiver<Ack>, deleter: Deleter) {
    let free = Arc::new(Semaphore::new(IN_FLIGHT));
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        let mut acks = Vec::new();
        if asked.recv_many(&mut acks, MAX_REQUEST_RECEIPTS).await == 0 {
            return;
        }
        let deleter = deleter.clone();
        tokio::spawn(async move {
            deleter.delete(acks).await;
            drop(permit);
        });
    }
}

impl Deleter {
    async fn delete(&self, acks: Vec<Ack>) {
        let entries = acks.iter().enumerate().filter_map(|(at, ack)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(at.to_string())
                .receipt_handle(&ack.receipt)
                .build()
                .ok()
        });
        let request = self.client.delete_message_batch().queue_url(&self.url);
        let answer = request.set_entries(Some(entries.collect())).send().await;
        let (failed, whole) = match answer {
            Ok(answer) => (answer.failed, None),
            Err(error) => (Vec::new(), Some(failure(&self.service, "acknowledge", &error).to_string())),
        };
        for (at, ack) in acks.into_iter().enumerate() {
            let failed = failed.iter().find(|failed| failed.id() == at.to_string());
            let result = match (failed, &whole) {
                (Some(failed), _) if is_lost(Some(failed.code())) => Err(Error::LeaseLost),
                (Some(failed), _) => Err(self.unavailable(failed.code().to_owned())),
                (None, Some(why)) => Err(self.unavailable(why.clone())),
                (None, None) => Ok(()),
            };
            // Whoever has stopped waiting gets the message again or not; both are as promised.
            _ = ack.answer.send(result);
        }
    }

    fn unavailable(&self, why: String) -> Error {
        let service = self.service.clone();
        Error::Unavailable { service, action: "acknowledge", after: None, source: why.into() }
    }
}
