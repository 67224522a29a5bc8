//! The fleet: a coordinator, a worker and an aggregator as processes of their own, over the services that
//! `infra/dev/services.sh` started.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use plimsoll_api::client::{Client, Options};
use serde_json::Value;

use crate::processor;

/// How long a role has to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its processes; killed when dropped.
pub(crate) struct Fleet {
    directory: PathBuf,
    server: String,
    roles: Vec<Child>,
}

impl Fleet {
    /// Starts the roles, `workers` of one kind. Their logs are in `directory`, and what they keep is below `prefix`.
    pub(crate) fn start(
        plimsoll: &Path,
        directory: &Path,
        database: &Path,
        workers: usize,
        prefix: &str,
    ) -> anyhow::Result<Self> {
        let variable = |name: &str| {
            std::env::var(name).with_context(|| format!("{name} is not set: start this by `make load`"))
        };
        let store = format!("s3://plimsoll-test/{prefix}?endpoint={}", variable("PLIMSOLL_TEST_S3")?);
        let (state, queue) = (variable("PLIMSOLL_TEST_POSTGRES")?, variable("PLIMSOLL_TEST_AMQP")?);
        let role = |name: &str, log_name: &str, more: &[&str]| {
            let log = File::create(log(directory, log_name)).context("cannot write a log")?;
            let mut command = Command::new(plimsoll);
            command.arg(name).args(more).env("PLIMSOLL_STATE", &state).env("PLIMSOLL_STORE", &store);
            command.env("PLIMSOLL_QUEUE", &queue).env("PLIMSOLL_LOG_FORMAT", "json");
            command.env("PLIMSOLL_DB", database).stdin(Stdio::null()).stderr(log);
            command.spawn().with_context(|| format!("cannot run {}", plimsoll.display()))
        };
        let networks = ["--allow-network", "127.0.0.0/8"];
        let listen = ["--open-access", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let coordinator = role("coordinator", "coordinator", &[&listen[..], &networks].concat())?;
        let mut fleet =
            Self { directory: directory.to_owned(), server: String::new(), roles: vec![coordinator] };
        let names: Vec<String> = (0..workers).map(worker).collect();
        for name in &names {
            fleet.roles.push(role("worker", name, &networks)?);
        }
        fleet.roles.push(role("aggregator", "aggregator", &[])?);
        let grpc =
            fleet.wait_for("coordinator", "listening")?["grpc"].as_str().unwrap_or_default().to_owned();
        fleet.server = format!("http://{}", grpc.trim_start_matches("Some(").trim_end_matches(')'));
        for name in &names {
            fleet.wait_for(name, "worker")?;
        }
        fleet.wait_for("aggregator", "aggregator")?;
        Ok(fleet)
    }

    /// A client of the coordinator.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(Options::new(&self.server))?)
    }

    /// The processes of the workers.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let workers = self.roles.len() - 1;
        self.roles[1..workers].iter().map(Child::id).collect()
    }

    /// Processor time the roles and their children have taken so far.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let roots: Vec<u32> = self.roles.iter().map(Child::id).collect();
        processor::time(&roots)
    }

    /// The lines of a role's log with this message, so far.
    pub(crate) fn said(&self, role: &str, message: &str) -> anyhow::Result<Vec<Value>> {
        let mut text = String::new();
        File::open(log(&self.directory, role))?.read_to_string(&mut text)?;
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|line| line["message"] == message).collect())
    }

    fn wait_for(&mut self, role: &str, message: &str) -> anyhow::Result<Value> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(line) = self.said(role, message)?.pop() {
                return Ok(line);
            }
            for child in &mut self.roles {
                if let Some(status) = child.try_wait()? {
                    bail!("a role ended with {status}; its log is in {}", self.directory.display());
                }
            }
            // The log is a file, and nothing tells when it grows.
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the {role} does not say {message:?}; its log is in {}", self.directory.display())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for role in &mut self.roles {
            let _already_ended = role.kill();
            let _status = role.wait();
        }
    }
}

/// What the log of a worker is called; the first is the one that is meant by `worker`.
pub(crate) fn worker(number: usize) -> String {
    if number == 0 { "worker".to_owned() } else { format!("worker-{}", number + 1) }
}

fn log(directory: &Path, role: &str) -> PathBuf {
    directory.join(format!("{role}.log"))
}
