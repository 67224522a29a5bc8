//! Scans that ended, and a clock that can be set.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use plimsoll_state::{
    BlobStanding, ClaimedDelivery, Delivery, DeliveryState, Fingerprints, KnownLayer, NewVerdict,
    PlannedBlob, PlannedTarget, ScanPlan, TargetId,
};
use plimsoll_store::{Body, Error, Key, MemoryStore, Meta, Prefix, Put, Store};
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, Failure, LayerSource, Platform, ScanId, ScanRequest, ScanState, Tenant};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::{Callbacks, Config, Metrics, Secrets};

pub(super) const A: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(super) const B: &str = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno";
pub(super) const REFERENCE: &str = "registry.example/app:1";

pub(super) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

pub(super) struct Fixture {
    pub(super) callbacks: Arc<Callbacks>,
    /// What `callbacks` count.
    pub(super) counted: plimsoll_telemetry::Metrics,
    now: Arc<AtomicI64>,
    directory: tempfile::TempDir,
}

impl Fixture {
    /// Receivers on loopback may be posted to.
    pub(super) async fn new(secrets: &[&str]) -> Self {
        Self::allowing(secrets, &["127.0.0.0/8"]).await
    }

    pub(super) async fn allowing(secrets: &[&str], networks: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("state.db").display());
        let networks: Vec<_> = networks.iter().map(|network| network.parse().expect("a network")).collect();
        let mut signing = Secrets::default();
        for secret in secrets {
            signing.add(None, secret.parse().expect("a secret"));
        }
        // Receivers compare timestamps with the time of day.
        let now = Arc::new(AtomicI64::new(Timestamp::now().as_second() * 1000));
        let clock = Arc::clone(&now);
        let counted = plimsoll_telemetry::Metrics::new();
        let callbacks = Callbacks {
            config: Config { idle: Duration::from_millis(5), ..Config::new("test") },
            state: plimsoll_state::connect(&url).await.expect("a state"),
            store: Arc::new(MemoryStore::new()),
            client: crate::client(&networks).expect("a client"),
            secrets: signing,
            clock: Arc::new(move || clock.load(Ordering::SeqCst)),
            metrics: Metrics::new(&counted),
        };
        Self { callbacks: Arc::new(callbacks), counted, now, directory }
    }

    fn parts(&mut self) -> &mut Callbacks {
        Arc::get_mut(&mut self.callbacks).expect("nobody works with it yet")
    }

    pub(super) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.parts().config);
    }

    /// Gives the one there was.
    pub(super) fn replace_store(&mut self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        std::mem::replace(&mut self.parts().store, store)
    }

    /// Another worker on the same state.
    pub(super) fn worker(&self, holder: &str) -> Arc<Callbacks> {
        assert!(self.directory.path().exists());
        let all = &self.callbacks;
        Arc::new(Callbacks {
            config: Config { holder: holder.to_owned(), slots: 3, ..all.config.clone() },
            state: Arc::clone(&all.state),
            store: Arc::clone(&all.store),
            client: all.client.clone(),
            secrets: all.secrets.clone(),
            clock: Arc::clone(&all.clock),
            metrics: all.metrics.clone(),
        })
    }

    pub(super) fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    pub(super) fn instant(&self) -> String {
        Timestamp::from_millisecond(self.now()).expect("an instant").to_string()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.now.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    pub(super) async fn claim(&self) -> Vec<ClaimedDelivery> {
        self.callbacks.claim(64).await
    }

    /// One attempt for everything that is due.
    pub(super) async fn turn(&self) -> usize {
        let due = self.claim().await;
        let writers = Semaphore::new(1);
        for delivery in &due {
            self.callbacks.deliver(delivery, &writers).await;
        }
        due.len()
    }

    pub(super) async fn rows(&self, state: Option<DeliveryState>) -> Vec<Delivery> {
        let tenant = Tenant::default();
        self.callbacks.state.list_deliveries(&tenant, state, None, 1000).await.expect("listed")
    }

    pub(super) async fn row(&self, scan: ScanId) -> Delivery {
        self.rows(None).await.into_iter().find(|row| row.scan == scan).expect("it is listed")
    }

    async fn submit(&self, callback: &str) -> ScanId {
        let request = ScanRequest {
            callback: Some(callback.to_owned()),
            labels: [("team".to_owned(), "a".to_owned())].into(),
            ..ScanRequest::new(Tenant::default(), REFERENCE)
        };
        self.callbacks.state.submit(&request, self.now()).await.expect("accepted").id
    }

    pub(super) async fn failed(&self, callback: &str, end: ScanState, failure: &Failure) -> ScanId {
        let (state, now) = (&self.callbacks.state, self.now());
        let scan = self.submit(callback).await;
        state.claim_submitted("test", 60_000, 9, now).await.expect("claimed");
        assert!(state.fail(scan, "test", end, failure, now).await.expect("answered"));
        scan
    }

    pub(super) async fn judged(&self, callback: &str, status: VerdictStatus) -> ScanId {
        let (state, now) = (&self.callbacks.state, self.now());
        let scan = self.submit(callback).await;
        state.planned(scan, &plan(), now).await.expect("planned");
        let document = self.document(status);
        let bytes = Bytes::from(document_of(status));
        self.callbacks.store.put_if_absent(&Key::Verdict(document), bytes.into()).await.expect("stored");
        let verdict = NewVerdict {
            status,
            document,
            policy: Some(digest(0xb0)),
            knowledge: Some(digest(0xb1)),
            evaluated_at: now,
            layers_known: 1,
            layers: 1,
        };
        assert!(state.judged(TargetId { scan, ordinal: 0 }, &verdict, now).await.expect("judged"));
        scan
    }

    #[expect(clippy::unused_self, reason = "reads as what it is about")]
    pub(super) fn document(&self, status: VerdictStatus) -> Digest {
        Digest::from_bytes(Sha256::digest(document_of(status)).into())
    }
}

