//! A receiver of callbacks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc};

/// What arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).expect(name).to_str().expect("text")
    }
}

/// What is answered.
#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    held: bool,
    never: bool,
}

impl Answer {
    pub(super) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), held: false, never: false }
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Only after [`Receiver::let_go`].
    pub(super) fn held(self) -> Self {
        Self { held: true, ..self }
    }

    pub(super) fn never() -> Self {
        Self { never: true, ..Self::status(200) }
    }
}

pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    received: Mutex<mpsc::UnboundedReceiver<Received>>,
    shared: Arc<Shared>,
}

struct Shared {
    count: AtomicUsize,
    let_go: Notify,
    answer: Box<dyn Fn(usize) -> Answer + Send + Sync>,
}

impl Receiver {
    /// Answers the nth request with `answer(n)`, counted from 0.
    pub(super) async fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, received) = mpsc::unbounded_channel();
        let shared =
            Arc::new(Shared { count: AtomicUsize::new(0), let_go: Notify::new(), answer: Box::new(answer) });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (shared, sender) = (Arc::clone(&serving), sender.clone());
                let service = service_fn(move |request| {
                    let (shared, sender) = (Arc::clone(&shared), sender.clone());
                    async move { Ok::<_, Infallible>(shared.take(request, &sender).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, received: Mutex::new(received), shared }
    }

    pub(super) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// The next request that was not seen yet.
    pub(super) async fn next(&self) -> Received {
        self.received.lock().await.recv().await.expect("a request")
    }

    /// Requests so far.
    pub(super) fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// Lets one held answer go.
    pub(super) fn let_go(&self) {
        self.shared.let_go.notify_one();
    }
}

impl Shared {
    async fn take(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
        sender: &mpsc::UnboundedSender<Received>,
    ) -> hyper::Response<Full<Bytes>> {
        let answer = (self.answer)(self.count.fetch_add(1, Ordering::SeqCst));
        let (head, body) = request.into_parts();
        let received = Received {
            method: head.method.to_string(),
            target: head.uri.to_string(),
            headers: head.headers,
            body: body.collect().await.expect("a body").to_bytes().to_vec(),
        };
        // Nobody reads it any more when a test is over.
        drop(sender.send(received));
        if answer.never {
            std::future::pending::<()>().await;
        }
        if answer.held {
            self.let_go.notified().await;
        }
        let mut response = hyper::Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(Full::from("thank you")).expect("an answer")
    }
}
