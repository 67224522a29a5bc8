//! What is counted of callbacks.

use std::time::Duration;

use plimsoll_telemetry::prometheus_client::metrics::histogram::Histogram;
use plimsoll_telemetry::{Counters, Histograms, from_zero};

use crate::outcome::{Next, Outcome};

/// Counters of callbacks; clones are the same. The default counts nothing and costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Option<Counted>);

#[derive(Clone, Debug)]
struct Counted {
    deliveries: Counters<1>,
    seconds: Histograms<1>,
}

/// Up to the longest a receiver may take.
fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0])
}

impl Metrics {
    /// Registers them; once in a process.
    pub fn new(metrics: &plimsoll_telemetry::Metrics) -> Self {
        let deliveries = metrics.counters("deliver", "deliveries", "Callbacks, by what became of an attempt");
        from_zero(&deliveries, ["delivered", "again", "dead"].map(|outcome| [("outcome", outcome)]));
        let seconds = metrics.histograms(
            "deliver",
            "attempt_seconds",
            "Seconds from writing a callback to the receiver's answer",
            seconds,
        );
        from_zero(&seconds, ["taken", "away", "rejected", "hopeless"].map(|answer| [("answer", answer)]));
        Self(Some(Counted { deliveries, seconds }))
    }

    /// An attempt ended so.
    pub(crate) fn attempted(&self, outcome: &Outcome, took: Duration) {
        if let Some(counted) = &self.0 {
            let answer = match outcome {
                Outcome::Taken => "taken",
                Outcome::Away { .. } => "away",
                Outcome::Rejected { .. } => "rejected",
                Outcome::Hopeless { .. } => "hopeless",
            };
            counted.seconds.get_or_create(&[("answer", answer)]).observe(took.as_secs_f64());
        }
    }

    /// This was kept of a delivery.
    pub(crate) fn kept(&self, next: &Next) {
        if let Some(counted) = &self.0 {
            let outcome = match next {
                Next::Delivered => "delivered",
                Next::Again(..) => "again",
                Next::Dead(_) => "dead",
            };
            counted.deliveries.get_or_create(&[("outcome", outcome)]).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_becomes_of_a_callback_was_there_at_zero() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        let at_first = registry.render();
        assert!(at_first.contains(r#"plimsoll_deliver_deliveries_total{outcome="dead"} 0"#), "{at_first}");
        let reason = String::new;
        for outcome in [
            Outcome::Taken,
            Outcome::Away { reason: reason(), after: None },
            Outcome::Rejected { reason: reason() },
            Outcome::Hopeless { reason: reason() },
        ] {
            metrics.attempted(&outcome, Duration::ZERO);
        }
        for next in [Next::Delivered, Next::Again(Duration::ZERO, reason()), Next::Dead(reason())] {
            metrics.kept(&next);
        }
        assert_eq!(registry.render().lines().count(), at_first.lines().count(), "no series is new");
    }
}
