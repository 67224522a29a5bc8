//! An image whose layers are all known: another policy, another snapshot, another version of an analyzer each change the
//! report, and only the last needs the layers again.

use std::path::Path;
use std::sync::Arc;

use plimsoll_analyze::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch, analyzers};
use plimsoll_fleet::judge::{Rules, judge};
use plimsoll_fleet::{Engine, EngineLimits, analyze, fold, plan, resolve};
use plimsoll_knowledge::{BuildOptions, Snapshot, build};
use plimsoll_oci::{Credentials, Options, Source};
use plimsoll_policy::Policy;
use plimsoll_store::MemoryStore;
use plimsoll_tests::image::{Image, ImageBuilder, Layer};
use plimsoll_tests::registry::Registry;
use plimsoll_types::report::{Report, VerdictStatus};
use plimsoll_types::{Payload, Platform, Section};

const ADVISORY: &str = include_str!("scan/advisories/TEST-1.json");
const ADVISORY_ID: &str = "CVE-2023-90001";

const LENIENT: &str = "
schema: plimsoll.policy/v1
name: lenient
rules:
  - gate: vulnerabilities
    trigger: package
    action: go
    params: {severity: high}
";

/// An analyzer as its next version would be: it also tells who packed the package.
struct NextVersion(&'static dyn Analyzer);

/// What the next version finds.
const VENDOR: &str = "found by the next version";

impl Analyzer for NextVersion {
    fn id(&self) -> &'static str {
        self.0.id()
    }

    fn version(&self) -> u32 {
        self.0.version() + 1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        self.0.wants(file)
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        scratch: &mut Scratch,
    ) -> Result<(), ReadError> {
        self.0.read(file, content, section, scratch)?;
        for record in &mut section.records {
            if let Payload::Package(package) = &mut record.payload {
                package.vendor = Some(VENDOR.to_owned());
            }
        }
        Ok(())
    }

    fn depends_on_name(&self) -> bool {
        self.0.depends_on_name()
    }

    fn finish(&self, scratch: Scratch, section: &mut Section) {
        self.0.finish(scratch, section);
    }
}

/// Every analyzer, the one for installed Python packages in its next version.
fn next_analyzers() -> Vec<&'static dyn Analyzer> {
    let next = |analyzer: &&'static dyn Analyzer| -> &'static dyn Analyzer {
        if analyzer.id() == "python/dist_info" {
            Box::leak(Box::new(NextVersion(*analyzer)))
        } else {
            *analyzer
        }
    };
    let all: Vec<_> = analyzers::ALL.iter().map(next).collect();
    assert!(all.iter().zip(analyzers::ALL).any(|(ours, theirs)| ours.version() != theirs.version()));
    all
}

fn image() -> Image {
    let package = |name: &str, version: &str| {
        let place = format!("usr/lib/python3/site-packages/{name}-{version}.dist-info");
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        Layer::new(&format!("RUN pip install {name}=={version}")).file(&format!("{place}/METADATA"), metadata)
    };
    let builder = ImageBuilder::new("amd64").config("User", "1000".into());
    builder.layer(package("harbour", "1.9")).layer(package("quay", "1.0")).build()
}

