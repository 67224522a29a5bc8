//! What a worker counts.

use std::time::Duration;

use plimsoll_telemetry::prometheus_client::metrics::counter::Counter;
use plimsoll_telemetry::prometheus_client::metrics::histogram::Histogram;
use plimsoll_telemetry::{Histograms, Labels, from_zero};
use plimsoll_types::LayerOutcome;

use crate::held::{Held, Hold};

/// Counters of a worker; clones are the same. The default counts nothing and costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Option<Counted>);

#[derive(Clone, Debug)]
struct Counted {
    jobs: Held,
    seconds: Histograms<2>,
    pulled: Counter,
}

const HANDED_BACK: &str = "handed_back";
const UNREADABLE: &str = "unreadable";
/// What can become of a job.
const OUTCOMES: [&str; 7] =
    ["analyzed", "known", "source_failed", "layer_failed", "interrupted", HANDED_BACK, UNREADABLE];

/// From a look into the store to the longest a job may take.
fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1200.0])
}

impl Metrics {
    /// Registers them; once in a process.
    pub fn new(metrics: &plimsoll_telemetry::Metrics) -> Self {
        let pulled = Counter::default();
        let help = "Bytes of layers pulled from registries by jobs that ended well";
        metrics.register("fleet", "pulled_bytes", help, pulled.clone());
        let seconds = metrics.histograms(
            "fleet",
            "job_seconds",
            "Seconds from the lease of a job to its result",
            seconds,
        );
        from_zero(&seconds, OUTCOMES.map(labels));
        Self(Some(Counted {
            jobs: Held::register(
                metrics,
                ["jobs_held", "Jobs this process works on"],
                ["jobs_oldest_lease_seconds", "Seconds since this process leased the oldest of its jobs"],
            ),
            seconds,
            pulled,
        }))
    }

    /// A job is held until the guard is dropped.
    pub(super) fn hold(&self) -> Option<Hold> {
        self.0.as_ref().map(|counted| counted.jobs.hold())
    }

    /// A job came to this result.
    pub(super) fn ended(&self, outcome: &LayerOutcome, took: Duration) {
        if let (LayerOutcome::Done(done), Some(counted)) = (outcome, &self.0) {
            counted.pulled.inc_by(done.pulled_bytes);
        }
        self.took(name(outcome), took);
    }

    /// A job was handed back.
    pub(super) fn handed_back(&self, took: Duration) {
        self.took(HANDED_BACK, took);
    }

    /// A job was set aside, because nobody can read it.
    pub(super) fn unreadable(&self) {
        self.took(UNREADABLE, Duration::ZERO);
    }

    fn took(&self, outcome: &'static str, took: Duration) {
        if let Some(counted) = &self.0 {
            counted.seconds.get_or_create(&labels(outcome)).observe(took.as_secs_f64());
        }
    }
}

/// There is one kind of jobs yet.
const fn labels(outcome: &'static str) -> Labels<2> {
    [("kind", "layer"), ("outcome", outcome)]
}

fn name(outcome: &LayerOutcome) -> &'static str {
    match outcome {
        LayerOutcome::Done(done) if done.pulled_bytes == 0 => "known",
        LayerOutcome::Done(_) => "analyzed",
        LayerOutcome::SourceFailed { .. } => "source_failed",
        LayerOutcome::LayerFailed(_) => "layer_failed",
        LayerOutcome::Interrupted(_) => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{Digest, LayerDone, LayerFailure, LayerSource, Retry};

    use super::*;

    fn done(pulled_bytes: u64) -> LayerOutcome {
        let digest = Digest::from_bytes([1; 32]);
        LayerOutcome::Done(LayerDone {
            diff_id: digest,
            uncompressed_size: 9,
            index: digest,
            packages: digest,
            pulled_bytes,
        })
    }

    #[test]
    fn whatever_becomes_of_a_job_was_there_at_zero() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        let at_first = registry.render();
        assert_eq!(at_first.matches("plimsoll_fleet_job_seconds_count{").count(), OUTCOMES.len());
        let failure = || LayerFailure { kind: "size".into(), message: "large".into(), retry: Retry::Never };
        let source = LayerSource {
            registry: "registry.example".into(),
            repository: "app".into(),
            tenant: "default".into(),
            credential: None,
            plain_http: false,
        };
        for outcome in [
            done(0),
            done(1),
            LayerOutcome::SourceFailed { source, failure: failure() },
            LayerOutcome::LayerFailed(failure()),
            LayerOutcome::Interrupted("stopped".into()),
        ] {
            metrics.ended(&outcome, Duration::ZERO);
        }
        metrics.handed_back(Duration::ZERO);
        metrics.unreadable();
        assert_eq!(registry.render().lines().count(), at_first.lines().count(), "no series is new");
    }

    #[test]
    fn a_layer_the_store_had_is_told_from_one_that_was_pulled() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        metrics.ended(&done(0), Duration::from_millis(3));
        metrics.ended(&done(700), Duration::from_secs(2));
        metrics.ended(&done(11), Duration::from_secs(2));
        metrics.handed_back(Duration::from_secs(9));
        let text = registry.render();
        for line in [
            r#"plimsoll_fleet_job_seconds_count{kind="layer",outcome="known"} 1"#,
            r#"plimsoll_fleet_job_seconds_count{kind="layer",outcome="analyzed"} 2"#,
            r#"plimsoll_fleet_job_seconds_count{kind="layer",outcome="handed_back"} 1"#,
            r#"plimsoll_fleet_job_seconds_bucket{le="1.0",kind="layer",outcome="analyzed"} 0"#,
            "plimsoll_fleet_pulled_bytes_total 711",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
