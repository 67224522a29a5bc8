//! Spans arrive at a collector, those of a message's receiver in the trace of its sender. One test, for a process
//! sets telemetry up once.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use plimsoll_telemetry::{Config, Error, extract, inject};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn collector() -> (String, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let service = TraceServiceServer::new(Collector(sender));
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (format!("http://{address}"), receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_crosses_a_queue_arrives_whole_when_the_guard_is_dropped() {
    let (endpoint, mut received) = collector().await;
    let config = Config { otlp_endpoint: Some(endpoint), ..Config::new("plimsoll-test") };
    let guard = plimsoll_telemetry::init(&config).unwrap();
    assert!(matches!(plimsoll_telemetry::init(&Config::new("again")), Err(Error::Twice)));

    let mut headers = BTreeMap::new();
    tracing::info_span!("publish").in_scope(|| inject(&mut headers));
    let span = tracing::info_span!("job", layer = "sha256:ab");
    extract(&headers).adopt(&span);
    span.in_scope(|| tracing::info!("pulled"));
    drop(span);
    tokio::task::spawn_blocking(move || drop(guard)).await.unwrap();

    let mut spans = Vec::new();
    while let Ok(request) = received.try_recv() {
        for resource in request.resource_spans {
            let named = format!("{:?}", resource.resource);
            assert!(named.contains("plimsoll-test"), "{named}");
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans.sort_by(|a, b| a.name.cmp(&b.name));
    let [job, publish] = &spans[..] else { panic!("two spans: {spans:?}") };
    assert_eq!((job.name.as_str(), publish.name.as_str()), ("job", "publish"));
    assert_eq!(job.trace_id, publish.trace_id);
    assert_eq!(job.parent_span_id, publish.span_id);
}
