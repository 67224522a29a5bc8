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
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod logs;
mod metrics;
mod setup;

pub use config::{Config, Format};
pub use context::{Parent, extract, inject, inject_span};
pub use error::Error;
pub use metrics::{Counters, Gauges, Histograms, Labels, Metrics, from_zero};
/// The metrics library itself: counters, gauges, histograms and families are made with it and registered in
/// [`Metrics`].
pub use prometheus_client;
pub use setup::{Guard, init};

/// A place where a process can be told to die (`failpoint!("put/result")`), or where something else can be told to go
/// wrong (`failpoint!("commit/reply" => return)`). Nothing at all without the feature `failpoints`, whose module says
/// how it is told.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoints::die_at($name)
    };
    ($name:literal => $instead:expr) => {
        if $crate::failpoints::is_hit($name) {
            $instead
        }
    };
}

/// Nothing: this is a build without the feature `failpoints`.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {};
    ($name:literal => $instead:expr) => {};
}
