//! A message in a holder's hands: hidden from others for a time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::failure::is_lost;
use super::send::send;
use super::target::{Rack, Racks, Target};
use super::{MAX_HIDDEN, whole_seconds};
use crate::{Error, Lease, Message, Settlement};

pub(super) struct SqsLease {
    racks: Arc<dyn Racks>,
    target: Arc<Target>,
    rack: Rack,
    receipt: String,
    taken: Instant,
}

impl SqsLease {
    pub(super) fn new(racks: &Arc<dyn Racks>, target: &Arc<Target>, rack: Rack, receipt: String) -> Self {
        let (racks, target) = (Arc::clone(racks), Arc::clone(target));
        Self { racks, target, rack, receipt, taken: Instant::now() }
    }

    /// Hides the message for this long from now, as far as SQS allows: it counts from when the message was taken.
    async fn hide(&self, time: Duration) -> Result<(), Error> {
        let allowed = MAX_HIDDEN.saturating_sub(self.taken.elapsed() + Duration::from_secs(60));
        let request = self
            .target
            .client
            .change_message_visibility()
            .queue_url(&self.target.url)
            .receipt_handle(&self.receipt)
            .visibility_timeout(whole_seconds(time.min(allowed)));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_lost(error.as_service_error().and_then(ProvideErrorMetadata::code)) => {
                Err(Error::LeaseLost)
            }
            Err(error) => Err(self.target.failure("extend a lease", &error)),
        }
    }

    /// Sends first and deletes then, so that a death in between makes two messages, not none.
    async fn replace(self, rack: Rack, message: Message) -> Result<(), Error> {
        let target = self.racks.target(rack).await?;
        send(&target, &[message]).await?;
        self.target.acks.ack(self.receipt).await
    }
}

#[async_trait]
impl Lease for SqsLease {
    async fn extend(&self, by: Duration) -> Result<(), Error> {
        self.hide(by).await
    }

    async fn settle(self: Box<Self>, message: Message, how: Settlement) -> Result<(), Error> {
        match how {
            Settlement::Ack => self.target.acks.ack(self.receipt).await,
            Settlement::Retry(_) if self.rack == Rack::Dead => {
                self.replace(Rack::Ready, message.revived()).await
            }
            Settlement::Retry(delay) => self.hide(delay).await,
            Settlement::DeadLetter(reason) => {
                let dead = self.target.form.dead(message, &reason);
                self.replace(Rack::Dead, dead).await
            }
        }
    }

    fn give_back(self: Box<Self>) {
        // Without a runtime, or if this fails, the message comes back when its lease ends.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { self.hide(Duration::ZERO).await });
        }
    }
}
