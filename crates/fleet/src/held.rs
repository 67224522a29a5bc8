//! What a role holds under a lease, and since when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use plimsoll_telemetry::Metrics;
use plimsoll_telemetry::prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use plimsoll_telemetry::prometheus_client::metrics::MetricType;

/// Everything held at this moment. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Mutex<Since>>);

#[derive(Debug, Default)]
struct Since {
    next: u64,
    /// In the order of their beginning.
    began: BTreeMap<u64, Instant>,
}

impl Held {
    /// Registers two gauges: how many are held, and how long the oldest has been.
    pub(crate) fn register(metrics: &Metrics, count: [&'static str; 2], oldest: [&'static str; 2]) -> Self {
        let held = Self::default();
        metrics.register("fleet", count[0], count[1], Count(held.clone()));
        metrics.register("fleet", oldest[0], oldest[1], Oldest(held.clone()));
        held
    }

    /// One more, until the guard is dropped.
    pub(crate) fn hold(&self) -> Hold {
        let mut since = self.since();
        let number = since.next;
        since.next += 1;
        since.began.insert(number, Instant::now());
        Hold { held: self.clone(), number }
    }

    fn count(&self) -> usize {
        self.since().began.len()
    }

    /// Zero while nothing is held.
    fn oldest_seconds(&self) -> f64 {
        self.since().began.values().next().map_or(0.0, |began| began.elapsed().as_secs_f64())
    }

    fn since(&self) -> MutexGuard<'_, Since> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thing that is held.
#[derive(Debug)]
pub(crate) struct Hold {
    held: Held,
    number: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.since().began.remove(&self.number);
    }
}

#[derive(Debug)]
struct Count(Held);

impl EncodeMetric for Count {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        encoder.encode_gauge(&(self.0.count() as u64))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// Computed when somebody asks: an age that is written down is wrong a second later.
#[derive(Debug)]
struct Oldest(Held);

impl EncodeMetric for Oldest {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        encoder.encode_gauge(&self.0.oldest_seconds())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metrics: &Metrics, name: &str) -> f64 {
        let text = metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {text}")).parse().expect("a number")
    }

    #[test]
    fn the_oldest_is_the_one_that_has_been_held_longest() {
        let metrics = Metrics::new();
        let held = Held::register(&metrics, ["jobs_held", "Jobs"], ["jobs_oldest_lease_seconds", "Age"]);
        let (count, oldest) = ("plimsoll_fleet_jobs_held", "plimsoll_fleet_jobs_oldest_lease_seconds");
        assert_eq!((value(&metrics, count), value(&metrics, oldest)), (0.0, 0.0));
        let first = held.hold();
        let began = first.held.since().began[&first.number];
        let second = held.hold();
        while began.elapsed().is_zero() {}
        assert!((value(&metrics, count) - 2.0).abs() < 0.5);
        assert!(value(&metrics, oldest) > 0.0);
        drop(second);
        assert_eq!(held.since().began.values().next(), Some(&began));
        drop(first);
        assert_eq!((value(&metrics, count), value(&metrics, oldest)), (0.0, 0.0));
    }
}
