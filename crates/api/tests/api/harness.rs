//! A server of a test's own, and hands that do what coordinator, worker and aggregator would.

use std::net::SocketAddr;
use std::sync::Arc;

use plimsoll_api::client::{Client, Options};
use plimsoll_api::{Access, Config, Parts, Server, token};
use plimsoll_proto::v1;
use plimsoll_state::{
    BlobStanding, Fingerprints, KnownLayer, LayerKey, NewToken, NewVerdict, PlannedBlob, PlannedTarget, Role,
    ScanPlan, State,
};
use plimsoll_store::{Body, Key, MemoryStore};
use plimsoll_trigger::Webhooks;
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, LayerDone, LayerOutcome, LayerResult, LayerSource, Platform, ScanId, Tenant};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// Who claims in these tests.
pub(crate) const HOLDER: &str = "test";

pub(crate) struct Running {
    pub(crate) parts: Parts,
    pub(crate) grpc: SocketAddr,
    pub(crate) http: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), plimsoll_api::Error>>,
    _directory: tempfile::TempDir,
}

/// A server that asks for tokens.
pub(crate) async fn start() -> Running {
    start_with(Config::new(localhost())).await
}

/// A server that lets everybody in.
pub(crate) async fn start_open() -> Running {
    start_with(Config { access: Access::Open(Tenant::default()), ..Config::new(localhost()) }).await
}

pub(crate) fn localhost() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}

pub(crate) async fn start_with(config: Config) -> Running {
    start_as(config, |_| None).await
}

