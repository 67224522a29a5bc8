//! What a coordinator counts.

use std::time::Duration;

use plimsoll_queue::Depth;
use plimsoll_state::Backlog;
use plimsoll_telemetry::prometheus_client::metrics::counter::Counter;
use plimsoll_telemetry::prometheus_client::metrics::histogram::Histogram;
use plimsoll_telemetry::{Counters, Gauges, Histograms, from_zero};
use plimsoll_types::Lane;

use crate::held::{Held, Hold};

/// Counters of a coordinator; clones are the same. The default counts nothing and costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Option<Counted>);

#[derive(Clone, Debug)]
struct Counted {
    scans: Held,
    seconds: Histograms<1>,
    layers: Counters<1>,
    republished: Counter,
    waiting_layers: Gauges<1>,
    waiting_scans: Gauges<1>,
    messages: Gauges<2>,
}

/// How planning a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is planned.
    Planned,
    /// It is tried again later.
    PutOff,
    /// It failed for good.
    Failed,
    /// The image is gone.
    Gone,
    /// What came of it could not be kept, so it is done again.
    Lost,
}

impl Ended {
    const ALL: [Self; 5] = [Self::Planned, Self::PutOff, Self::Failed, Self::Gone, Self::Lost];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::PutOff => "put_off",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Lost => "lost",
        }
    }
}

const NEW: &str = "new";
const SAVED: &str = "saved";

/// From a manifest that a registry has at hand to one that does not come.
fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0])
}

impl Metrics {
    /// Registers them; once in a process.
    pub fn new(metrics: &plimsoll_telemetry::Metrics) -> Self {
        let republished = Counter::default();
        let help = "Layers published again, because they were lost or have another attempt";
        metrics.register("fleet", "republished_layers", help, republished.clone());
        let seconds = metrics.histograms(
            "fleet",
            "plan_seconds",
            "Seconds from claiming a scan until it was planned or set aside",
            seconds,
        );
        from_zero(&seconds, Ended::ALL.map(|how| [("outcome", how.as_str())]));
        let layers = metrics.counters(
            "fleet",
            "planned_layers",
            "Distinct layers of planned scans: new, or saved because known or asked for already",
        );
        from_zero(&layers, [NEW, SAVED].map(|work| [("work", work)]));
        Self(Some(Counted {
            scans: Held::register(
                metrics,
                ["scans_held", "Scans this process resolves and plans"],
                [
                    "scans_oldest_lease_seconds",
                    "Seconds since this process claimed the oldest of the scans it plans",
                ],
            ),
            seconds,
            layers,
            republished,
            // What waits is unknown until somebody has counted, which is not the same as zero.
            waiting_layers: metrics.gauges(
                "fleet",
                "backlog_layers",
                "Layers of the whole fleet that some scan waits for",
            ),
            waiting_scans: metrics.gauges(
                "fleet",
                "backlog_scans",
                "Scans of the whole fleet that wait for a coordinator",
            ),
            messages: metrics.gauges(
                "fleet",
                "queue_messages",
                "Layer jobs in the queue, as far as the broker tells",
            ),
        }))
    }

    /// Whether anybody counts: what has to be asked for is not asked for otherwise.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A scan is held until the guard is dropped.
    pub(super) fn hold(&self) -> Option<Hold> {
        self.0.as_ref().map(|counted| counted.scans.hold())
    }

    /// Planning a scan came to this.
    pub(super) fn ended(&self, how: Ended, took: Duration) {
        if let Some(counted) = &self.0 {
            let labels = [("outcome", how.as_str())];
            counted.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        }
    }

    /// A scan has so many distinct layers, and so many of them are new.
    pub(super) fn planned(&self, layers: usize, new: usize) {
        if let Some(counted) = &self.0 {
            counted.layers.get_or_create(&[("work", NEW)]).inc_by(new as u64);
            counted.layers.get_or_create(&[("work", SAVED)]).inc_by(layers.saturating_sub(new) as u64);
        }
    }

    /// So many layers are published again.
    pub(super) fn republished(&self, layers: usize) {
        if let Some(counted) = &self.0 {
            counted.republished.inc_by(layers as u64);
        }
    }

    /// What waits.
    pub(super) fn backlog(&self, backlog: &Backlog) {
        let Some(counted) = &self.0 else { return };
        for lane in Lane::ALL {
            let labels = [("lane", lane.as_str())];
            let of = |waiting: &std::collections::BTreeMap<Lane, u64>| {
                waiting.get(lane).copied().unwrap_or(0).cast_signed()
            };
            counted.waiting_layers.get_or_create(&labels).set(of(&backlog.layers));
            counted.waiting_scans.get_or_create(&labels).set(of(&backlog.scans));
        }
    }

    /// What lies in the queue.
    pub(super) fn depth(&self, lane: Lane, depth: Depth) {
        let Some(counted) = &self.0 else { return };
        for (state, messages) in [("ready", depth.ready), ("leased", depth.leased)] {
            let labels = [("lane", lane.as_str()), ("state", state)];
            counted.messages.get_or_create(&labels).set(messages.cast_signed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_where_nothing_waits_any_more_says_so() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        let waiting = Backlog { layers: [(Lane::Push, 7)].into(), scans: [(Lane::Backfill, 2)].into() };
        metrics.backlog(&waiting);
        let text = registry.render();
        assert!(text.contains(r#"plimsoll_fleet_backlog_layers{lane="push"} 7"#), "{text}");
        assert!(text.contains(r#"plimsoll_fleet_backlog_layers{lane="interactive"} 0"#), "{text}");
        assert!(text.contains(r#"plimsoll_fleet_backlog_scans{lane="backfill"} 2"#), "{text}");
        metrics.backlog(&Backlog::default());
        let text = registry.render();
        assert!(text.contains(r#"plimsoll_fleet_backlog_layers{lane="push"} 0"#), "{text}");
    }

    #[test]
    fn whatever_becomes_of_a_scan_was_there_at_zero() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        let at_first = registry.render();
        assert!(at_first.contains(r#"plimsoll_fleet_plan_seconds_count{outcome="gone"} 0"#), "{at_first}");
        assert!(!at_first.contains("plimsoll_fleet_backlog_layers{"), "nobody has counted yet: {at_first}");
        for how in Ended::ALL {
            metrics.ended(how, Duration::ZERO);
        }
        metrics.planned(3, 1);
        metrics.republished(1);
        assert_eq!(registry.render().lines().count(), at_first.lines().count(), "no series is new");
    }

    #[test]
    fn who_counts_nothing_is_asked_for_nothing() {
        let metrics = Metrics::default();
        assert!(!metrics.is_on() && metrics.hold().is_none());
        metrics.planned(3, 1);
        metrics.ended(Ended::Planned, Duration::ZERO);
    }
}
