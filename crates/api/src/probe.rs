//! What is asked of a process from outside, over HTTP: whether it lives, whether it is ready, what it counted. For every
//! role, also those that speak no gRPC.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 while the process answers at all: a failure means "restart it" |
//! | `/readyz` | 200 if everything it needs can be reached, else 503, with one line per part: a failure means "send nobody" |
//! | `/metrics` | metrics in the OpenMetrics text format |

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use plimsoll_state::State;
use plimsoll_store::{Key, Store};
use plimsoll_telemetry::Metrics;
use plimsoll_types::Digest;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Error;

/// The longest a part may take to answer before it counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers about readiness are this old at most, so that asking often costs nothing behind the server.
const FRESH: Duration = Duration::from_secs(1);

/// Something a process needs.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Its name in the answer: `state`, `store`, `queue`.
    fn name(&self) -> &'static str;

    /// `Ok` if it can be reached. The error's text is logged, and not shown to whoever asks.
    async fn check(&self) -> Result<(), String>;
}

/// Whether the state can be reached.
pub fn state(state: Arc<dyn State>) -> Arc<dyn Probe> {
    Arc::new(StateProbe(state))
}

/// Whether the store can be reached.
pub fn store(store: Arc<dyn Store>) -> Arc<dyn Probe> {
    Arc::new(StoreProbe(store))
}

/// Listens, so that somebody can ask; who asks is answered by [`serve`]. Port 0 takes a free one.
///
/// # Errors
/// [`Error::Bind`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })
}

/// Answers until `shutdown` is over.
pub async fn serve(
    listener: TcpListener,
    probes: Vec<Arc<dyn Probe>>,
    metrics: Metrics,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    answer(listener, router(probes, metrics), shutdown).await
}

/// What is served by HTTP everywhere.
pub(crate) fn router(probes: Vec<Arc<dyn Probe>>, metrics: Metrics) -> Router {
    let shared = Arc::new(Answers { probes, metrics, readiness: Mutex::new(None) });
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(rendered))
        .with_state(shared)
}

/// Serves a router until `shutdown` is over.
pub(crate) async fn answer(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown);
    serving.await.map_err(|error| Error::Stopped(error.to_string()))
}

struct Answers {
    probes: Vec<Arc<dyn Probe>>,
    metrics: Metrics,
    readiness: Mutex<Option<(Instant, Readiness)>>,
}

#[derive(Clone)]
struct Readiness {
    ready: bool,
    lines: String,
}

async fn readyz(Shared(answers): Shared<Arc<Answers>>) -> impl IntoResponse {
    // Whoever asks meanwhile waits for the same answer.
    let mut known = answers.readiness.lock().await;
    let fresh = known.as_ref().filter(|(asked, _)| asked.elapsed() < FRESH).map(|(_, answer)| answer.clone());
    let answer = if let Some(answer) = fresh {
        answer
    } else {
        let answer = ask(&answers.probes).await;
        *known = Some((Instant::now(), answer.clone()));
        answer
    };
    let status = if answer.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, answer.lines)
}

async fn ask(probes: &[Arc<dyn Probe>]) -> Readiness {
    let all = probes.iter().map(async |probe| {
        let answer = tokio::time::timeout(PATIENCE, probe.check()).await;
        (probe.name(), answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}"))))
    });
    let mut readiness = Readiness { ready: true, lines: String::new() };
    for (name, answer) in futures_util::future::join_all(all).await {
        let word = match answer {
            Ok(()) => "ok",
            Err(error) => {
                tracing::warn!(part = name, error, "not ready");
                readiness.ready = false;
                "unreachable"
            }
        };
        readiness.lines.extend([name, ": ", word, "\n"]);
    }
    readiness
}

async fn rendered(Shared(answers): Shared<Arc<Answers>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], answers.metrics.render())
}

struct StateProbe(Arc<dyn State>);

#[async_trait]
impl Probe for StateProbe {
    fn name(&self) -> &'static str {
        "state"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.ping().await.map_err(|error| error.to_string())
    }
}

struct StoreProbe(Arc<dyn Store>);

#[async_trait]
impl Probe for StoreProbe {
    fn name(&self) -> &'static str {
        "store"
    }

    /// Any key will do: that it is not there is an answer.
    async fn check(&self) -> Result<(), String> {
        let key = Key::Policy(Digest::from_bytes([0; 32]));
        self.0.head(&key).await.map(drop).map_err(|error| error.to_string())
    }
}
