//! Whoever is told of verdicts. It takes its time, so that there is something to interrupt.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const PAUSE: Duration = Duration::from_millis(150);

/// A receiver of callbacks; ends with the runtime.
pub(crate) struct Receiver {
    address: String,
    told: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Receiver {
    pub(crate) fn start(runtime: &Runtime) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port to listen on");
        let address = listener.local_addr().expect("an address").to_string();
        let told = Arc::default();
        runtime.spawn(serve(listener, Arc::clone(&told)));
        Self { address, told }
    }

    /// Where it is told of a scan.
    pub(crate) fn url(&self, scan: usize) -> String {
        format!("http://{}/scan/{scan}", self.address)
    }

    /// How many scans it was told of at least once.
    pub(crate) fn scans(&self) -> usize {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

async fn serve(listener: TcpListener, told: Arc<Mutex<BTreeMap<String, usize>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let told = Arc::clone(&told);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| async {
                let path = request.uri().path().to_owned();
                let whole = request.into_body().collect().await.is_ok();
                tokio::time::sleep(PAUSE).await;
                if whole {
                    *told.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_default() += 1;
                }
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            });
            // A poster that was killed has gone away.
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
