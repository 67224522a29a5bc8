//! One trace per scan, whoever works on it.

use std::fmt::Write as _;
use std::fs;

use opentelemetry_proto::tonic::trace::v1::Span;

use crate::collector::{Collector, Receiver};
use crate::fleet::{Fleet, Settings, image, installs};

/// Signs callbacks; its bytes say nothing.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// The spans of one trace.
struct Trace(Vec<(String, Span)>);

impl Trace {
    /// Spans of this name and service.
    fn named(&self, service: &str, name: &str) -> Vec<&Span> {
        let found = self.0.iter().filter(|(of, span)| of == service && span.name == name);
        found.map(|(_, span)| span).collect()
    }

    /// `count` spans of this name, each below one of `above`.
    fn below(&self, above: &[&Span], service: &str, name: &str, count: usize) -> Vec<&Span> {
        let mut found = self.named(service, name);
        found.retain(|span| above.iter().any(|above| above.span_id == span.parent_span_id));
        assert_eq!(found.len(), count, "{service} {name}: {:#?}", self.told());
        found
    }

    fn told(&self) -> Vec<String> {
        let tell = |(service, span): &(String, Span)| {
            format!("{service} {} {} below {}", span.name, hex(&span.span_id), hex(&span.parent_span_id))
        };
        self.0.iter().map(tell).collect()
    }
}

#[test]
fn a_scan_is_one_trace_from_its_plan_to_its_callback() {
    let (collector, receiver) = (Collector::start(), Receiver::start());
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&secret, SECRET).expect("it is written");
    let arguments = ["--allow-callback-network", "127.0.0.0/8", "--callback-secret"].map(str::to_owned);
    let mut fleet = Fleet::start_with(Settings {
        arguments: [&arguments[..], &[secret.path().display().to_string()]].concat(),
        environment: vec![("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.clone())],
        files: Vec::new(),
    });
    let image = image("amd64", &[installs("quay", "1.0"), installs("jetty", "1.2")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);
    let answer = fleet.ask(&["submit", &reference, "--callback", &receiver.url]);
    let trace = answer.stdout.split_whitespace().next().expect("an id").replace('-', "");
    let traceparent = receiver.next("traceparent").expect("callbacks carry their trace");
    assert!(traceparent.starts_with(&format!("00-{trace}-")), "{traceparent}");
    // Who ends sends the last of its spans before, so there is nothing to wait for.
    assert_eq!(fleet.stop(), Some(0));

    let (of_scan, others): (Vec<_>, Vec<_>) =
        collector.spans().into_iter().partition(|(_, span)| hex(&span.trace_id) == trace);
    let spans = Trace(of_scan);
    let plan = spans.named("plimsoll", "plan");
    assert_eq!(plan.len(), 1, "{:#?}", spans.told());
    spans.below(&plan, "plimsoll", "resolve", 1);
    let published = spans.below(&plan, "plimsoll", "publish", 1);
    let jobs = spans.below(&published, "plimsoll", "job", 2);
    let read = spans.below(&jobs, "plimsoll-job", "read", 2);
    spans.below(&read, "plimsoll-job", "pull", 2);
    let results = spans.below(&jobs, "plimsoll", "publish", 2);
    spans.below(&results, "plimsoll", "settle", 2);
    let judged = spans.named("plimsoll", "judge");
    spans.below(&judged, "plimsoll", "fold", 1);
    spans.below(&judged, "plimsoll", "evaluate", 1);
    let called = spans.named("plimsoll", "callback");
    assert_eq!((judged.len(), called.len()), (1, 1), "{:#?}", spans.told());
    let root = &plan[0].parent_span_id;
    assert!(judged.iter().chain(&called).all(|span| span.parent_span_id == *root), "{:#?}", spans.told());
    assert!(traceparent.contains(&hex(&called[0].span_id)), "{traceparent}");

    let submitted =
        others.iter().find(|(_, span)| span.links.iter().any(|link| hex(&link.trace_id) == trace));
    assert_eq!(submitted.map(|(_, span)| span.name.as_str()), Some("call"), "it names the scan's trace");
}
