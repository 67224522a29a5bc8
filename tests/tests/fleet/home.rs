//! What the roles of one test share: a directory, the binary, a snapshot, and how commands are run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::fleet::Answer;
use crate::process::Process;

/// What roles need besides the services: registries of ours are on loopback.
pub(crate) const REGISTRIES: &[&str] = &["--allow-network", "127.0.0.0/8"];

/// Where a server listens: on ports that are free.
pub(crate) const LISTEN: &[&str] = &["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];

/// A directory with a snapshot.
pub(crate) struct Home {
    directory: TempDir,
    binary: PathBuf,
}

impl Home {
    /// One for the binary under test.
    pub(crate) fn new() -> Self {
        Self::of(plimsoll_tests::binary::plimsoll().expect("the binary to test"))
    }

    /// One for another binary.
    pub(crate) fn of(binary: PathBuf) -> Self {
        let home = Self { directory: tempfile::tempdir().expect("a temporary directory"), binary };
        let feed = plimsoll_tests::feed::write(home.directory.path()).expect("a feed");
        let built = home.command(&["db", "build", "--out"]).args([&home.database(), &feed]).output();
        assert!(built.expect("plimsoll runs").status.success());
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("known.db")
    }

    /// `plimsoll` without the user's environment, with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&self.binary, arguments)
    }

    /// The same of another binary.
    pub(crate) fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.env_clear().env("HOME", self.directory.path()).stdin(Stdio::null()).args(arguments);
        // The last four tell S3 and SQS who we are.
        for name in ["PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"]
        {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// A whole fleet in one process.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(&[&["serve", "--slots", "2"], LISTEN, REGISTRIES, arguments].concat());
        command.arg("--data").arg(self.path("data")).arg("--db").arg(self.database());
        Process::start(&mut command)
    }

    /// Asks a server, showing a token if there is one.
    pub(crate) fn ask(&self, server: &str, token: Option<&str>, arguments: &[&str]) -> Answer {
        let mut command = self.command(arguments);
        command.env("PLIMSOLL_SERVER", server).envs(token.map(|token| ("PLIMSOLL_TOKEN", token)));
        Answer::of(&command.output().expect("plimsoll runs"))
    }

    /// Makes a token with which a tenant may submit.
    pub(crate) fn token(&self, state: &str, tenant: &str) -> String {
        let mut command = self.command(&["token", "create", "--role", "submit", "--tenant", tenant]);
        let output = command.env("PLIMSOLL_STATE", state).output();
        Answer::of(&output.expect("plimsoll runs")).word()
    }

    /// The document of a verdict by `plimsoll scan`, with a store of its own.
    pub(crate) fn document_by_hand(&self, image: &str, clock: &str) -> Vec<u8> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let place = self.path(&format!("by-hand-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let file = place.with_extension("document");
        let mut command = self.command(&["scan", image, "--quiet", "--clock", clock]);
        command.args(["--platform", "linux/amd64", "--format"]);
        command.arg(format!("json={}", place.with_extension("json").display()));
        command.arg("--db").arg(self.database()).arg("--store").arg(&place).arg("--document").arg(&file);
        let output = command.output().expect("plimsoll runs");
        fs::read(file).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}
