//! The server: what it listens on, how it starts and how it ends.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_proto::v1;
use plimsoll_proto::v1::crawl_service_server::CrawlServiceServer;
use plimsoll_proto::v1::scan_service_server::ScanServiceServer;
use plimsoll_proto::v1::tag_service_server::TagServiceServer;
use plimsoll_proto::v1::verdict_service_server::VerdictServiceServer;
use plimsoll_state::State;
use plimsoll_store::Store;
use plimsoll_telemetry::Metrics;
use plimsoll_trigger::Webhooks;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::call::Door;
use crate::metrics::ApiMetrics;
use crate::services::{CrawlApi, ScanApi, TagApi, VerdictApi};
use crate::watches::Watches;
use crate::{Config, Error, Limits, Tls, probe, webhooks};

/// The largest request: every field at its bound is some 60 KiB.
const MAX_REQUEST: usize = 256 << 10;
/// The largest request for a crawl: 10,000 repositories have names of some 260 bytes.
const MAX_CRAWL: usize = 4 << 20;
/// A connection that says nothing for so long is asked whether it is there, so that streams of the dead end.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The longest a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Streams of one connection, calls and watched scans alike.
const STREAMS_PER_CONNECTION: u32 = 1024;

/// What a server works with.
#[derive(Clone)]
pub struct Parts {
    /// Scans, verdicts and tokens.
    pub state: Arc<dyn State>,
    /// Verdict documents and policies.
    pub store: Arc<dyn Store>,
    /// Where it counts.
    pub metrics: Metrics,
    /// Webhooks it takes by HTTP, if any.
    pub webhooks: Option<Arc<Webhooks>>,
}

impl Parts {
    /// Parts with metrics of their own.
    pub fn new(state: Arc<dyn State>, store: Arc<dyn Store>) -> Self {
        Self { state, store, metrics: Metrics::new(), webhooks: None }
    }
}

/// A server that listens, and answers once it runs.
pub struct Server {
    config: Config,
    parts: Parts,
    grpc: TcpListener,
    http: Option<TcpListener>,
}

/// Listens and runs until `shutdown` is over. See [`Server`] to learn the addresses first.
pub async fn serve(
    config: Config,
    parts: Parts,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    Server::bind(config, parts).await?.run(shutdown).await
}

impl Server {
    /// Listens, so that callers can connect; they are answered by [`Server::run`].
    pub async fn bind(config: Config, parts: Parts) -> Result<Self, Error> {
        config.check()?;
        let grpc = probe::listen(config.grpc).await?;
        let http = match config.http {
            Some(address) => Some(probe::listen(address).await?),
            None => None,
        };
        Ok(Self { config, parts, grpc, http })
    }

    /// Where gRPC is spoken: the port is the one that was taken.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.local_addr().ok()
    }

    /// Where health, readiness and metrics are served, if anywhere.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.local_addr().ok()
    }

    /// Answers until `shutdown` is over: then nobody new is let in, streams end with UNAVAILABLE, and calls under way
    /// have [`Limits::grace`] to end.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let (over, ending) = watch::channel(false);
        let watches = Watches::new(Arc::clone(&self.parts.state), self.config.limits.streams);
        let router = router(&self.config, &self.parts, &watches, &ending)?;
        let incoming = TcpIncoming::from(self.grpc).with_nodelay(Some(true));
        let grpc = router.serve_with_incoming_shutdown(incoming, ended(ending.clone()));
        let probes =
            vec![probe::state(Arc::clone(&self.parts.state)), probe::store(Arc::clone(&self.parts.store))];
        let http = async {
            match self.http {
                Some(listener) => {
                    let webhooks = self.parts.webhooks.map(webhooks::router).unwrap_or_default();
                    let router = probe::router(probes, self.parts.metrics).merge(webhooks);
                    probe::answer(listener, router, ended(ending)).await
                }
                None => Ok(()),
            }
        };
        // On the heap, so that whoever awaits a server does not grow by it.
        let serving = Box::pin(async {
            let stopped = |error: &dyn std::error::Error| Error::Stopped(error.to_string());
            tokio::try_join!(async { grpc.await.map_err(|error| stopped(&error)) }, http).map(drop)
        });
        until(serving, watches, shutdown, &over, &self.config.limits).await
    }
}

