//! A collector of spans in this process, and somebody who is called back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::runtime::Runtime;
use tonic::{Request, Response, Status};

/// An OTLP collector on loopback.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    received: mpsc::Receiver<ExportTraceServiceRequest>,
    _runtime: Runtime,
}

struct Service(mpsc::Sender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (sender, received) = mpsc::channel();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let service = TraceServiceServer::new(Service(sender));
        runtime.spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        Self { endpoint: format!("http://{address}"), received, _runtime: runtime }
    }

    /// Everything that came by now, each span with the name of the service it is from.
    pub(crate) fn spans(&self) -> Vec<(String, Span)> {
        let resources = self.received.try_iter().flat_map(|request| request.resource_spans);
        let spans = resources.flat_map(|of_one| {
            let service = service(of_one.resource.as_ref());
            let spans = of_one.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| (service.clone(), span))
        });
        spans.collect()
    }
}

fn service(resource: Option<&Resource>) -> String {
    let name = resource.and_then(|it| it.attributes.iter().find(|pair| pair.key == "service.name"));
    match name.and_then(|pair| pair.value.clone()).and_then(|value| value.value) {
        Some(Value::StringValue(name)) => name,
        other => panic!("a resource without a service: {other:?}"),
    }
}

/// Somebody who wants to be told, and takes whatever is posted.
pub(crate) struct Receiver {
    pub(crate) url: String,
    posted: mpsc::Receiver<Vec<String>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let (sender, posted) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let lines = reader.by_ref().lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let length = header(&head, "content-length").and_then(|length| length.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                if reader.read_exact(&mut body).is_ok() {
                    let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                    let _ = reader.get_mut().write_all(answer);
                    let _ = sender.send(head);
                }
            }
        });
        Self { url, posted }
    }

    /// A header of the next post.
    pub(crate) fn next(&self, name: &str) -> Option<String> {
        let head = self.posted.recv_timeout(Duration::from_secs(60)).expect("somebody posts");
        header(&head, name)
    }
}

fn header(head: &[String], name: &str) -> Option<String> {
    let mut pairs = head.iter().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim().to_owned())
}
