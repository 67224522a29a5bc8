//! What is needed stays, whatever happens; what is not needed goes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll_oci::digest_of;
use plimsoll_state::{
    BlobStanding, Fingerprints, KnownLayer, NewVerdict, PlannedBlob, PlannedTarget, ScanPlan, TargetId,
    connect,
};
use plimsoll_store::{Body, FsStore, MemoryStore, Meta, Prefix, Put, S3Options, S3Store};
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, EvidenceGroup, LayerSource, Platform, ScanRequest, Tenant};
use serde_json::json;

use super::*;
use crate::keep::rely;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOW: i64 = 1_700_000_000_000;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn evidence(diff_id: u8, group: EvidenceGroup, version: u8) -> Key {
    Key::Evidence { diff_id: digest(diff_id), group, fingerprint: digest(version) }
}

/// A store and a state, and what has to be in the store after every run.
struct Harbour {
    store: Arc<dyn Store>,
    state: Arc<dyn State>,
    needed: BTreeSet<String>,
}

impl Harbour {
    /// A judged scan of one tenant and an open one of another; for every kind of object some that are needed, and one that
    /// is not.
    async fn new(store: Arc<dyn Store>, state: Arc<dyn State>) -> Self {
        let mut harbour = Self { store, state, needed: BTreeSet::new() };
        harbour.judged().await;
        harbour.open().await;
        for (group, version) in [(EvidenceGroup::Index, 30), (EvidenceGroup::Packages, 31)] {
            // Of a version of the analyzers that nobody names any more.
            harbour.put(&evidence(21, group, version)).await;
        }
        for byte in [0xf0, 0xf1] {
            for kind in [Key::BlobLink, Key::Manifest, Key::Config, Key::Snapshot, Key::Verdict, Key::Policy]
            {
                harbour.put(&kind(digest(byte))).await;
            }
        }
        harbour
    }

    async fn put(&self, key: &Key) {
        self.store.put_if_absent(key, key.path().into_bytes().into()).await.unwrap();
    }

    async fn needed(&mut self, key: Key) {
        self.put(&key).await;
        self.needed.insert(key.path());
    }

    /// Judged by evidence of version 40, and read again since by version 50.
    async fn judged(&mut self) {
        let request = ScanRequest { policy: Some(digest(5)), ..request("default") };
        let submitted = self.state.submit(&request, NOW).await.unwrap();
        let plan = plan(Some(digest(1)), digest(2), digest(3), &[(11, Some(50))]);
        self.state.planned(submitted.id, &plan, NOW).await.unwrap();
        let document = json!({
            "image": {"reference": "r/a:1", "layers": [{"digest": digest(11), "diff_id": digest(21)}]},
            "verdict": {"evaluated_at": "2024-01-01T00:00:00Z"},
            "inputs": {
                "index": digest(1), "manifest": digest(2), "config": digest(3),
                "evidence": [{"index": digest(40), "packages": digest(41)}],
                "knowledge": digest(4), "policy": digest(5), "allowlists": [digest(6)], "allow_blind": [],
                "engine": "1",
            },
        });
        let bytes = Bytes::from(serde_json::to_vec(&document).unwrap());
        let key = Key::Verdict(digest_of(&bytes));
        self.needed.insert(key.path());
        let verdict = NewVerdict {
            status: VerdictStatus::Pass,
            document: digest_of(&bytes),
            policy: Some(digest(5)),
            knowledge: Some(digest(4)),
            evaluated_at: NOW,
            layers_known: 1,
            layers: 1,
        };
        self.store.put_if_absent(&key, bytes.into()).await.unwrap();
        let target = TargetId { scan: submitted.id, ordinal: 0 };
        assert!(self.state.judged(target, &verdict, NOW).await.unwrap());
        for key in [Key::Manifest(digest(1)), Key::Manifest(digest(2)), Key::Config(digest(3))] {
            self.needed(key).await;
        }
        for key in [Key::Snapshot(digest(4)), Key::Policy(digest(5)), Key::Policy(digest(6))] {
            self.needed(key).await;
        }
        self.needed(Key::BlobLink(digest(11))).await;
        for (group, version) in
            [(EvidenceGroup::Index, 40), (EvidenceGroup::Packages, 41), (EvidenceGroup::Index, 50)]
        {
            self.needed(evidence(21, group, version)).await;
        }
        self.needed(evidence(21, EvidenceGroup::Packages, 51)).await;
    }