/// Drives everything: `serving` until `shutdown`, and then until it has ended or its grace has.
async fn until(
    serving: impl Future<Output = Result<(), Error>>,
    watches: Watches,
    shutdown: impl Future<Output = ()>,
    over: &watch::Sender<bool>,
    limits: &Limits,
) -> Result<(), Error> {
    tokio::pin!(serving);
    tokio::select! {
        result = &mut serving => return result,
        () = watches.run() => {}
        () = shutdown => {}
    }
    over.send_replace(true);
    if let Ok(result) = tokio::time::timeout(limits.grace, serving).await {
        return result;
    }
    tracing::warn!(grace = ?limits.grace, "calls under way were cut off");
    Ok(())
}

async fn ended(mut ending: watch::Receiver<bool>) {
    // A sender that is gone is an end too.
    drop(ending.wait_for(|over| *over).await);
}

fn router(
    config: &Config,
    parts: &Parts,
    watches: &Watches,
    ending: &watch::Receiver<bool>,
) -> Result<Router, Error> {
    let mut server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .max_concurrent_streams(Some(STREAMS_PER_CONNECTION));
    if let Some(tls) = &config.tls {
        // One provider in the process, whichever part of it was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        server = server.tls_config(tls_config(tls)).map_err(|error| Error::Tls(reason(&error)))?;
    }
    let door = Arc::new(Door {
        access: config.access.clone(),
        state: Arc::clone(&parts.state),
        metrics: ApiMetrics::new(&parts.metrics),
        longest: config.limits.call,
    });
    let scans = ScanApi {
        door: Arc::clone(&door),
        state: Arc::clone(&parts.state),
        store: Arc::clone(&parts.store),
        watches: watches.clone(),
        shutdown: ending.clone(),
    };
    let crawls = CrawlApi { door: Arc::clone(&door), state: Arc::clone(&parts.state) };
    let tags = TagApi { door: Arc::clone(&door), state: Arc::clone(&parts.state) };
    let verdicts = VerdictApi {
        door,
        state: Arc::clone(&parts.state),
        store: Arc::clone(&parts.store),
        watches: watches.clone(),
        shutdown: ending.clone(),
    };
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| Error::Stopped(error.to_string()))?;
    Ok(server
        .add_service(health(ending.clone()))
        .add_service(reflection)
        .add_service(ScanServiceServer::new(scans).max_decoding_message_size(MAX_REQUEST))
        .add_service(CrawlServiceServer::new(crawls).max_decoding_message_size(MAX_CRAWL))
        .add_service(TagServiceServer::new(tags).max_decoding_message_size(MAX_REQUEST))
        .add_service(VerdictServiceServer::new(verdicts).max_decoding_message_size(MAX_REQUEST)))
}

/// grpc.health.v1: serving until the end begins, for the server as a whole and for each service.
fn health(
    ending: watch::Receiver<bool>,
) -> tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health> {
    let (reporter, service) = tonic_health::server::health_reporter();
    tokio::spawn(async move {
        reporter.set_serving::<ScanServiceServer<ScanApi>>().await;
        reporter.set_serving::<VerdictServiceServer<VerdictApi>>().await;
        reporter.set_serving::<CrawlServiceServer<CrawlApi>>().await;
        reporter.set_serving::<TagServiceServer<TagApi>>().await;
        ended(ending).await;
        reporter.set_not_serving::<ScanServiceServer<ScanApi>>().await;
        reporter.set_not_serving::<VerdictServiceServer<VerdictApi>>().await;
        reporter.set_not_serving::<CrawlServiceServer<CrawlApi>>().await;
        reporter.set_not_serving::<TagServiceServer<TagApi>>().await;
        reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    });
    service
}

fn tls_config(tls: &Tls) -> ServerTlsConfig {
    let config =
        ServerTlsConfig::new().identity(Identity::from_pem(&tls.certificates, &tls.key)).timeout(HANDSHAKE);
    match &tls.client_authority {
        Some(authority) => config.client_ca_root(Certificate::from_pem(authority)),
        None => config,
    }
}

/// tonic's own text is "transport error"; what it was stands behind it.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
