//! What can be wrong with the configuration of telemetry.

/// Why telemetry could not be set up. Every one of them is for whoever started the process to mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An environment variable has a value nobody understands.
    #[error("{name}={value:?}: {why}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        why: String,
    },
    /// The exporter of spans could not be made.
    #[error("cannot export traces to {endpoint}: {why}")]
    Exporter {
        /// Where spans should have gone.
        endpoint: String,
        /// What the exporter says.
        why: String,
    },
    /// Exporting needs a running Tokio runtime with worker threads.
    #[error(
        "traces can only be exported from inside a Tokio runtime; set up telemetry in it, or unset the endpoint"
    )]
    NoRuntime,
    /// Telemetry was set up before.
    #[error("telemetry is set up already; it is set up once in a process, in its main")]
    Twice,
}
