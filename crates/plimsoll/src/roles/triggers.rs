//! What asks for scans without being asked, if this process is told to listen to it.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_oci::RegistryMap;
use plimsoll_state::State;
use plimsoll_telemetry::prometheus_client::metrics::histogram::Histogram;
use plimsoll_telemetry::{Counters, Histograms, Metrics};
use plimsoll_trigger::sources::{self, Ecr};
use plimsoll_trigger::{Config, Consumer, Observer, Outcome, Submitter, Webhooks};
use tokio_util::sync::CancellationToken;

use super::args::TriggerArgs;
use super::parts;
use crate::failure::Failure;
use crate::inputs;

/// Events of a queue, and webhooks.
pub(super) struct Triggers {
    events: Option<Arc<Consumer>>,
    pub(super) webhooks: Option<Arc<Webhooks>>,
}

impl Triggers {
    /// Those the arguments name. A queue that is not there, or cannot be read, is found out here.
    pub(super) async fn new(
        arguments: &TriggerArgs,
        registries: &Arc<RegistryMap>,
        state: &Arc<dyn State>,
        metrics: &Metrics,
    ) -> Result<Self, Failure> {
        if arguments.events.is_none() && arguments.webhooks.is_none() {
            return Ok(Self { events: None, webhooks: None });
        }
        let observer = Arc::new(Counted::new(metrics));
        let submitter = Submitter::new(Arc::clone(state), Arc::clone(registries), parts::clock(), observer);
        let submitter = Arc::new(submitter);
        let events = match &arguments.events {
            Some(url) => Some(Arc::new(consumer(url, Arc::clone(&submitter)).await?)),
            None => None,
        };
        let webhooks = match &arguments.webhooks {
            Some(place) => Some(Arc::new(webhooks(place, submitter).await?)),
            None => None,
        };
        Ok(Self { events, webhooks })
    }

    /// Takes events until `stop`.
    pub(super) async fn run(&self, stop: CancellationToken) {
        if let Some(events) = &self.events {
            Box::pin(Arc::clone(events).run(stop)).await;
        }
    }
}

async fn consumer(url: &str, submitter: Arc<Submitter>) -> Result<Consumer, Failure> {
    let failed = |error: plimsoll_queue::Error| Failure::new("events", format!("--events: {error}"));
    let inbox = plimsoll_queue::open_inbox(url).await.map_err(failed)?;
    inbox.check().await.map_err(failed)?;
    tracing::info!("taking events of ECR");
    Ok(Consumer::new(Config::default(), &Ecr, inbox, submitter))
}

async fn webhooks(place: &str, submitter: Arc<Submitter>) -> Result<Webhooks, Failure> {
    let failed = |why: String| Failure::new("webhooks", format!("--webhooks {why}"));
    let text = inputs::configuration(place).await.map_err(failed)?;
    let read = |file: &std::path::Path| std::fs::read_to_string(file);
    let webhooks =
        Webhooks::parse(&text, read, submitter).map_err(|error| failed(format!("{place}: {error}")))?;
    tracing::info!(sources = webhooks.names().join(", "), "taking webhooks");
    Ok(webhooks)
}

/// Counts in the metrics of this process. Labels are names of sources and words of the program.
struct Counted {
    events: Counters<2>,
    ages: Histograms<1>,
}

/// From an event that came at once to one that lay in a queue for hours.
fn ages() -> Histogram {
    Histogram::new([0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 14_400.0])
}

impl Counted {
    fn new(metrics: &Metrics) -> Self {
        let events =
            metrics.counters("trigger", "events", "Events, by where they came from and what became of them");
        let ages = metrics.histograms(
            "trigger",
            "event_age_seconds",
            "Seconds from what happened in a registry to the scan it asked for",
            ages,
        );
        // There from the start, so that the first one is an increase.
        for source in sources::ALL.iter().map(|source| source.name()) {
            for outcome in Outcome::ALL {
                drop(events.get_or_create(&[("source", source), ("outcome", outcome.as_str())]));
            }
            drop(ages.get_or_create(&[("source", source)]));
        }
        Self { events, ages }
    }
}

impl Observer for Counted {
    fn count(&self, source: &'static str, outcome: Outcome) {
        self.events.get_or_create(&[("source", source), ("outcome", outcome.as_str())]).inc();
    }

    fn age(&self, source: &'static str, age: Duration) {
        self.ages.get_or_create(&[("source", source)]).observe(age.as_secs_f64());
    }
}
