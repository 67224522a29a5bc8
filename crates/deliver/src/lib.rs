//! What tells people: callbacks, from the outbox of the state.
//!
//! A scan that ends owes its asker one delivery. [`Callbacks`] posts it as a CloudEvent, signed with [`Secrets`] by the
//! Standard Webhooks convention, until the receiver takes it or nobody believes in it any more. A delivery may be
//! posted more than once, always with the same id and the same body.

mod callbacks;
mod clip;
mod compose;
mod config;
mod event;
mod metrics;
mod outcome;
mod post;
mod reasons;
mod secret;

use std::sync::Arc;

pub use callbacks::Callbacks;
pub use config::{Config, client};
pub use metrics::Metrics;
pub use secret::{Secret, SecretError, Secrets};

/// What time it is, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