/// A server that takes webhooks.
pub(crate) async fn start_as(
    config: Config,
    webhooks: impl FnOnce(&Arc<dyn State>) -> Option<Arc<Webhooks>>,
) -> Running {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("state.db").display());
    let state = plimsoll_state::connect(&url).await.expect("a state");
    let webhooks = webhooks(&state);
    let parts = Parts { webhooks, ..Parts::new(state, Arc::new(MemoryStore::default())) };
    let server = Server::bind(config, parts.clone()).await.expect("it listens");
    let (grpc, http) = (server.grpc_address().expect("an address"), server.http_address());
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(server.run(async move { drop(stopped.await) }));
    Running { parts, grpc, http, stop: Some(stop), task, _directory: directory }
}

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.grpc)
    }

    pub(crate) fn state(&self) -> &Arc<dyn State> {
        &self.parts.state
    }

    /// A connection for the generated clients, which repeat nothing.
    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(self.url()).expect("a URL").connect().await.expect("it listens")
    }

    /// A client with a new token.
    pub(crate) async fn client(&self, tenant: &str, role: Role) -> Client {
        let token = self.token(tenant, role).await;
        Client::new(Options { token: Some(token), ..Options::new(self.url()) }).expect("a client")
    }

    /// A client without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(Options::new(self.url())).expect("a client")
    }

    pub(crate) async fn token(&self, tenant: &str, role: Role) -> String {
        let token = token::mint().expect("random bytes");
        let hash = token::hash(&token);
        let tenant = tenant.parse().expect("a tenant");
        let new = NewToken { tenant, role, hash, label: "test".into() };
        self.state().create_token(&new, now()).await.expect("it is kept");
        token
    }

    /// Asks the server to end.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Ends the server.
    pub(crate) async fn stop(mut self) {
        self.begin_to_stop();
        self.task.await.expect("no panic").expect("a clean end");
    }

    /// Resolves the one scan that waits: so many platforms, each with a layer of its own and one that all share.
    pub(crate) async fn plan(&self, platforms: &[&str]) -> ScanId {
        let claimed = self.state().claim_submitted(HOLDER, 60_000, 1, now()).await.expect("a claim");
        let id = claimed.first().expect("a scan waits").id;
        let targets = platforms.iter().map(|platform| target(platform)).collect();
        let index = (platforms.len() > 1).then(|| digest("index"));
        let source = LayerSource {
            registry: "registry.example".into(),
            repository: "app".into(),
            tenant: String::new(),
            credential: None,
            plain_http: false,
        };
        self.state().planned(id, &ScanPlan { index, source, targets }, now()).await.expect("a plan");
        id
    }

    /// Says that a layer was read.
    pub(crate) async fn settle(&self, tenant: &str, name: &str) {
        let key = LayerKey { tenant: tenant.parse().expect("a tenant"), digest: digest(name) };
        let known = known(name);
        let done = LayerDone {
            diff_id: known.diff_id,
            uncompressed_size: known.uncompressed_size,
            index: known.fingerprints.index,
            packages: known.fingerprints.packages,
            pulled_bytes: 1,
        };
        let result = LayerResult {
            digest: key.digest,
            attempt: 0,
            outcome: LayerOutcome::Done(done),
            elapsed: std::time::Duration::from_millis(1),
        };
        self.state().settle(&key.tenant, &result, now()).await.expect("it is settled");
        self.state().wake(&[key]).await.expect("targets wake");
    }

    /// Judges what is complete, each with the next status.
    pub(crate) async fn judge(&self, statuses: &[VerdictStatus]) {
        let max = statuses.len() as u32;
        let mut claimed = self.state().claim_complete(HOLDER, 60_000, max, now()).await.expect("a claim");
        claimed.sort_by_key(|target| target.id);
        assert_eq!(claimed.len(), statuses.len(), "as many are complete as are to be judged");
        for (target, status) in claimed.into_iter().zip(statuses) {
            let document = format!(r#"{{"image":"{}","status":"{}"}}"#, target.manifest, status.as_str());
            let key = digest(&document);
            self.parts
                .store
                .put_if_absent(&Key::Verdict(key), Body::from(document))
                .await
                .expect("it is stored");
            let verdict = NewVerdict {
                status: *status,
                document: key,
                policy: Some(digest("policy")),
                knowledge: Some(digest("knowledge")),
                evaluated_at: now(),
                layers_known: 2,
                layers: 2,
            };
            assert!(self.state().judged(target.id, &verdict, now()).await.expect("it is judged"));
        }
    }

    /// A scan of one platform from its submission to its verdict.
    pub(crate) async fn judged(&self, client: &Client, reference: &str, status: VerdictStatus) -> v1::Scan {
        let scan = client.submit(request(reference)).await.expect("it is taken").scan.expect("a scan");
        self.plan(&["linux/amd64"]).await;
        let tenant = self.tenant_of(&scan.id).await;
        self.settle(&tenant, "shared").await;
        self.settle(&tenant, "linux/amd64").await;
        self.judge(&[status]).await;
        self.state().sequence(100).await.expect("numbers");
        client.scan(&scan.id).await.expect("it is there")
    }

    async fn tenant_of(&self, scan: &str) -> String {
        for tenant in ["default", "a", "b"] {
            let id = scan.parse().expect("an id");
            let found = self.state().get(&tenant.parse().expect("a tenant"), id).await.expect("an answer");
            if found.is_some() {
                return tenant.to_owned();
            }
        }
        panic!("nobody has the scan {scan}");
    }
}

pub(crate) fn request(reference: &str) -> v1::SubmitScanRequest {
    v1::SubmitScanRequest { reference: reference.into(), ..Default::default() }
}

/// A digest of a name.
pub(crate) fn digest(name: &str) -> Digest {
    token::hash(name)
}

/// What `state` and the gRPC client call now.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after the epoch").as_millis() as i64
}

fn target(platform: &str) -> PlannedTarget {
    let blob = |name: &str| PlannedBlob {
        digest: digest(name),
        size: 7,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        diff_id: known(name).diff_id,
        standing: BlobStanding::Wanted,
    };
    PlannedTarget {
        platform: platform.parse::<Platform>().expect("a platform"),
        manifest: digest(&format!("manifest of {platform}")),
        config: digest(&format!("config of {platform}")),
        blind_spots: Vec::new(),
        layers: vec![blob("shared"), blob(platform)],
    }
}

fn known(name: &str) -> KnownLayer {
    KnownLayer {
        diff_id: digest(&format!("content of {name}")),
        uncompressed_size: 9,
        fingerprints: Fingerprints { index: digest("index 1"), packages: digest("packages 1") },
    }
}
