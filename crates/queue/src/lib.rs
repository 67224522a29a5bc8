//! Jobs and results between processes: one trait, over RabbitMQ, SQS or memory.
//!
//! A queue moves [`Message`]s, headers and bytes of which it understands nothing, from those who publish to one
//! of those who receive. It promises *at least once*: a message stays until somebody acknowledges it, and comes
//! back when its holder dies. So it may come twice, and whoever receives must be able to do the same thing twice.
//! It promises no order.
//!
//! What others publish is read from an [`Inbox`].
//!
//! A backend is done when it passes the contract suite in [`testing`], on the real service.

mod capabilities;
mod channel;
mod delivery;
mod error;
mod inbox;
mod memory;
mod message;
mod open;
mod queue;
mod rabbitmq;
mod sqs;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use capabilities::{Capabilities, LeaseEnd};
pub use channel::{Channel, Kind};
pub use delivery::{Delivery, Lease, Settlement};
pub use error::Error;
pub use inbox::Inbox;
pub use memory::{MemoryInbox, MemoryQueue};
pub use message::{MAX_MESSAGE_BYTES, Message};
pub use open::{open, open_inbox};
pub use queue::{Depth, Queue};
pub use rabbitmq::RabbitQueue;
pub use sqs::{SqsInbox, SqsQueue};
