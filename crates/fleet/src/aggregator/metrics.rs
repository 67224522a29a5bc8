//! What an aggregator counts.

use std::time::Duration;

use plimsoll_state::Settled;
use plimsoll_telemetry::prometheus_client::metrics::histogram::Histogram;
use plimsoll_telemetry::{Counters, Histograms, from_zero};
use plimsoll_types::Lane;
use plimsoll_types::report::VerdictStatus;

use crate::held::{Held, Hold};

/// Counters of an aggregator; clones are the same. The default counts nothing and costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Option<Counted>);

#[derive(Clone, Debug)]
struct Counted {
    targets: Held,
    results: Counters<1>,
    seconds: Histograms<1>,
    verdicts: Counters<1>,
    to_verdict: Histograms<1>,
}

/// How judging a target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It has this verdict.
    Judged,
    /// It is tried again later.
    PutOff,
    /// Its scan ended without a verdict.
    GivenUp,
    /// Somebody else was first, or what came of it could not be kept.
    Lost,
}

impl Ended {
    const ALL: [Self; 4] = [Self::Judged, Self::PutOff, Self::GivenUp, Self::Lost];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::PutOff => "put_off",
            Self::GivenUp => "given_up",
            Self::Lost => "lost",
        }
    }
}

const SETTLED: &str = "settled";
const AGAIN: &str = "again";
const IGNORED: &str = "ignored";
const UNREADABLE: &str = "unreadable";

const STATUSES: [VerdictStatus; 4] =
    [VerdictStatus::Pass, VerdictStatus::Warn, VerdictStatus::Fail, VerdictStatus::NotJudged];

/// Milliseconds for known layers, seconds for an image of thousands of packages.
fn seconds() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

/// From an image whose layers are known to a backfill of a night.
fn to_verdict() -> Histogram {
    Histogram::new([
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0,
        86400.0,
    ])
}

impl Metrics {
    /// Registers them; once in a process.
    pub fn new(metrics: &plimsoll_telemetry::Metrics) -> Self {
        let results = metrics.counters("fleet", "results", "Results of jobs taken in, by what they did");
        from_zero(&results, [SETTLED, AGAIN, IGNORED, UNREADABLE].map(|outcome| [("outcome", outcome)]));
        let seconds = metrics.histograms(
            "fleet",
            "judge_seconds",
            "Seconds from claiming an image until it was judged or set aside",
            seconds,
        );
        from_zero(&seconds, Ended::ALL.map(|how| [("outcome", how.as_str())]));
        let verdicts = metrics.counters("fleet", "verdicts", "Verdicts, one for each image of a scan");
        from_zero(&verdicts, STATUSES.map(|status| [("status", status.as_str())]));
        let to_verdict = metrics.histograms(
            "fleet",
            "submit_to_verdict_seconds",
            "Seconds from submitting a scan to the verdict on an image of it",
            to_verdict,
        );
        from_zero(&to_verdict, Lane::ALL.iter().map(|lane| [("lane", lane.as_str())]));
        Self(Some(Counted {
            targets: Held::register(
                metrics,
                ["targets_held", "Images this process judges"],
                [
                    "targets_oldest_lease_seconds",
                    "Seconds since this process claimed the oldest of the images it judges",
                ],
            ),
            results,
            seconds,
            verdicts,
            to_verdict,
        }))
    }

    /// A target is held until the guard is dropped.
    pub(super) fn hold(&self) -> Option<Hold> {
        self.0.as_ref().map(|counted| counted.targets.hold())
    }

    /// A result was taken in.
    pub(super) fn settled(&self, settled: &Settled) {
        self.result(match settled {
            Settled::As(_) => SETTLED,
            Settled::Again(_) => AGAIN,
            Settled::Ignored => IGNORED,
        });
    }

    /// A result was set aside, because nobody can read it.
    pub(super) fn unreadable(&self) {
        self.result(UNREADABLE);
    }

    fn result(&self, outcome: &'static str) {
        if let Some(counted) = &self.0 {
            counted.results.get_or_create(&[("outcome", outcome)]).inc();
        }
    }

    /// Judging a target came to this.
    pub(super) fn ended(&self, how: Ended, took: Duration) {
        if let Some(counted) = &self.0 {
            let labels = [("outcome", how.as_str())];
            counted.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        }
    }

    /// A verdict counts, so many milliseconds after its scan was submitted.
    pub(super) fn verdict(&self, status: VerdictStatus, lane: Lane, since_submit_ms: i64) {
        let Some(counted) = &self.0 else { return };
        counted.verdicts.get_or_create(&[("status", status.as_str())]).inc();
        // The clocks of two machines may differ by more than judging takes.
        let seconds = since_submit_ms.max(0) as f64 / 1000.0;
        counted.to_verdict.get_or_create(&[("lane", lane.as_str())]).observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_state::LayerState;

    use super::*;

    #[test]
    fn whatever_becomes_of_an_image_was_there_at_zero() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        let at_first = registry.render();
        assert!(at_first.contains(r#"plimsoll_fleet_results_total{outcome="ignored"} 0"#), "{at_first}");
        for how in Ended::ALL {
            metrics.ended(how, Duration::ZERO);
        }
        for lane in Lane::ALL {
            for status in STATUSES {
                metrics.verdict(status, *lane, 9);
            }
        }
        for settled in [Settled::As(LayerState::Done), Settled::Again(9), Settled::Ignored] {
            metrics.settled(&settled);
        }
        metrics.unreadable();
        assert_eq!(registry.render().lines().count(), at_first.lines().count(), "no series is new");
    }

    #[test]
    fn a_verdict_counts_by_status_and_by_how_long_its_asker_waited() {
        let registry = plimsoll_telemetry::Metrics::new();
        let metrics = Metrics::new(&registry);
        metrics.verdict(VerdictStatus::Fail, Lane::Push, 1500);
        metrics.verdict(VerdictStatus::Fail, Lane::Push, -40);
        let text = registry.render();
        for line in [
            r#"plimsoll_fleet_verdicts_total{status="fail"} 2"#,
            r#"plimsoll_fleet_submit_to_verdict_seconds_sum{lane="push"} 1.5"#,
            r#"plimsoll_fleet_submit_to_verdict_seconds_bucket{le="0.01",lane="push"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