/// A complete snapshot of one ecosystem with these advisories.
fn snapshot(directory: &Path, name: &str, advisories: &[&str]) -> Snapshot {
    let feed = directory.join(name);
    std::fs::create_dir_all(&feed).expect("a directory");
    std::fs::write(feed.join("plimsoll-feed.json"), r#"{"completeness": "complete"}"#).expect("a file");
    for (number, advisory) in advisories.iter().enumerate() {
        std::fs::write(feed.join(format!("{number}.json")), advisory).expect("a file");
    }
    let out = directory.join(format!("{name}.db"));
    build(&[feed], &out, &BuildOptions::default()).expect("a snapshot is built");
    Snapshot::open(&out).expect("a snapshot is opened")
}

/// A scan: the steps of the fleet, one after the other.
fn scan(engine: &Engine, reference: &str, policy: &Policy, knowledge: &Snapshot) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let platform: Platform = "linux/amd64".parse().expect("a platform");
        let options = Options { credentials: Some(Credentials::Anonymous), ..Options::default() };
        let name = reference.parse().expect("a reference");
        let source: Arc<dyn Source> = plimsoll_oci::open(&name, &options).await.expect("a source").into();
        let image = resolve::resolve(engine, &*source, &platform).await.expect("a manifest");
        let plan = plan::plan(engine, &image).await.expect("a plan");
        analyze::analyze(engine, source, &plan, Arc::new(|_| {})).await.expect("evidence");
        let mut folded = fold::fold(engine, &plan).await.expect("an inventory");
        let now = "2024-01-01T00:00:00Z".parse().expect("an instant");
        let rules = Rules { knowledge: Some(knowledge), policy, allowlists: &[], allow_blind: &[], now };
        judge(reference, &image, &plan, &mut folded, &rules).expect("a verdict")
    })
}

fn known(report: &Report) -> Vec<bool> {
    report.image.iter().flat_map(|image| &image.layers).map(|layer| layer.known).collect()
}

fn ids(report: &Report) -> Vec<&str> {
    report.vulnerabilities.iter().map(|one| one.id.as_str()).collect()
}

#[test]
fn policy_snapshot_and_analyzer_each_change_the_report_of_a_known_image() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let registry = Registry::start().expect("a registry on loopback");
    let image = image();
    let reference = registry.push("app", "1", &image);
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::new(store.clone(), EngineLimits::default());
    let (strict, lenient) = (Policy::default_policy(), Policy::parse(LENIENT).expect("a policy"));
    let other =
        ADVISORY.replace("TEST-1", "TEST-9").replace("90001", "90009").replace("harbour", "lighthouse");
    let knowing = snapshot(directory.path(), "knowing", &[ADVISORY, &other]);
    let unknowing = snapshot(directory.path(), "unknowing", &[&other]);

    let first = scan(&engine, &reference, &strict, &knowing);
    assert_eq!((ids(&first), first.verdict.status), (vec![ADVISORY_ID], VerdictStatus::Fail), "{first:#?}");
    assert_eq!(known(&first), [false, false]);
    registry.clear_requests();

    let by_policy = scan(&engine, &reference, &lenient, &knowing);
    assert_eq!((ids(&by_policy), by_policy.verdict.status), (vec![ADVISORY_ID], VerdictStatus::Pass));
    assert_eq!(by_policy.verdict.policy_digest, Some(lenient.digest()));
    assert_eq!((known(&by_policy), registry.layer_pulls(&image)), (vec![true, true], vec![0, 0]));

    let by_snapshot = scan(&engine, &reference, &strict, &unknowing);
    assert_eq!((ids(&by_snapshot), by_snapshot.verdict.status), (vec![], VerdictStatus::Pass));
    assert_eq!(by_snapshot.verdict.knowledge_digest, Some(unknowing.digest()));
    assert_eq!((known(&by_snapshot), registry.layer_pulls(&image)), (vec![true, true], vec![0, 0]));

    let next = Engine::with_analyzers(store, EngineLimits::default(), &next_analyzers());
    let by_analyzer = scan(&next, &reference, &strict, &knowing);
    assert_eq!((known(&by_analyzer), registry.layer_pulls(&image)), (vec![false, false], vec![1, 1]));
    assert!(first.packages.iter().all(|package| package.origin.is_none()));
    assert_eq!(by_analyzer.packages.len(), first.packages.len());
    assert!(by_analyzer.packages.iter().all(|package| package.origin.as_deref() == Some(VENDOR)));
    registry.clear_requests();

    // Two versions side by side, as during an upgrade: the evidence of the one is not that of the other.
    assert_eq!(scan(&engine, &reference, &strict, &knowing).packages, first.packages);
    assert_eq!(scan(&next, &reference, &strict, &knowing).packages, by_analyzer.packages);
    assert_eq!(registry.layer_pulls(&image), [0, 0]);
}
