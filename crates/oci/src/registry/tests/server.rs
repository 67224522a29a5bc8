//! A registry (or whatever else speaks HTTP) in this process, scripted by a test.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, RANGE};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// A request as the server saw it.
#[derive(Clone, Debug, Default)]
pub(in crate::registry) struct Seen {
    pub(in crate::registry) method: String,
    pub(in crate::registry) host: String,
    pub(in crate::registry) path: String,
    pub(in crate::registry) query: String,
    pub(in crate::registry) accept: String,
    pub(in crate::registry) authorization: Option<String>,
    pub(in crate::registry) range: Option<String>,
    pub(in crate::registry) body: String,
    /// Paths of the requests before this one.
    pub(in crate::registry) history: Vec<String>,
}

impl Seen {
    /// Requests for `path` so far, this one included.
    pub(in crate::registry) fn count_of(&self, path: &str) -> usize {
        self.history.iter().chain([&self.path]).filter(|seen| *seen == path).count()
    }
}

/// What the server says.
#[derive(Clone, Debug)]
pub(in crate::registry) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    cut_after: Option<usize>,
    chunked: bool,
}

impl Answer {
    pub(in crate::registry) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status(200).body(body)
    }

    pub(in crate::registry) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), cut_after: None, chunked: false }
    }

    pub(in crate::registry) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(in crate::registry) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Bytes::copy_from_slice(body.as_ref());
        self
    }

    pub(in crate::registry) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Honours the request's Range.
    pub(in crate::registry) fn ranged(self, seen: &Seen) -> Self {
        let Some(range) = &seen.range else { return self };
        let start: usize = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
        let total = self.body.len();
        let rest = self.body.slice(start..);
        Self { body: rest, ..self }
            .with_status(206)
            .header("content-range", &format!("bytes {start}-{}/{total}", total - 1))
    }

    /// Promises the whole body and breaks the connection after `length` bytes of it.
    pub(in crate::registry) fn cut_after(mut self, length: usize) -> Self {
        self.cut_after = Some(length);
        self
    }

    /// States no length.
    pub(in crate::registry) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    fn respond(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = match self.cut_after.filter(|cut| *cut < self.body.len()) {
            Some(cut) => {
                response = response.header("content-length", self.body.len());
                let pieces = [Ok(Frame::data(self.body.slice(..cut))), Err(std::io::Error::other("cut"))];
                // Time for the server to send what it has before it learns that there is no more.
                let paced = stream::iter(pieces).then(async |piece| {
                    if piece.is_err() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    piece
                });
                StreamBody::new(paced).boxed_unsync()
            }
            None if self.chunked => {
                StreamBody::new(stream::iter([Ok(Frame::data(self.body))])).boxed_unsync()
            }
            None => Full::new(self.body).map_err(|never| match never {}).boxed_unsync(),
        };
        response.body(body).unwrap()
    }
}

/// The running server.
pub(in crate::registry) struct Hub {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Hub {
    /// Serves what `script` says, on a loopback port, until the test's runtime ends.
    pub(in crate::registry) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, seen) = (Arc::new(script), Arc::new(Mutex::new(Vec::<Seen>::new())));
        let record = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, record) = (Arc::clone(&script), Arc::clone(&record));
                let service = service_fn(move |request| {
                    let (script, record) = (Arc::clone(&script), Arc::clone(&record));
                    async move {
                        let mut seen = look(request, address).await;
                        let answer = {
                            let mut record = record.lock().unwrap();
                            seen.history = record.iter().map(|seen| seen.path.clone()).collect();
                            record.push(seen.clone());
                            script(&seen)
                        };
                        Ok::<_, Infallible>(answer.respond())
                    }
                });
                let serve = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serve.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, seen }
    }

    pub(in crate::registry) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub(in crate::registry) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(in crate::registry) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    pub(in crate::registry) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

async fn look(request: Request<Incoming>, address: SocketAddr) -> Seen {
    let header = |name: hyper::header::HeaderName| {
        request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    Seen {
        method: request.method().to_string(),
        host: address.to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        accept: header(hyper::header::ACCEPT).unwrap_or_default(),
        authorization: header(AUTHORIZATION),
        range: header(RANGE),
        history: Vec::new(),
        body: String::from_utf8(request.into_body().collect().await.unwrap().to_bytes().into()).unwrap(),
    }
}
