//! The flow of a scan, one file per step: [`resolve`] a reference to one manifest, [`plan`] which layers
//! nobody has analyzed yet, [`analyze`] those, [`fold`] the evidence of all, [`judge`] the result.
//!
//! Each step is a function of its arguments and an [`Engine`]; who calls them, and on how many machines, is
//! not their concern. `plimsoll scan` calls them one after the other. The roles of a fleet divide them up:
//! a [`coordinator`] resolves and plans, [`worker`]s analyze, an [`aggregator`] folds and judges. What the roles
//! know of each other is in the state; the queues between them carry hints.

pub mod aggregator;
pub mod analyze;
mod at_work;
mod blob_reader;
mod canonical;
pub mod coordinator;
pub mod document;
mod engine;
mod error;
mod evidence;
pub mod fold;
pub mod gc;
mod held;
mod job;
pub mod judge;
mod keep;
pub mod plan;
mod progress;
mod registries;
pub mod replay;
pub mod resolve;
mod rulebook;
mod unseen;
mod wait;
pub mod worker;

use std::sync::Arc;

pub use engine::{Engine, EngineLimits};
pub use error::Error;
pub use progress::{Event, Progress};
pub use registries::Registries;
pub use rulebook::Rulebook;

/// What time it is, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
