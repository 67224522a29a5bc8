//! The commands of the file, as they stand there and in its order, over services of the same kind: they end in a judged
//! image. What differs here is where things are, since there is no network of containers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use plimsoll_tests::image::{Image, ImageBuilder, Layer};
use plimsoll_tests::registry::Registry;

use crate::file::{Compose, Service, defaults, folder};
use crate::places::{Broker, Places};
use crate::process::Process;

/// The Debian of the file, as far as the demonstration's advisories are concerned.
fn debian() -> Image {
    let release = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
    let status =
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9\n";
    let layer = Layer::new("ADD rootfs.tar /").directories("etc").directories("var/lib/dpkg");
    let layer = layer.file("etc/os-release", release).file("var/lib/dpkg/status", status);
    ImageBuilder::new("amd64").layer(layer).build()
}

/// A machine without containers.
struct Stage {
    compose: Compose,
    binary: PathBuf,
    volumes: tempfile::TempDir,
    places: Places,
    registry: Registry,
    /// Where the coordinator listens, once it does.
    server: String,
}

impl Stage {
    fn new(places: Places) -> Self {
        Self {
            compose: Compose::ours(),
            binary: plimsoll_tests::binary::plimsoll().expect("the binary to test"),
            volumes: tempfile::tempdir().expect("a temporary directory"),
            places,
            registry: Registry::start().expect("a registry on loopback"),
            server: String::new(),
        }
    }

    /// A text of the file, with the addresses and paths of this machine.
    fn here(&self, service: Service, text: &str) -> String {
        let text = defaults(text);
        let whole = [
            ("postgres://", self.places.state.as_str()),
            ("s3://", &self.places.store),
            ("amqp://", &self.places.queue),
            ("http://coordinator:7465", &self.server),
            ("0.0.0.0:", "127.0.0.1:0"),
        ];
        if let Some((_, place)) = whole.iter().find(|(start, _)| text.starts_with(start)) {
            return (*place).to_owned();
        }
        let mut text = text
            .replace("172.31.250.0/24", "127.0.0.0/8")
            .replace("registry:5000/", &format!("{}/", self.registry.host()));
        for (from, to) in service.mounts().into_iter().filter(|(from, _)| !from.is_empty()) {
            let place = if from.starts_with('.') { folder().join(from) } else { self.volume(&from) };
            text = text.replace(&to, &place.display().to_string());
        }
        text
    }

    fn volume(&self, name: &str) -> PathBuf {
        let place = self.volumes.path().join(name);
        std::fs::create_dir_all(&place).expect("a directory");
        place
    }

    /// The command of a service, in its environment and no other.
    fn command(&self, name: &str) -> Command {
        let service = self.compose.service(name).unwrap_or_else(|| panic!("there is no service {name}"));
        assert!(service.is_ours(), "{name} is not for us to run");
        let mut command = Command::new(&self.binary);
        command.env_clear().current_dir(self.volumes.path()).stdin(Stdio::null());
        command.args(service.list("command").into_iter().map(|word| self.here(service, word)));
        for (variable, value) in service.environment() {
            match variable {
                // The keys of the S3 server that is here; nobody listens for spans.
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => command.env(variable, var(variable)),
                "OTEL_EXPORTER_OTLP_ENDPOINT" => &mut command,
                _ => command.env(variable, self.here(service, value)),
            };
        }
        command
    }

    /// Runs a service that ends, and expects it to end so.
    #[track_caller]
    fn run(&self, name: &str, code: i32) -> Output {
        let output = self.command(name).output().expect("plimsoll runs");
        assert_eq!(output.status.code(), Some(code), "{name}: {output:?}");
        output
    }

    /// Starts a service, and waits until its own health check says that it is ready.
    fn start(&self, name: &str) -> Process {
        let process = Process::start(&mut self.command(name));
        let said = process.says("listening");
        let http =
            said["http"].as_str().expect("an address").trim_start_matches("Some(").trim_end_matches(')');
        let service = self.compose.service(name).expect("a service");
        let check = service.get("healthcheck")["test"].as_array().expect("a list");
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PLIMSOLL_HTTP", http)
            .args(check[2..].iter().filter_map(|word| word.as_str()));
        let output = command.output().expect("plimsoll runs");
        assert!(output.status.success(), "{name}: {output:?}");
        process
    }
}

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} has no key for the S3 server"))
}

#[test]
fn the_commands_of_the_file_end_in_a_judged_image() {
    let Some(places) = Places::make(Broker::RabbitMq) else { return };
    let mut stage = Stage::new(places);
    // Again, as after `up` when all is there.
    for _ in 0..2 {
        stage.run("knowledge", 0);
        stage.run("token", 0);
    }
    let coordinator = stage.start("coordinator");
    stage.server = coordinator.server();
    let _others = [stage.start("worker"), stage.start("aggregator")];

    let pushed = stage.registry.push("demo/debian", "12.0", &debian());
    let judge = stage.compose.service("judge").expect("a service");
    let asked = judge.list("command").into_iter().map(|word| stage.here(judge, word)).next_back();
    assert_eq!(asked.as_deref(), Some(pushed.as_str()), "what is pushed is judged");
    let output = stage.run("judge", 1);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("fail ") && said.contains("document sha256:"), "{said}");
    assert!(is_private(&stage.volume("token").join("token")));
}

fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).expect("a file").permissions().mode() & 0o777 == 0o600
}
