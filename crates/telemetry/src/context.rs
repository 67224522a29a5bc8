//! Trace context in headers: W3C Trace Context (`traceparent`, `tracestate`).

use std::collections::BTreeMap;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Writes the current span into `headers`, so that what is done with the message becomes part of its trace. Headers
/// of an older context are replaced; without a recorded span nothing is written.
pub fn inject(headers: &mut BTreeMap<String, String>) {
    inject_span(&Span::current(), headers);
}

/// [`inject`] for a span that is not the current one.
pub fn inject_span(span: &Span, headers: &mut BTreeMap<String, String>) {
    let context = span.context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut Headers(headers));
    }
}

/// The span that `headers` name. Headers without one, or with one that is malformed, give a parent that adopts
/// nothing: a message is never refused for its trace.
pub fn extract(headers: &BTreeMap<String, String>) -> Parent {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Pairs(headers));
    Parent(context)
}

/// A span of another process, or none.
#[derive(Clone, Debug)]
pub struct Parent(Context);

impl Parent {
    /// Makes `span` a child of this one. Must be called before `span` is entered for the first time: from then on its
    /// place in the trace is settled.
    pub fn adopt(&self, span: &Span) {
        if self.is_some() {
            // The only errors are a span that nobody records, and one that began: neither is worth a failure.
            drop(span.set_parent(self.0.clone()));
        }
    }

    /// Names this one in `span`, which stays in its own trace: for what caused the work and is no part of it.
    pub fn link(&self, span: &Span) {
        span.add_link(self.0.span().span_context().clone());
    }

    /// The root of the trace that is named by a UUID (32 hex digits; hyphens do not count). Processes that share nothing
    /// but the name of what they work on, such as the id of a scan, find each other's spans that way. Any other text
    /// gives a parent that adopts nothing.
    pub fn of_trace(uuid: &str) -> Self {
        let hex: String = uuid.chars().filter(|c| *c != '-').collect();
        let number = if hex.len() == 32 { u128::from_str_radix(&hex, 16).unwrap_or(0) } else { 0 };
        let root = SpanContext::new(
            TraceId::from(number),
            // Nobody records the root itself; its number only has to be the same for everybody.
            SpanId::from(number as u64),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        Self(Context::new().with_remote_span_context(root))
    }

    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        self.0.span().span_context().is_valid()
    }
}

struct Headers<'a>(&'a mut BTreeMap<String, String>);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An empty tracestate says nothing and would cost a header in every message.
        if value.is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), value);
        }
    }
}

struct Pairs<'a>(&'a BTreeMap<String, String>);

impl Extractor for Pairs<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn recording<T>(work: impl FnOnce() -> T) -> T {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work)
    }

    fn headers(traceparent: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("traceparent".to_owned(), traceparent.to_owned())])
    }

    #[test]
    fn a_trace_goes_on_through_headers() {
        recording(|| {
            let span = tracing::info_span!("work");
            extract(&headers(PARENT)).adopt(&span);
            let mut sent = headers("of an older message");
            span.in_scope(|| inject(&mut sent));
            let traceparent = &sent["traceparent"];
            assert!(traceparent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{traceparent}");
            assert!(!traceparent.contains("b7ad6b7169203331"), "the span itself is the new parent");
            assert_eq!(sent.len(), 1, "no empty tracestate: {sent:?}");
        });
    }

    #[test]
    fn headers_without_a_sound_context_adopt_nothing() {
        for broken in ["", "00-0-0-00", "zz-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "\u{0}"] {
            assert!(!extract(&headers(broken)).is_some(), "{broken:?}");
        }
        assert!(!extract(&BTreeMap::new()).is_some());
        recording(|| extract(&BTreeMap::new()).adopt(&tracing::info_span!("work")));
    }

    #[test]
    fn the_name_of_a_scan_is_the_name_of_its_trace() {
        let sent = recording(|| {
            let span = tracing::info_span!("resolve");
            Parent::of_trace("0193e4a0-8c1f-7d2a-9a6b-0123456789ab").adopt(&span);
            let mut sent = BTreeMap::new();
            inject_span(&span, &mut sent);
            sent
        });
        assert!(sent["traceparent"].starts_with("00-0193e4a08c1f7d2a9a6b0123456789ab-"), "{sent:?}");
        for other in ["", "scan-7", &"0".repeat(32), &"é".repeat(16)] {
            assert!(!Parent::of_trace(other).is_some(), "{other:?}");
        }
    }

    #[test]
    fn without_a_recorder_no_header_is_written() {
        let mut sent = BTreeMap::new();
        tracing::info_span!("work").in_scope(|| inject(&mut sent));
        assert!(sent.is_empty());
    }
}
