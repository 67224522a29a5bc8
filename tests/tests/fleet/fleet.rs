//! A fleet of one process, with a registry and a directory of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use plimsoll_api::client::{Client, Options};
use plimsoll_tests::image::{Image, ImageBuilder, Layer};
use plimsoll_tests::registry::Registry;
use serde_json::Value;
use tempfile::TempDir;

/// The longest a fleet may take to listen, or a scan to end: far more than either does.
const PATIENCE: &str = "120";

/// A fleet that runs, or can be started again.
pub(crate) struct Fleet {
    directory: TempDir,
    binary: PathBuf,
    settings: Settings,
    pub(crate) registry: Registry,
    process: Option<Child>,
    server: String,
    pub(crate) http: String,
}

/// What a scenario wants besides what all have.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// An option, the name of the file it names, and what is in that.
    pub(crate) files: Vec<(&'static str, &'static str, &'static str)>,
}

impl Fleet {
    /// A fleet that listens.
    pub(crate) fn start() -> Self {
        Self::start_with(Settings::default())
    }

    pub(crate) fn start_with(settings: Settings) -> Self {
        Self::start_about(settings, |_| {})
    }

    /// A fleet for whose start something is to be done that has to do with its registry.
    pub(crate) fn start_about(settings: Settings, prepare: impl FnOnce(&Registry)) -> Self {
        let mut fleet = Self {
            settings,
            directory: tempfile::tempdir().expect("a temporary directory"),
            binary: plimsoll_tests::binary::plimsoll().expect("the binary to test"),
            registry: Registry::start().expect("a registry on loopback"),
            process: None,
            server: String::new(),
            http: String::new(),
        };
        prepare(&fleet.registry);
        for (option, name, content) in std::mem::take(&mut fleet.settings.files) {
            let file = fleet.directory.path().join(name);
            fs::write(&file, content).expect("a file");
            fleet.settings.arguments.extend([option.to_owned(), file.display().to_string()]);
        }
        let feed = plimsoll_tests::feed::write(fleet.directory.path()).expect("a feed");
        let database = fleet.database();
        let built = fleet.command(&["db", "build", "--out"]).args([&database, &feed]).output();
        assert!(built.expect("plimsoll runs").status.success());
        fleet.launch();
        fleet
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("known.db")
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.data().join("store")
    }

