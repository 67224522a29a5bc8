//! What every scenario needs: a place of its own with a registry, a store and a snapshot, and a way to run a scan.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plimsoll_tests::image::{Image, ImageBuilder, Layer};
use plimsoll_tests::registry::Registry;
use serde_json::Value;
use tempfile::TempDir;

/// The instant of all verdicts, so that nothing expires while nobody looks.
const CLOCK: &str = "2024-01-01T00:00:00Z";

/// A feed of two advisories for packages nobody else has, and the whole of its ecosystem.
const FEED: &[(&str, &str)] = &[
    ("plimsoll-feed.json", r#"{"completeness": "complete"}"#),
    ("TEST-1.json", include_str!("advisories/TEST-1.json")),
    ("TEST-2.json", include_str!("advisories/TEST-2.json")),
];

/// A directory, a registry and a snapshot; nothing of it is shared with other tests or with the user.
pub(crate) struct Workshop {
    directory: TempDir,
    binary: PathBuf,
    pub(crate) registry: Registry,
}

/// How a scan ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    /// The JSON report, or null if none was written.
    pub(crate) report: Value,
    pub(crate) stderr: String,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let workshop = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            binary: plimsoll_tests::binary::plimsoll().expect("the binary to test"),
            registry: Registry::start().expect("a registry on loopback"),
        };
        for (name, content) in FEED {
            workshop.write(&format!("feed/{name}"), content);
        }
        let (database, feed) = (workshop.database(), workshop.path("feed"));
        let built = workshop.command().args(["db", "build", "--out"]).arg(database).arg(feed).output();
        let built = built.expect("plimsoll runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        workshop
    }

    /// A path below this workshop.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file below this workshop, and the directories above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a directory");
        }
        fs::write(&path, content).expect("a file");
        path
    }

    /// The snapshot of the feed.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("known.db")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// `plimsoll`, without the user's environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", self.directory.path()).stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Scans with the snapshot, and these arguments besides.
    pub(crate) fn scan(&self, image: &str, arguments: &[&str]) -> Outcome {
        let database = self.database();
        let database = database.to_str().expect("a path of ours is text");
        self.scan_blind(image, &[&["--db", database], arguments].concat())
    }

    /// Scans without a snapshot.
    pub(crate) fn scan_blind(&self, image: &str, arguments: &[&str]) -> Outcome {
        self.scan_at(CLOCK, image, arguments)
    }

    /// Scans without a snapshot, for a verdict of this instant.
    pub(crate) fn scan_at(&self, clock: &str, image: &str, arguments: &[&str]) -> Outcome {
        self.run(self.command(), clock, image, arguments)
    }

    /// Scans with the snapshot, in an environment with these variables besides.
    pub(crate) fn scan_in(&self, environment: &[(&str, &str)], image: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.command();
        command.envs(environment.iter().copied());
        let database = self.database();
        let database = database.to_str().expect("a path of ours is text");
        self.run(command, CLOCK, image, &[&["--db", database], arguments].concat())
    }

    fn run(&self, mut command: Command, clock: &str, image: &str, arguments: &[&str]) -> Outcome {
        let report = self.path(&format!("{}.json", next_name()));
        let output = command
            .args(["scan", image, "--quiet", "--clock", clock])
            .arg("--store")
            .arg(self.store())
            .arg(format!("--format=json={}", report.display()))
            .args(arguments)
            .output()
            .expect("plimsoll runs");
        Outcome {
            code: output.status.code().expect("plimsoll ends by itself"),
            report: read_json(&report),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A name no other report has: scenarios scan from several threads.
fn next_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("report-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn read_json(path: &Path) -> Value {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).expect("the report is JSON"),
        Err(_) => Value::Null,
    }
}

impl Outcome {
    /// The scan came to a verdict, and to this one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!((self.code, &self.report["error"]), (code, &Value::Null), "{self:?}");
        assert_eq!(self.report["verdict"]["exit_code"], code);
        self
    }

    /// The scan failed in this way: exit code 3, one line on standard error, and the same in the JSON. Gives the line.
    #[track_caller]
    pub(crate) fn expect_error(self, kind: &str) -> String {
        assert_eq!((self.code, self.report["error"]["kind"].as_str()), (3, Some(kind)), "{self:?}");
        assert_eq!(self.report["schema"], "plimsoll.report/v1");
        assert_eq!(self.report["verdict"]["status"], "not_judged");
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        let message = self.report["error"]["message"].as_str().unwrap_or_default();
        assert!(self.stderr.contains(message), "{self:?}");
        self.stderr
    }

    /// Package URL and locations of every package.
    pub(crate) fn packages(&self) -> Vec<(String, String)> {
        let packages = self.report["packages"].as_array().expect("packages is an array");
        packages.iter().map(|package| (text(&package["purl"]), package["locations"].to_string())).collect()
    }

    /// Whether each layer was known before, lowest first.
    pub(crate) fn known(&self) -> Vec<bool> {
        let layers = self.report["image"]["layers"].as_array().expect("layers is an array");
        layers.iter().map(|layer| layer["known"] == true).collect()
    }

    /// The ids of all vulnerabilities.
    pub(crate) fn vulnerabilities(&self) -> Vec<String> {
        let found = self.report["vulnerabilities"].as_array().expect("vulnerabilities is an array");
        found.iter().map(|one| text(&one["id"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

const SITE_PACKAGES: &str = "usr/lib/python3/dist-packages";

/// The files of an installed Python package, as pip leaves them.
pub(crate) fn python_files(name: &str, version: &str) -> [(String, String); 2] {
    let info = format!("{SITE_PACKAGES}/{name}-{version}.dist-info");
    [
        (
            format!("{info}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n"),
        ),
        (format!("{info}/RECORD"), format!("{name}-{version}.dist-info/METADATA,,\n")),
    ]
}

/// A layer that installs a Python package.
pub(crate) fn installs(name: &str, version: &str) -> Layer {
    let layer = Layer::new(&format!("RUN pip install {name}=={version}"))
        .directories(&format!("{SITE_PACKAGES}/{name}-{version}.dist-info"));
    python_files(name, version).iter().fold(layer, |layer, (path, content)| layer.file(path, content))
}

/// A layer that removes it again.
pub(crate) fn removes(name: &str, version: &str) -> Layer {
    Layer::new(&format!("RUN pip uninstall {name}"))
        .whiteout(&format!("{SITE_PACKAGES}/{name}-{version}.dist-info"))
}

/// An image of these layers, for amd64, that runs as somebody.
pub(crate) fn image(layers: &[Layer]) -> Image {
    image_for("amd64", layers)
}

/// An image of these layers for another platform.
pub(crate) fn image_for(architecture: &str, layers: &[Layer]) -> Image {
    let builder = ImageBuilder::new(architecture).config("User", "1000".into());
    layers.iter().cloned().fold(builder, ImageBuilder::layer).build()
}

/// `--platform` of [`image`], whatever machine the test runs on.
pub(crate) const AMD64: &[&str] = &["--platform", "linux/amd64"];
