//! A fleet whose roles are processes of their own, over real services.

use std::path::Path;
use std::process::Command;

use plimsoll_tests::registry::Registry;
use serde_json::Value;

use crate::fleet::Answer;
use crate::home::{Home, LISTEN, REGISTRIES};
use crate::places::{Broker, Places};
use crate::process::Process;

/// A coordinator and an aggregator that run. Workers are the test's own.
pub(crate) struct Roles {
    pub(crate) home: Home,
    pub(crate) registry: Registry,
    pub(crate) server: String,
    // Processes end before their places go.
    _running: [Process; 2],
    places: Places,
}

impl Roles {
    /// None if this machine has not the services.
    pub(crate) fn start(broker: Broker) -> Option<Self> {
        Self::start_with(broker, &["--open-access"])
    }

    /// With other arguments for the coordinator.
    pub(crate) fn start_with(broker: Broker, arguments: &[&str]) -> Option<Self> {
        let (places, home) = (Places::make(broker)?, Home::new());
        let command = home.command(&[&["coordinator"], LISTEN, REGISTRIES, arguments].concat());
        let coordinator = Process::start(places.name(command).env("PLIMSOLL_STATE", &places.state));
        let mut command = home.command(&["aggregator"]);
        command.arg("--db").arg(home.database()).env("PLIMSOLL_STATE", &places.state);
        let aggregator = Process::start(&mut places.name(command));
        let (server, registry) = (coordinator.server(), Registry::start().expect("a registry on loopback"));
        aggregator.says("aggregator");
        Some(Self { home, registry, server, _running: [coordinator, aggregator], places })
    }

    /// A worker that works.
    pub(crate) fn worker(&self, arguments: &[&str]) -> Process {
        self.worker_from(self.home.command(&[]), arguments)
    }

    /// A worker of another binary.
    pub(crate) fn worker_of(&self, binary: &Path, arguments: &[&str]) -> Process {
        self.worker_from(self.home.command_of(binary, &[]), arguments)
    }

    fn worker_from(&self, mut command: Command, arguments: &[&str]) -> Process {
        command.arg("worker").args(REGISTRIES).args(arguments);
        let worker = Process::start(&mut self.places.name(command));
        worker.says("worker");
        worker
    }

    /// A token for a tenant.
    pub(crate) fn token(&self, tenant: &str) -> String {
        self.home.token(&self.places.state, tenant)
    }

    /// Asks the coordinator.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Answer {
        self.home.ask(&self.server, None, arguments)
    }

    /// Submits a scan and goes away. Gives its id.
    pub(crate) fn submit(&self, image: &str) -> String {
        self.ask(&["submit", image]).word()
    }

    /// Waits for the end of a scan, and expects a verdict with this exit code.
    #[track_caller]
    pub(crate) fn expect(&self, scan: &str, code: i32) {
        let answer = self.ask(&["watch", scan]);
        assert_eq!((answer.code, answer.documents().len()), (code, 1), "{answer:?}");
    }

    /// The document of the verdict about an image.
    pub(crate) fn document(&self, image: &str) -> Vec<u8> {
        let answer = self.ask(&["verdict", image, "--json"]);
        answer.stdout.trim_end_matches('\n').as_bytes().to_vec()
    }

    /// Computes the verdict about an image again, by the binary under test or another one.
    pub(crate) fn replay(&self, binary: Option<&Path>, image: &str) -> Answer {
        let known = self.ask(&["verdict", image]);
        let arguments = ["replay", known.documents()[0]];
        let command = binary
            .map_or_else(|| self.home.command(&arguments), |binary| self.home.command_of(binary, &arguments));
        let mut command = self.places.name(command);
        Answer::of(&command.arg("--db").arg(self.home.database()).output().expect("plimsoll runs"))
    }

    /// The verdict about an image is, byte for byte, that of `plimsoll scan` for the same instant.
    #[track_caller]
    pub(crate) fn agrees_with_scan(&self, image: &str) {
        let document = self.document(image);
        let parsed: Value = serde_json::from_slice(&document).expect("the document is JSON");
        let clock = parsed["verdict"]["evaluated_at"].as_str().expect("an instant");
        let by_hand = self.home.document_by_hand(image, clock);
        assert_eq!(String::from_utf8_lossy(&by_hand), String::from_utf8_lossy(&document));
    }
}

impl Places {
    /// Names store and queue in the environment of a command.
    fn name(&self, mut command: Command) -> Command {
        command.env("PLIMSOLL_STORE", &self.store).env("PLIMSOLL_QUEUE", &self.queue);
        command
    }
}