    /// The URL of the state.
    pub(crate) fn state(&self) -> String {
        format!("sqlite:{}", self.data().join("state.db").display())
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// `plimsoll` without the user's environment, with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", self.directory.path()).stdin(Stdio::null()).args(arguments);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Starts the process, and waits until it says where it listens.
    pub(crate) fn launch(&mut self) {
        let mut command = self.command(&["serve", "--open-access", "--listen", "127.0.0.1:0"]);
        command.args(["--http", "127.0.0.1:0", "--allow-network", "127.0.0.0/8", "--slots", "2"]);
        command.arg("--data").arg(self.data()).arg("--db").arg(self.database());
        command.args(&self.settings.arguments).envs(self.settings.environment.iter().cloned());
        command.env("PLIMSOLL_LOG_FORMAT", "json").stderr(Stdio::piped());
        let mut child = command.spawn().expect("plimsoll runs");
        let (grpc, http) = listening(&mut child);
        self.server = format!("http://{grpc}");
        self.http = http;
        self.process = Some(child);
    }

    /// Kills the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a process to kill");
            process.wait().expect("a process to wait for");
        }
    }

    /// Tells the process to stop; its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let mut process = self.process.take().expect("a process to stop");
        let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        process.wait().expect("a process to wait for").code()
    }

    /// A client of the server.
    pub(crate) fn client(&self) -> Client {
        Client::new(Options::new(self.server.clone())).expect("a client")
    }

    /// Asks the server: exit code, standard output, standard error.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Answer {
        let output = self.command(arguments).env("PLIMSOLL_SERVER", &self.server).output();
        Answer::of(&output.expect("plimsoll runs"))
    }

    /// Submits a scan and waits for its end.
    pub(crate) fn judge(&self, image: &str) -> Answer {
        self.ask(&["submit", image, "--wait"])
    }

    /// Submits a scan and goes away. Gives its id.
    pub(crate) fn submit(&self, image: &str) -> String {
        let answer = self.ask(&["submit", image]);
        assert_eq!(answer.code, 0, "{answer:?}");
        answer.stdout.split_whitespace().next().expect("an id").to_owned()
    }

    /// The verdict document with this digest, `sha256:…`.
    pub(crate) fn document(&self, digest: &str) -> Vec<u8> {
        let name = digest.strip_prefix("sha256:").expect("a digest");
        fs::read(self.store().join("verdicts").join(&name[..2]).join(name))
            .expect("the document is in the store")
    }

    /// Computes a verdict again, from the store alone.
    pub(crate) fn replay(&self, digest: &str) -> Answer {
        run(self.command(&["replay", digest, "--store"]).arg(self.store()))
    }

    /// Deletes from the store what nothing needs.
    pub(crate) fn collect_garbage(&self, arguments: &[&str]) -> Answer {
        self.collect_garbage_by(&self.state(), arguments)
    }

    /// The same by what is said to be the state.
    pub(crate) fn collect_garbage_by(&self, state: &str, arguments: &[&str]) -> Answer {
        let mut command = self.command(&["gc", "--state", state, "--store"]);
        run(command.arg(self.store()).args(arguments))
    }

    /// Starts a second process over the same data, which should not start.
    pub(crate) fn launch_another(&self) -> Answer {
        let mut command = self.command(&["serve", "--open-access", "--listen", "127.0.0.1:0"]);
        run(command.args(["--http", "127.0.0.1:0"]).arg("--data").arg(self.data()))
    }

    /// Takes away everything a verdict is judged by, but for the store.
    pub(crate) fn lose_rules(&self) {
        for entry in fs::read_dir(self.directory.path()).expect("a directory").map(Result::unwrap) {
            if entry.file_type().expect("a kind").is_file() {
                fs::remove_file(entry.path()).expect("a file to delete");
            }
        }
    }

    /// The document of the same verdict by `plimsoll scan`, with a store of its own.
    pub(crate) fn document_by_hand(&self, image: &str, clock: &str) -> Vec<u8> {
        let (file, store) = (self.directory.path().join("by-hand"), self.directory.path().join("own"));
        let mut command = self.command(&["scan", image, "--quiet", "--clock", clock]);
        command.args(["--platform", "linux/amd64", "--format"]);
        command.arg(format!("json={}", self.directory.path().join("report.json").display()));
        command.arg("--db").arg(self.database()).arg("--store").arg(store).arg("--document").arg(&file);
        let output = command.output().expect("plimsoll runs");
        fs::read(file).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// Waits until a process says where it listens: for gRPC, if it does, and for HTTP.
pub(crate) fn listening(process: &mut Child) -> (String, String) {
    let log = BufReader::new(process.stderr.take().expect("a pipe"));
    let (sender, addresses) = mpsc::channel();
    // Read to its end, or the process would block on a full pipe.
    std::thread::spawn(move || {
        for text in log.lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&text).unwrap_or_default();
            if line.is_null() {
                // Not of the log: the last word of a process that cannot go on.
                eprintln!("{text}");
            }
            if line["message"] == "listening" {
                let address = |name: &str| {
                    let text = line[name].as_str().unwrap_or_default();
                    text.trim_start_matches("Some(").trim_end_matches(')').to_owned()
                };
                let _ = sender.send((address("grpc"), address("http")));
            }
        }
    });
    let patience = Duration::from_secs(PATIENCE.parse().expect("a number"));
    addresses.recv_timeout(patience).expect("the process listens")
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a client command said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().expect("plimsoll ends by itself"),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The word that the command was run for: the id of a scan, or a token.
    #[track_caller]
    pub(crate) fn word(&self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout.split_whitespace().next().expect("a word").to_owned()
    }

    /// The digests of the documents, one for each platform.
    pub(crate) fn documents(&self) -> Vec<&str> {
        let words: Vec<&str> = self.stdout.split_whitespace().collect();
        words.windows(2).filter(|pair| pair[0] == "document").map(|pair| pair[1]).collect()
    }
}

fn run(command: &mut Command) -> Answer {
    Answer::of(&command.output().expect("plimsoll runs"))
}

/// A layer that installs a Python package.
pub(crate) fn installs(name: &str, version: &str) -> Layer {
    let info = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    Layer::new(&format!("RUN pip install {name}=={version}"))
        .directories(&info)
        .file(&format!("{info}/METADATA"), &metadata)
        .file(&format!("{info}/RECORD"), format!("{name}-{version}.dist-info/METADATA,,\n"))
}

/// An image of these layers that runs as somebody.
pub(crate) fn image(architecture: &str, layers: &[Layer]) -> Image {
    let builder = ImageBuilder::new(architecture).config("User", "1000".into());
    layers.iter().cloned().fold(builder, ImageBuilder::layer).build()
}
