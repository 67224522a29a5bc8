//! A message in a holder's hands: an unacknowledged delivery on an open channel.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::{Channel, Consumer};

use super::broker::Broker;
use super::receive::From;
use super::topology::{Names, To};
use crate::{Error, Lease, Message, Settlement};

/// The channel that the messages of one `receive` came over. It closes when the last of them lets go of it, and with
/// it goes the marker that tells others that something is leased.
pub(super) struct Batch {
    channel: Channel,
    _marker: Option<Consumer>,
}

impl Batch {
    pub(super) fn new(channel: Channel, marker: Option<Consumer>) -> Self {
        Self { channel, _marker: marker }
    }
}

pub(super) struct RabbitLease {
    pub(super) broker: Arc<Broker>,
    pub(super) names: Arc<Names>,
    pub(super) from: From,
    /// Its content is gone into the message; it is what we answer with.
    pub(super) delivery: Delivery,
    pub(super) batch: Arc<Batch>,
}

const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

impl RabbitLease {
    fn ensure_ours(&self) -> Result<(), Error> {
        let ours = self.delivery.acker.usable() && self.batch.channel.status().connected();
        if ours { Ok(()) } else { Err(Error::LeaseLost) }
    }

    async fn ack(&self) -> Result<(), Error> {
        held(&self.delivery.acker.ack(BasicAckOptions::default()).await)
    }

    /// Publishes first and acknowledges then, so that a death in between makes two messages, not none.
    async fn replace(&self, to: To, message: Message) -> Result<(), Error> {
        self.ensure_ours()?;
        self.broker.publish(&self.names, to, &[message]).await?;
        self.ack().await
    }
}

/// An answer that did not reach the broker found the channel gone, and that was the lease.
fn held(answered: &lapin::Result<bool>) -> Result<(), Error> {
    match answered {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::LeaseLost),
    }
}

#[async_trait]
impl Lease for RabbitLease {
    async fn extend(&self, _by: Duration) -> Result<(), Error> {
        self.ensure_ours()
    }

    async fn settle(self: Box<Self>, message: Message, how: Settlement) -> Result<(), Error> {
        match how {
            Settlement::Ack => self.ack().await,
            Settlement::Retry(_) if self.from == From::Dead => {
                self.replace(To::Ready, message.revived()).await
            }
            Settlement::Retry(Duration::ZERO) => held(&self.delivery.acker.nack(REQUEUE).await),
            Settlement::Retry(delay) => self.replace(To::Later(delay), message).await,
            Settlement::DeadLetter(reason) => self.replace(To::Dead, message.dead(&reason)).await,
        }
    }

    fn give_back(self: Box<Self>) {
        // Polled once, which hands it to the connection's own thread; nobody waits for it to be sent. If the channel
        // is gone, so is the lease.
        _ = self.delivery.acker.nack(REQUEUE).now_or_never();
    }
}
