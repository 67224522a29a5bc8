//! What a process tells of itself: logs on standard error, spans to a collector, metrics to whoever scrapes them.
//!
//! [`init`] is called once, early in `main`; everything else in the workspace only uses `tracing`. One scan is one
//! trace, though several processes work on it: [`inject`] writes the current span into the headers of a message, and
//! [`extract`] makes it the parent of a span on the other side (W3C Trace Context). Without a collector all of this
//! costs nothing and writes no header.

mod config;
mod context;
mod error;
mod export;
mod logs;
mod metrics;
mod setup;

pub use config::{Config, Format};
pub use context::{Parent, extract, inject, inject_span};
pub use error::Error;
pub use metrics::{Counters, Gauges, Histograms, Labels, Metrics};
/// The metrics library itself: counters, gauges, histograms and families are made with it and registered in
/// [`Metrics`].
pub use prometheus_client;
pub use setup::{Guard, init};