fn document_of(status: VerdictStatus) -> String {
    let reason = r#"{"gate": "vulnerabilities", "trigger": "package", "action": "stop", "trigger_id": "CVE-1+openssl",
                     "message": "openssl is old", "allowlisted": null}"#;
    let reasons = if status == VerdictStatus::Fail { reason } else { "" };
    format!(r#"{{"verdict": {{"status": "{}", "reasons": [{reasons}]}}}}"#, status.as_str())
}

/// An image of one layer that is known.
fn plan() -> ScanPlan {
    let fingerprints = Fingerprints { index: digest(2), packages: digest(3) };
    let known = KnownLayer { diff_id: digest(1), uncompressed_size: 9, fingerprints };
    let layer = PlannedBlob {
        digest: digest(7),
        size: 7,
        media_type: "application/vnd.oci.image.layer.v1.tar".into(),
        diff_id: digest(1),
        standing: BlobStanding::Known(known),
    };
    let target = PlannedTarget {
        platform: Platform::new("linux", "amd64", None),
        manifest: digest(0xaa),
        config: digest(0xcc),
        blind_spots: Vec::new(),
        layers: vec![layer],
    };
    let source = LayerSource {
        registry: "registry.example".into(),
        repository: "app".into(),
        tenant: "default".into(),
        credential: None,
        plain_http: false,
    };
    ScanPlan { index: None, source, targets: vec![target] }
}

/// A store that does not answer in time.
pub(super) struct Away;

fn away<T>() -> Result<T, Error> {
    let source = std::io::ErrorKind::TimedOut.into();
    Err(Error::Io { action: "read", path: "away".into(), source })
}

#[async_trait::async_trait]
impl Store for Away {
    async fn head(&self, _: &Key) -> Result<Option<Meta>, Error> {
        away()
    }

    async fn get(&self, _: &Key, _: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        away()
    }

    async fn put_if_absent(&self, _: &Key, _: Body) -> Result<Put, Error> {
        away()
    }

    async fn list(&self, _: &Prefix, _: Option<&Key>, _: usize) -> Result<Vec<Key>, Error> {
        away()
    }

    async fn touch(&self, _: &Key) -> Result<bool, Error> {
        away()
    }

    async fn delete(&self, _: &Key) -> Result<bool, Error> {
        away()
    }
}
