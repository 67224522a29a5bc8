//! The metrics of a process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// Names and values of labels. Both are written in the program, so that their number is bounded: what a stranger sent
/// does not fit in here.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];
/// Counters that differ in their labels.
pub type Counters<const N: usize> = Family<Labels<N>, Counter>;
/// Gauges that differ in their labels.
pub type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
/// Histograms that differ in their labels, with the same buckets.
pub type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// Has the series with these labels begin at zero, before there is anything to count: the first event of a series that
/// begins with it is one that rates and increases do not see, and an alert on a series that is not there never fires.
pub fn from_zero<const N: usize, M, C: MetricConstructor<M>>(
    family: &Family<Labels<N>, M, C>,
    series: impl IntoIterator<Item = Labels<N>>,
) {
    for labels in series {
        drop(family.get_or_create(&labels));
    }
}

/// Every metric of a process; clones are the same registry. Names are `plimsoll_<crate>_<noun>`.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// What [`Metrics::render`] writes, as an HTTP content type.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// A registry without metrics.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Registry::with_prefix("plimsoll"))))
    }

    /// Registers `metric` as `plimsoll_<scope>_<name>`; `scope` is the crate that counts. The text format adds what
    /// it must: a full stop after `help`, `_total` after the name of a counter. Registering a name twice gives a
    /// broken exposition: it is done once, when the role starts.
    pub fn register(&self, scope: &'static str, name: &'static str, help: &'static str, metric: impl Metric) {
        self.lock().register(format!("{scope}_{name}"), help, metric);
    }

    /// Registers counters.
    pub fn counters<const N: usize>(
        &self,
        scope: &'static str,
        name: &'static str,
        help: &'static str,
    ) -> Counters<N> {
        let counters = Counters::default();
        self.register(scope, name, help, counters.clone());
        counters
    }

    /// Registers gauges.
    pub fn gauges<const N: usize>(
        &self,
        scope: &'static str,
        name: &'static str,
        help: &'static str,
    ) -> Gauges<N> {
        let gauges = Gauges::default();
        self.register(scope, name, help, gauges.clone());
        gauges
    }

    /// Registers histograms with the buckets of `new`.
    pub fn histograms<const N: usize>(
        &self,
        scope: &'static str,
        name: &'static str,
        help: &'static str,
        new: fn() -> Histogram,
    ) -> Histograms<N> {
        let histograms = Histograms::new_with_constructor(new);
        self.register(scope, name, help, histograms.clone());
        histograms
    }

    /// Everything, in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string fails only where a metric's own encoder does; what was written before it still counts.
        if encode(&mut text, &self.lock()).is_err() {
            text.push_str("# a metric could not be written\n");
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_can_be_there_before_it_counts() {
        let metrics = Metrics::new();
        let jobs = metrics.counters("fleet", "jobs", "Jobs that ended");
        let seconds = metrics.histograms("fleet", "seconds", "Seconds", || Histogram::new([1.0]));
        assert_eq!(metrics.render(), "# EOF\n");
        from_zero(&jobs, ["done", "failed"].map(|outcome| [("outcome", outcome)]));
        from_zero(&seconds, [[("lane", "push")]]);
        let text = metrics.render();
        for line in [
            r#"plimsoll_fleet_jobs_total{outcome="done"} 0"#,
            r#"plimsoll_fleet_jobs_total{outcome="failed"} 0"#,
            r#"plimsoll_fleet_seconds_count{lane="push"} 0"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        jobs.get_or_create(&[("outcome", "done")]).inc();
        from_zero(&jobs, [[("outcome", "done")]]);
        assert!(metrics.render().contains(r#"{outcome="done"} 1"#), "what was counted stays");
    }

    #[test]
    fn a_metric_is_rendered_under_its_scope() {
        let metrics = Metrics::new();
        let jobs = metrics.counters("fleet", "jobs", "Jobs that ended");
        jobs.get_or_create(&[("outcome", "done")]).inc_by(2);
        assert_eq!(
            metrics.clone().render(),
            "# HELP plimsoll_fleet_jobs Jobs that ended.\n\
             # TYPE plimsoll_fleet_jobs counter\n\
             plimsoll_fleet_jobs_total{outcome=\"done\"} 2\n\
             # EOF\n"
        );
    }
}
