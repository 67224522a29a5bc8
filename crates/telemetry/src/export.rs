//! Spans to an OTLP collector.

use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::{Config, Error};

/// A provider whose spans leave in batches from a thread of its own; none without an endpoint. What else the
/// OpenTelemetry specification reads from the environment (headers, timeout, sampler, batch sizes, resource
/// attributes) the SDK reads itself.
pub(crate) fn provider(config: &Config) -> Result<Option<SdkTracerProvider>, Error> {
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    // The gRPC channel lives on the runtime's worker threads.
    tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| Error::Exporter { endpoint: endpoint.clone(), why: error.to_string() })?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(config));
    Ok(Some(provider.build()))
}

fn resource(config: &Config) -> Resource {
    // The SDK's own detectors come last in importance but for this: a name given by the operator wins.
    let builder = Resource::builder();
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => builder.build(),
        _ => builder.with_service_name(config.service.clone()).build(),
    }
}
