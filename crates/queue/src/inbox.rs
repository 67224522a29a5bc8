//! A queue that others fill.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Capabilities, Delivery, Depth, Error};

/// Messages that somebody else publishes, such as a cloud that tells of images: their text is the body, their attributes
/// are the headers, and nobody here knows a channel of them.
///
/// A delivery is settled as one of a [`crate::Queue`] is. Here the message is the truth and not a hint, so it is
/// acknowledged only after what it asks for is durable.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Takes up to `max` messages, and as soon as there is one. Waits up to `wait` for the first, then answers with
    /// none.
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error>;

    /// As [`Inbox::receive`], of what was put aside. [`Delivery::retry`] puts a message back, without its reason.
    async fn receive_dead(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error>;

    /// How much lies there. The numbers trail behind by seconds.
    async fn depth(&self) -> Result<Depth, Error>;

    /// Whether the messages can be reached, and the place where they are put aside.
    async fn check(&self) -> Result<(), Error>;

    /// How this backend does what it does.
    fn capabilities(&self) -> Capabilities;
}
