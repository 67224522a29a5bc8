//! A message in somebody's hands.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Error, Message};

/// A message that is ours until its lease ends. Dropping it gives it back.
///
/// The methods that take `self` settle it. When they fail the message comes back by itself, sooner or later; there
/// is nothing to clean up.
pub struct Delivery {
    /// What was published.
    pub message: Message,
    /// Whether somebody may have held this message before. `false` is a hint too: a message can be published twice.
    pub redelivered: bool,
    held: Held,
}

/// What a backend does for a message in somebody's hands.
#[async_trait]
pub trait Lease: Send + Sync {
    /// See [`Delivery::extend`].
    async fn extend(&self, by: Duration) -> Result<(), Error>;

    /// Ends the lease as the holder wants it. `message` is the one delivered.
    async fn settle(self: Box<Self>, message: Message, how: Settlement) -> Result<(), Error>;

    /// Ends the lease of a delivery that was dropped, without waiting: makes the message available at once if it can,
    /// and else leaves it to the end of the lease.
    fn give_back(self: Box<Self>);
}

/// How a lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Done: the message is gone for good.
    Ack,
    /// Not now: the message is available again after this time.
    Retry(Duration),
    /// Never: the message is kept apart, with this reason.
    DeadLetter(String),
}

impl Delivery {
    /// For backends.
    pub fn new(message: Message, redelivered: bool, lease: Box<dyn Lease>) -> Self {
        Self { message, redelivered, held: Held(Some(lease)) }
    }

    /// Keeps the message for this long from now. Has nothing to do where the lease ends with the connection, but
    /// tells there too when the lease is lost. Brokers bound the whole time: 12 hours on SQS, 30 minutes on a
    /// RabbitMQ whose `consumer_timeout` nobody changed.
    pub async fn extend(&self, by: Duration) -> Result<(), Error> {
        match &self.held.0 {
            Some(lease) => lease.extend(by).await,
            None => Err(Error::LeaseLost),
        }
    }

    /// The message has been dealt with: removes it for good.
    pub async fn ack(self) -> Result<(), Error> {
        self.settle(Settlement::Ack).await
    }

    /// Makes the message available again after a delay (see [`crate::Capabilities::max_delay`]; RabbitMQ rounds
    /// up to a power of two of seconds).
    pub async fn retry(self, delay: Duration) -> Result<(), Error> {
        self.settle(Settlement::Retry(delay)).await
    }

    /// Keeps the message apart, where only [`crate::Queue::receive_dead`] finds it, with the reason for a person
    /// to read ([`Message::dead_letter_reason`]).
    pub async fn dead_letter(self, reason: &str) -> Result<(), Error> {
        self.settle(Settlement::DeadLetter(reason.to_owned())).await
    }

    async fn settle(self, how: Settlement) -> Result<(), Error> {
        let Self { message, mut held, .. } = self;
        match held.0.take() {
            Some(lease) => lease.settle(message, how).await,
            None => Err(Error::LeaseLost),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Delivery")
            .field("message", &self.message)
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}

/// The lease, until it is settled.
struct Held(Option<Box<dyn Lease>>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lease) = self.0.take() {
            lease.give_back();
        }
    }
}
