//! SQS: a lease is the visibility timeout, and so is a delay.

mod acks;
mod failure;
mod inbox;
mod lease;
mod place;
mod receive;
mod send;
mod settings;
mod target;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName::{
    self, ApproximateNumberOfMessages as Ready, ApproximateNumberOfMessagesDelayed as Delayed,
    ApproximateNumberOfMessagesNotVisible as Leased,
};
use url::Url;

use crate::{Capabilities, Channel, Delivery, Depth, Error, LeaseEnd, Message, Queue};
pub use inbox::SqsInbox;
use target::{ChannelRacks, Rack, Racks, Target, Targets};

/// The longest time for which SQS hides a message, counted from when it was received.
const MAX_HIDDEN: Duration = Duration::from_secs(12 * 60 * 60);

/// SQS, or a service that speaks its protocol.
pub struct SqsQueue {
    targets: Arc<Targets>,
    lease: Duration,
}

impl SqsQueue {
    /// A queue at an `sqs:` URL; see [`crate::open`]. Credentials are found the way every AWS tool finds them.
    pub async fn new(url: &Url) -> Result<Self, Error> {
        let settings = settings::Settings::of(url)?;
        let lease = settings.lease;
        Ok(Self { targets: Arc::new(Targets::new(settings).await), lease })
    }

    fn racks(&self, channel: Channel) -> Arc<dyn Racks> {
        Arc::new(ChannelRacks { targets: Arc::clone(&self.targets), channel })
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, channel: &Channel, messages: Vec<Message>) -> Result<(), Error> {
        let target = self.targets.target(channel, Rack::Ready).await?;
        send::send(&target, &messages).await
    }

    async fn receive(&self, channel: &Channel, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        receive::receive(&self.racks(*channel), Rack::Ready, self.lease, max, wait).await
    }

    async fn receive_dead(
        &self,
        channel: &Channel,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        receive::receive(&self.racks(*channel), Rack::Dead, self.lease, max, wait).await
    }

    async fn depth(&self, channel: &Channel) -> Result<Depth, Error> {
        let target = self.targets.target(channel, Rack::Ready).await?;
        depth(&target).await
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { lease: LeaseEnd::Clock(self.lease), max_delay: MAX_HIDDEN, durable: true }
    }

    async fn close(&self) {
        self.targets.close();
    }
}

/// How much lies in a queue.
async fn depth(target: &Target) -> Result<Depth, Error> {
    let answer = target
        .client
        .get_queue_attributes()
        .queue_url(&target.url)
        .set_attribute_names(Some(vec![Ready, Leased, Delayed]))
        .send()
        .await
        .map_err(|error| target.failure("count messages", &error))?;
    let count = |name: &QueueAttributeName| {
        answer.attributes().and_then(|all| all.get(name)?.parse::<u64>().ok()).unwrap_or_default()
    };
    Ok(Depth { ready: count(&Ready), leased: count(&Leased) + count(&Delayed) })
}

/// SQS counts in seconds; a shorter time than asked for would be a broken promise.
fn whole_seconds(time: Duration) -> i32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(seconds.min(MAX_HIDDEN.as_secs())).unwrap_or(i32::MAX)
}