    /// Waits for a layer; another one is known.
    async fn open(&mut self) {
        let request =
            ScanRequest { policy: Some(digest(7)), allowlists: vec![digest(8)], ..request("other") };
        let submitted = self.state.submit(&request, NOW).await.unwrap();
        let plan = plan(Some(digest(61)), digest(62), digest(63), &[(12, Some(50)), (13, None)]);
        self.state.planned(submitted.id, &plan, NOW).await.unwrap();
        for key in [Key::Manifest(digest(61)), Key::Manifest(digest(62)), Key::Config(digest(63))] {
            self.needed(key).await;
        }
        for key in [Key::Policy(digest(7)), Key::Policy(digest(8)), Key::BlobLink(digest(12))] {
            self.needed(key).await;
        }
        self.needed(evidence(22, EvidenceGroup::Index, 50)).await;
        self.needed(evidence(22, EvidenceGroup::Packages, 51)).await;
    }

    fn gc(&self, store: Arc<dyn Store>, config: Config) -> Gc {
        Gc { config, store, state: Arc::clone(&self.state) }
    }

    async fn run(&self, config: Config, now: SystemTime) -> Summary {
        self.gc(Arc::clone(&self.store), config).run(now).await.unwrap()
    }

    async fn stored(&self) -> BTreeSet<String> {
        let keys = self.store.list(&Prefix::All, None, 1_000).await.unwrap();
        keys.iter().map(Key::path).collect()
    }
}

fn request(tenant: &str) -> ScanRequest {
    ScanRequest::new(tenant.parse::<Tenant>().unwrap(), "registry.example/app:1")
}

/// An image of layers with these digests; of the known ones the evidence has this version.
fn plan(index: Option<Digest>, manifest: Digest, config: Digest, layers: &[(u8, Option<u8>)]) -> ScanPlan {
    let blob = |(layer, version): &(u8, Option<u8>)| {
        let diff_id = digest(layer + 10);
        let known = version.map(|version| KnownLayer {
            diff_id,
            uncompressed_size: 10,
            fingerprints: Fingerprints { index: digest(version), packages: digest(version + 1) },
        });
        PlannedBlob {
            digest: digest(*layer),
            size: 1,
            media_type: "layer".into(),
            diff_id,
            standing: known.map_or(BlobStanding::Wanted, BlobStanding::Known),
        }
    };
    let source = LayerSource {
        registry: "registry.example".into(),
        repository: "app".into(),
        tenant: String::new(),
        credential: None,
        plain_http: false,
    };
    let target = PlannedTarget {
        platform: Platform::new("linux", "amd64", None),
        manifest,
        config,
        blind_spots: Vec::new(),
        layers: layers.iter().map(blob).collect(),
    };
    ScanPlan { index, source, targets: vec![target] }
}

async fn in_memory() -> Harbour {
    Harbour::new(Arc::new(MemoryStore::new()), connect("sqlite::memory:").await.unwrap()).await
}

async fn on_disk(directory: &Path) -> Harbour {
    let state = connect(&format!("sqlite:{}", directory.join("state.db").display())).await.unwrap();
    Harbour::new(Arc::new(FsStore::open(directory.join("store")).unwrap()), state).await
}

/// A bucket and a schema nobody has used before, where there are servers.
async fn on_servers() -> Option<Harbour> {
    let (Ok(endpoint), Ok(database)) =
        (std::env::var("PLIMSOLL_TEST_S3"), std::env::var("PLIMSOLL_TEST_POSTGRES"))
    else {
        println!("skipped: PLIMSOLL_TEST_S3 and PLIMSOLL_TEST_POSTGRES do not both name a server");
        return None;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let schema = format!("gc_{now}_{}", std::process::id());
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&database).await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    let separator = if database.contains('?') { '&' } else { '?' };
    let state = connect(&format!("{database}{separator}options[search_path]={schema}")).await.unwrap();
    let options = S3Options { endpoint: Some(endpoint), ..S3Options::default() };
    let store = S3Store::open(&format!("s3://plimsoll-test/gc/{schema}"), options).await.unwrap();
    Some(Harbour::new(Arc::new(store), state).await)
}

fn later() -> SystemTime {
    SystemTime::now() + DAY * 8
}

