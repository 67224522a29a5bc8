//! The flow of a scan, one file per step: [`resolve`] a reference to one manifest, [`plan`] which layers
//! nobody has analyzed yet, [`analyze`] those, [`fold`] the evidence of all, [`judge`] the result.
//!
//! Each step is a function of its arguments and an [`Engine`]; who calls them, and on how many machines, is
//! not their concern. The roles of a fleet (coordinator, worker, aggregator) are not here yet.

pub mod analyze;
mod blob_reader;
mod engine;
mod error;
pub mod fold;
pub mod judge;
pub mod plan;
mod progress;
pub mod resolve;
mod unseen;

pub use engine::{Engine, EngineLimits};
pub use error::Error;
pub use progress::{Event, Progress};
