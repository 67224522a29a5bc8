//! Setting up, and shutting down.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{Config, Error, export, logs};

/// How long an exit waits for the last spans.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts logging and, with an endpoint, recording spans. Call it once in a process; with an endpoint, inside a
/// Tokio runtime that has worker threads and that outlives the guard.
pub fn init(config: &Config) -> Result<Guard, Error> {
    let provider = export::provider(config)?;
    let targets = config.targets()?;
    let lines = logs::layer(config.format, std::io::stderr, logs::colored());
    let spans = provider.as_ref().map(|provider| {
        // The exporter's own requests must not become spans that are exported in turn.
        let ours =
            tracing_subscriber::filter::Targets::new().with_default(tracing::Level::INFO).with_targets([
                ("h2", off()),
                ("hyper", off()),
                ("tonic", off()),
                ("tower", off()),
                ("opentelemetry", off()),
            ]);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("plimsoll")).with_filter(ours)
    });
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(targets)).with(spans);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Twice)?;
    Ok(Guard(provider))
}

fn off() -> tracing_subscriber::filter::LevelFilter {
    tracing_subscriber::filter::LevelFilter::OFF
}

/// Keeps telemetry going; what is still to be sent leaves when it is dropped, in at most five seconds. Keep it until
/// the end of `main`, and do not drop it on the only thread of a runtime.
#[derive(Debug)]
#[must_use = "dropping the guard ends the export of spans"]
pub struct Guard(Option<SdkTracerProvider>);

impl Guard {
    /// Sends what is still to be sent, and goes on.
    pub fn flush(&self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.force_flush()
        {
            tracing::warn!(%error, "spans could not be sent");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown_with_timeout(PATIENCE)
        {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}