async fn keeps_what_is_needed(harbour: Harbour) {
    let before = harbour.stored().await;
    let asked = harbour.run(Config { dry_run: true, ..Config::default() }, later()).await;
    assert_eq!(harbour.stored().await, before, "a dry run deletes nothing");
    let done = harbour.run(Config::default(), later()).await;
    assert_eq!(harbour.stored().await, harbour.needed);
    assert_eq!(asked, done, "and says what a real one does");
    for kind in Kind::ALL {
        let counts = done.of(*kind);
        assert_eq!((counts.deleted, counts.young), (2, 0), "{kind}");
        assert!(counts.needed > 0 && counts.bytes > 0, "{kind}");
    }
    let again = harbour.run(Config::default(), later()).await;
    assert!(Kind::ALL.iter().all(|kind| again.of(*kind).deleted == 0));
}

#[tokio::test]
async fn what_is_needed_stays_and_the_rest_goes() {
    keeps_what_is_needed(in_memory().await).await;
    let directory = tempfile::tempdir().unwrap();
    keeps_what_is_needed(on_disk(directory.path()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_needed_stays_and_the_rest_goes_on_servers() {
    if let Some(harbour) = on_servers().await {
        keeps_what_is_needed(harbour).await;
    }
}

#[tokio::test]
async fn with_few_marks_in_memory_it_is_the_same() {
    let harbour = in_memory().await;
    harbour.run(Config { marks: 2, at_once: 1, ..Config::default() }, later()).await;
    assert_eq!(harbour.stored().await, harbour.needed);
}

#[tokio::test]
async fn what_is_young_is_left_alone() {
    let harbour = in_memory().await;
    let before = harbour.stored().await;
    for now in [SystemTime::now(), SystemTime::now() + DAY * 6, SystemTime::now() - DAY] {
        let summary = harbour.run(Config::default(), now).await;
        assert!(Kind::ALL.iter().all(|kind| (summary.of(*kind).young, summary.of(*kind).deleted) == (2, 0)));
    }
    assert_eq!(harbour.stored().await, before);
}

#[tokio::test]
async fn what_a_forgotten_scan_alone_needed_goes_with_it() {
    let harbour = in_memory().await;
    let retain = Some(DAY);
    let asked = harbour.run(Config { retain, dry_run: true, ..Config::default() }, later()).await;
    assert_eq!(asked.forgotten, 0, "a dry run forgets nothing");
    let done = harbour.run(Config { retain, ..Config::default() }, later()).await;
    assert_eq!(done.forgotten, 1);
    let left = harbour.stored().await;
    for key in
        [Key::Manifest(digest(1)), Key::Config(digest(3)), Key::Snapshot(digest(4)), Key::Policy(digest(6))]
    {
        assert!(!left.contains(&key.path()), "{key} is still there");
    }
    assert!(!left.contains(&evidence(21, EvidenceGroup::Index, 40).path()), "only its document named it");
    let newest = [evidence(21, EvidenceGroup::Index, 50).path(), Key::BlobLink(digest(11)).path()];
    assert!(newest.iter().all(|path| left.contains(path)), "somebody may be judging by it");
    assert!(left.contains(&Key::Policy(digest(8)).path()), "a scan that is open asks for it");
    harbour.run(Config { retain, ..Config::default() }, later() + DAY * 8).await;
    let left = harbour.stored().await;
    assert!(!newest.iter().any(|path| left.contains(path)), "no image has had the layer for long");
    assert!(left.contains(&evidence(22, EvidenceGroup::Index, 50).path()), "another image has this one");
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_counted_and_the_rest_is_marked() {
    let harbour = in_memory().await;
    let document = harbour.state.documents(None, 9).await.unwrap().remove(0);
    let key = Key::Verdict(document);
    harbour.store.delete(&key).await.unwrap();
    let missing = harbour.run(Config::default(), SystemTime::now()).await;
    harbour.store.put_if_absent(&key, "{}".into()).await.unwrap();
    let damaged = harbour.run(Config::default(), later()).await;
    assert_eq!((missing.unreadable_documents, damaged.unreadable_documents), (1, 1));
    let left = harbour.stored().await;
    assert!(left.contains(&Key::Manifest(digest(2)).path()), "rows name it");
}

/// A store whose calls fail from some call on, or that is worked with while it is listed.
struct Stage {
    inner: Arc<dyn Store>,
    calls: AtomicUsize,
    fails_from: usize,
    relied_on: Option<Key>,
}

impl Stage {
    fn act(&self) -> Result<(), plimsoll_store::Error> {
        if self.calls.fetch_add(1, Ordering::Relaxed) < self.fails_from {
            return Ok(());
        }
        let source = std::io::ErrorKind::TimedOut.into();
        Err(plimsoll_store::Error::Io { action: "use", path: "away".into(), source })
    }
}

#[async_trait]
impl Store for Stage {
    async fn head(&self, key: &Key) -> Result<Option<Meta>, plimsoll_store::Error> {
        self.act()?;
        self.inner.head(key).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, plimsoll_store::Error> {
        self.act()?;
        self.inner.get(key, range).await
    }

    async fn put_if_absent(&self, key: &Key, body: Body) -> Result<Put, plimsoll_store::Error> {
        self.inner.put_if_absent(key, body).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<&Key>,
        max: usize,
    ) -> Result<Vec<Key>, plimsoll_store::Error> {
        self.act()?;
        let keys = self.inner.list(prefix, after, max).await;
        if let Some(key) = &self.relied_on {
            assert!(rely(&*self.inner, key).await.unwrap());
        }
        keys
    }

    async fn touch(&self, key: &Key) -> Result<bool, plimsoll_store::Error> {
        self.inner.touch(key).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, plimsoll_store::Error> {
        self.act()?;
        self.inner.delete(key).await
    }
}

fn stage(harbour: &Harbour, fails_from: usize, relied_on: Option<Key>) -> Arc<Stage> {
    Arc::new(Stage { inner: Arc::clone(&harbour.store), calls: AtomicUsize::new(0), fails_from, relied_on })
}

/// At every single call.
#[tokio::test]
async fn ended_anywhere_it_has_deleted_nothing_that_is_needed() {
    let harbour = in_memory().await;
    let mut failures = 0;
    for fails_from in 0.. {
        let stage = stage(&harbour, fails_from, None);
        let config = Config { at_once: 1, ..Config::default() };
        let outcome = harbour.gc(stage, config).run(later()).await;
        assert!(harbour.stored().await.is_superset(&harbour.needed), "ended at call {fails_from}");
        if outcome.is_ok() {
            break;
        }
        failures += 1;
    }
    assert!(failures > 5, "{failures}");
    assert_eq!(harbour.stored().await, harbour.needed, "the runs together did all of it");
}

/// Ages are real here: everything was written a month ago.
#[tokio::test]
async fn what_somebody_comes_to_rely_on_meanwhile_stays() {
    let directory = tempfile::tempdir().unwrap();
    let harbour = on_disk(directory.path()).await;
    age(&directory.path().join("store"), SystemTime::now() - DAY * 30);
    let relied_on = Key::Manifest(digest(0xf1));
    let stage = stage(&harbour, usize::MAX, Some(relied_on.clone()));
    let summary = harbour.gc(stage, Config::default()).run(SystemTime::now()).await.unwrap();
    assert_eq!((summary.of(Kind::Manifests).young, summary.of(Kind::Manifests).deleted), (1, 1));
    let mut expected = harbour.needed.clone();
    expected.insert(relied_on.path());
    assert_eq!(harbour.stored().await, expected);
}

/// So that what is recalled often is not written often.
#[tokio::test]
async fn what_is_young_is_not_touched_when_it_is_relied_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = FsStore::open(directory.path()).unwrap();
    let key = Key::Manifest(digest(1));
    assert!(!rely(&store, &key).await.unwrap());
    store.put_if_absent(&key, "manifest".into()).await.unwrap();
    for (days, is_touched) in [(0, false), (2, true)] {
        let written = SystemTime::now() - DAY * days - Duration::from_secs(60);
        age(directory.path(), written);
        assert!(rely(&store, &key).await.unwrap());
        let modified = store.head(&key).await.unwrap().unwrap().modified;
        assert_eq!(modified > written + Duration::from_secs(30), is_touched, "after {days} days");
    }
}

fn age(path: &Path, to: SystemTime) {
    for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            age(&entry.path(), to);
        } else {
            std::fs::File::open(entry.path()).unwrap().set_modified(to).unwrap();
        }
    }
}
