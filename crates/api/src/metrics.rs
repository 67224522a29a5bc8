//! What a server counts.

use std::time::Duration;

use plimsoll_telemetry::prometheus_client::metrics::gauge::Gauge;
use plimsoll_telemetry::prometheus_client::metrics::histogram::Histogram;
use plimsoll_telemetry::{Counters, Histograms, Metrics, from_zero};
use tonic::Code;

/// Counters of one server. Labels are bounded: methods are those of the protos, codes the seventeen of gRPC.
#[derive(Clone, Debug)]
pub(crate) struct ApiMetrics {
    calls: Counters<2>,
    seconds: Histograms<1>,
    streams: Gauge,
}

/// What can be called, as the protos name it.
const METHODS: [&str; 12] = [
    "CancelCrawl",
    "CancelScan",
    "GetCrawl",
    "GetScan",
    "GetVerdict",
    "ListCrawls",
    "ListScans",
    "ListTagHistory",
    "StartCrawl",
    "SubmitScan",
    "WatchScan",
    "WatchVerdicts",
];

/// From 1 ms to the longest a call may take.
fn histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0])
}

impl ApiMetrics {
    /// Registers them.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let streams = Gauge::default();
        metrics.register("api", "streams", "Streams that are open", streams.clone());
        let calls = metrics.counters("api", "calls", "Calls answered, by method and gRPC code");
        // The specification numbers its codes from 0 to 16.
        let codes = (0..=16).map(|number| name(Code::from_i32(number)));
        from_zero(&calls, codes.flat_map(|code| METHODS.map(|method| [("method", method), ("code", code)])));
        let seconds = metrics.histograms(
            "api",
            "call_seconds",
            "Seconds until a call was answered, or its stream began",
            histogram,
        );
        from_zero(&seconds, METHODS.map(|method| [("method", method)]));
        Self { calls, seconds, streams }
    }

    /// Counts a call that was answered.
    pub(crate) fn answered(&self, method: &'static str, code: Code, took: Duration) {
        self.calls.get_or_create(&[("method", method), ("code", name(code))]).inc();
        self.seconds.get_or_create(&[("method", method)]).observe(took.as_secs_f64());
    }

    /// Counts a stream until the guard is dropped.
    pub(crate) fn stream(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }
}

/// A stream that is open.
#[derive(Debug)]
pub(crate) struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Names of the gRPC specification.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
