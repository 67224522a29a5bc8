//! The trait.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Capabilities, Channel, Delivery, Error, Message};

/// Messages from those who publish to one of those who receive, at least once and in no order.
///
/// All methods may be called from any number of tasks at once. A lost connection is made anew by the backend,
/// and what it needs in the broker with it; what it cannot do within half a minute (or the time to wait that was
/// given) is an error whose [`Error::retry`] says that trying again makes sense. Futures may be dropped at any
/// time: a message that a dropped `receive` had taken comes back.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Puts all messages into the channel. `Ok` means that the backend has confirmed every one, to the strength
    /// that it has (a quorum of brokers for RabbitMQ). On an error some of them may have been published: publish
    /// them all again, a duplicate is harmless.
    ///
    /// Messages that no backend could carry ([`Message::check`]) are refused here, before any is sent.
    async fn publish(&self, channel: &Channel, messages: Vec<Message>) -> Result<(), Error> {
        messages.iter().try_for_each(Message::check)?;
        if messages.is_empty() { Ok(()) } else { self.send(channel, messages).await }
    }

    /// What a backend implements of [`Queue::publish`]; callers use that.
    async fn send(&self, channel: &Channel, messages: Vec<Message>) -> Result<(), Error>;

    /// Takes up to `max` messages, and as soon as there is one: it does not wait for more. Waits up to `wait` for
    /// the first, then answers with none. Nothing is held that is not in the answer, so ask for no more than is
    /// started at once.
    async fn receive(&self, channel: &Channel, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error>;

    /// As [`Queue::receive`], of the dead letters of the channel. Acknowledging one removes it;
    /// [`Delivery::retry`] puts it back into the channel it came from, without its reason.
    async fn receive_dead(
        &self,
        channel: &Channel,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error>;

    /// How much lies in the channel. The numbers trail behind by seconds on some backends.
    async fn depth(&self, channel: &Channel) -> Result<Depth, Error>;

    /// How this backend does what it does.
    fn capabilities(&self) -> Capabilities;

    /// Ends the connections of this handle, and with them its leases where the connection is the lease. Every
    /// later call is an error. Dropping the handle does the same without telling when it is done.
    async fn close(&self);
}

/// How much lies in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that the next `receive` could take.
    pub ready: u64,
    /// Zero if nobody holds a message. Otherwise the number of messages held; where the broker does not tell it,
    /// the number of `receive` calls whose messages are not all settled (RabbitMQ). Messages that wait for the
    /// end of their delay count here on SQS and in memory, and nowhere on RabbitMQ.
    pub leased: u64,
}
