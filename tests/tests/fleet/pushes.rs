//! From push to verdict: a registry tells of what was pushed to it, and nobody asks.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plimsoll_api::client::{Client, messages as v1};
use plimsoll_tests::docker_registry::{DockerRegistry, Notified, free_host};
use plimsoll_tests::image::{Image, ImageBuilder, oci_layout};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fleet::{Fleet, Settings, installs};
use crate::numbers::{get, value};

/// The secret of the registry and ours.
const SECRET: &str = "registry-of-the-harbour-and-us";

/// The longest it may take until a push is a scan.
const PATIENCE: Duration = Duration::from_secs(60);

/// A registry that tells a fleet of what is pushed to it.
struct Harbour {
    fleet: Fleet,
    registry: DockerRegistry,
    directory: TempDir,
    runtime: Runtime,
}

impl Harbour {
    /// None if this machine has not the programs.
    fn open() -> Option<Self> {
        for program in ["docker-registry", "skopeo"] {
            let mut command = Command::new(program);
            if command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                println!("skipped: {program} is not installed");
                return None;
            }
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (secret, webhooks) = (directory.path().join("secret"), directory.path().join("webhooks.yml"));
        let host = free_host().expect("a free port");
        std::fs::write(&secret, SECRET).expect("a file");
        let text = json!({"webhooks": [{"source": "distribution", "registry": host, "secret_file": secret}]});
        // JSON is YAML.
        std::fs::write(&webhooks, text.to_string()).expect("a file");
        let arguments = vec!["--webhooks".to_owned(), webhooks.display().to_string()];
        let fleet = Fleet::start_with(Settings { arguments, ..Settings::default() });
        let url = format!("http://{}/webhooks/distribution", fleet.http);
        let notified = Notified { url, authorization: format!("Bearer {SECRET}") };
        let registry = DockerRegistry::start(directory.path(), &host, Some(&notified));
        let registry = registry.expect("docker-registry starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Some(Self { fleet, registry, directory, runtime })
    }

    /// Pushes an image, and gives what its scan refers to.
    fn push(&self, repository: &str, tag: &str, image: &Image) -> String {
        let layout = self.directory.path().join(format!("{repository}-{tag}-{}", &image.manifest.hex()[..8]));
        oci_layout(&layout, &[(tag, image)]).expect("a layout");
        let name = format!("{}/{repository}:{tag}", self.registry.host());
        let mut command = Command::new("skopeo");
        command.args([
            "--insecure-policy",
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            "--preserve-digests",
        ]);
        command.args([format!("oci:{}:{tag}", layout.display()), format!("docker://{name}")]);
        let output = command.output().expect("skopeo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        format!("{name}@{}", image.manifest.digest)
    }

    /// Waits for the end of the scan of an image that somebody pushed.
    fn judged(&self, reference: &str) -> v1::Scan {
        self.runtime.block_on(async { judged(&self.fleet.client(), reference).await })
    }

    /// How long it took from when the registry had a tag to when there was a verdict, in milliseconds.
    fn took(&self, repository: &str, tag: &str, scan: &v1::Scan) -> f64 {
        let pushed = since_epoch(self.registry.tagged_at(repository, tag).expect("a tag"));
        let ended = scan.ended_at.expect("it has ended");
        let ended = Duration::new(ended.seconds as u64, ended.nanos as u32);
        ended.saturating_sub(pushed).as_secs_f64() * 1000.0
    }
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).expect("after 1970")
}

async fn judged(client: &Client, reference: &str) -> v1::Scan {
    let began = Instant::now();
    loop {
        let request = v1::ListScansRequest { reference: reference.to_owned(), ..Default::default() };
        let scans = client.list(request).await.expect("it answers").scans;
        if let [scan] = scans.as_slice() {
            return client.watch(&scan.id, |_, _| {}).await.expect("it answers");
        }
        assert!(scans.is_empty(), "{reference} is judged more than once");
        assert!(began.elapsed() < PATIENCE, "nobody judges {reference}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An image on a base that many share; `own` is a layer of its own, if it has one.
fn image(number: usize, own: bool) -> Image {
    let mut builder = ImageBuilder::new("amd64").config("User", "1000".into());
    builder = builder.config("Env", json!([format!("NUMBER={number}")]));
    builder = builder.layer(installs("jetty", "1.2")).layer(installs("pier", "3.4"));
    if own { builder.layer(installs(&format!("crane{number}"), "1.0")) } else { builder }.build()
}

#[test]
fn an_image_is_judged_because_it_was_pushed() {
    let Some(harbour) = Harbour::open() else { return };
    let good = harbour.push("app", "1", &image(1, true));
    // An advisory is about this one.
    let bad = ImageBuilder::new("amd64").config("User", "1000".into()).layer(installs("quay", "1.0")).build();
    let bad = harbour.push("app", "2", &bad);
    assert_eq!(harbour.judged(&good).status(), v1::VerdictStatus::Pass);
    let scan = harbour.judged(&bad);
    assert_eq!((scan.status(), scan.lane()), (v1::VerdictStatus::Fail, v1::Lane::Push));
    assert_eq!(scan.labels["trigger"], "distribution");
    // The tag is moved: what it names now is judged as well.
    let moved = harbour.push("app", "1", &image(2, true));
    assert_eq!(harbour.judged(&moved).status(), v1::VerdictStatus::Pass);
    // Who asks by tag is told of what it names by now.
    for (image, code) in [(&moved, 0), (&bad, 1)] {
        let (tag, digest) = image.split_once('@').expect("a digest");
        let answer = harbour.fleet.ask(&["verdict", tag]);
        assert!(answer.code == code && answer.stdout.contains(digest), "{answer:?}");
    }

    let metrics = get(&harbour.fleet.http, "/metrics");
    let count = |outcome| {
        value(
            &metrics,
            &format!("plimsoll_trigger_events_total{{source=\"distribution\",outcome=\"{outcome}\"}}"),
        )
    };
    assert!((count("submitted") - 3.0).abs() < 0.5, "{metrics}");
    assert!(count("other") > 2.5, "blobs are told of too: {metrics}");
    assert!(count("malformed") + count("stranger") < 0.5, "{metrics}");
}

/// Of so many images with layers of their own, and so many with known layers only. `make push` has more of them than tests.
#[test]
fn how_long_it_takes_from_push_to_verdict() {
    let Some(harbour) = Harbour::open() else { return };
    let count = std::env::var("PLIMSOLL_TEST_PUSHES").map_or(5, |count| count.parse().expect("a number"));
    harbour.judged(&harbour.push("base", "1", &image(0, false)));
    let mut figures = Vec::new();
    for (kind, own) in [("new", true), ("known", false)] {
        let tags: Vec<_> = (1..=count).map(|number| format!("{kind}{number}")).collect();
        let mut took: Vec<f64> = Vec::new();
        for (number, tag) in tags.iter().enumerate() {
            let reference = harbour.push("app", tag, &image(number + 1, own));
            let scan = harbour.judged(&reference);
            assert_eq!(scan.status(), v1::VerdictStatus::Pass, "{scan:?}");
            took.push(harbour.took("app", tag, &scan));
        }
        took.sort_by(f64::total_cmp);
        for percent in [50, 99] {
            let at = (took.len() * percent).div_ceil(100).max(1) - 1;
            figures.push(format!("{kind}_p{percent}_ms={:.0}", took[at]));
        }
    }
    println!("push: images={} {}", 2 * count, figures.join(" "));
}
