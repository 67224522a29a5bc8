//! RabbitMQ, by quorum queues.
//!
//! There is no lease clock: a message is its holder's as long as the holder's channel lives. So every `receive` opens
//! a channel of its own, which closes when its last message is settled: whatever ends it gives back these messages
//! and no others.

mod broker;
mod failure;
mod lease;
mod receive;
mod session;
mod topology;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::{Capabilities, Channel, Delivery, Depth, Error, LeaseEnd, Message, Queue};
use broker::Broker;
use topology::{Names, To};

/// RabbitMQ, 3.10 or later.
pub struct RabbitQueue {
    broker: Arc<Broker>,
}

impl RabbitQueue {
    /// A queue at an `amqp:` or `amqps:` URL; see [`crate::open`]. Connects when first used.
    pub fn new(url: &Url) -> Result<Self, Error> {
        Ok(Self { broker: Arc::new(Broker::new(url)?) })
    }

    /// Every queue in the broker that belongs to these channels, for whoever has to remove them.
    pub fn queue_names(prefix: &str, channels: &[Channel]) -> Vec<String> {
        channels.iter().flat_map(|channel| Names::new(prefix, *channel).all()).collect()
    }

    fn names(&self, channel: Channel) -> Arc<Names> {
        Arc::new(Names::new(self.broker.prefix(), channel))
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn send(&self, channel: &Channel, messages: Vec<Message>) -> Result<(), Error> {
        self.broker.publish(&self.names(*channel), To::Ready, &messages).await
    }

    async fn receive(&self, channel: &Channel, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        receive::receive(&self.broker, &self.names(*channel), receive::From::Ready, max, wait).await
    }

    async fn receive_dead(
        &self,
        channel: &Channel,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        receive::receive(&self.broker, &self.names(*channel), receive::From::Dead, max, wait).await
    }

    async fn depth(&self, channel: &Channel) -> Result<Depth, Error> {
        self.broker.depth(&self.names(*channel)).await
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { lease: LeaseEnd::Connection, max_delay: topology::MAX_DELAY, durable: true }
    }

    async fn close(&self) {
        self.broker.close().await;
    }
}
