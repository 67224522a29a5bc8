//! The roles as processes, to be asked what they show and what they read.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::exposition::Exposition;

/// The longest a role may take for what it does in a moment.
const PATIENCE: Duration = Duration::from_secs(120);
/// What coordinators tell once they have looked: a few seconds after their start.
const LATER: [&str; 3] =
    ["plimsoll_fleet_backlog_layers", "plimsoll_fleet_backlog_scans", "plimsoll_fleet_queue_messages"];

/// What the three roles show, each a process of its own that has had nothing to do yet. Nothing, and it is said, without a
/// broker.
pub(crate) fn metrics() -> Option<Exposition> {
    let Ok(broker) = std::env::var("PLIMSOLL_TEST_AMQP") else {
        println!("skipped: PLIMSOLL_TEST_AMQP names no RabbitMQ; `infra/dev/services.sh up` starts one");
        return None;
    };
    let queue = format!("{broker}?prefix=infra-{}", std::process::id());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let state = format!("sqlite:{}", directory.path().join("state.db").display());
    let mut exposition = Exposition::default();
    for (role, more, later) in [
        ("coordinator", &["--open-access", "--listen", "127.0.0.1:0", "--state", &state][..], &LATER[..]),
        ("worker", &[], &[]),
        ("aggregator", &["--state", &state], &[]),
    ] {
        let running = Running::start(role, &queue, more, &directory);
        let until = Instant::now() + PATIENCE;
        let whole = |text: &str| later.iter().all(|name| text.contains(&format!("\n{name}{{")));
        let text = loop {
            let text = running.metrics();
            if whole(&text) {
                break text;
            }
            assert!(Instant::now() < until, "{role} does not show {later:?}: {text}");
            std::thread::sleep(Duration::from_millis(100));
        };
        exposition.add(&text);
    }
    Some(exposition)
}

/// `plimsoll` without the user's environment.
pub(crate) fn plimsoll(arguments: &[&str]) -> Command {
    let mut command = Command::new(plimsoll_tests::binary::plimsoll().expect("the binary to test"));
    command.env_clear().stdin(Stdio::null()).args(arguments);
    command
}

/// Runs a command that ends by itself; one that does not is ended, which is no exit code.
pub(crate) fn run(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("plimsoll runs");
    let until = Instant::now() + PATIENCE;
    while child.try_wait().expect("a process to wait for").is_none() {
        if Instant::now() > until {
            child.kill().expect("a process to kill");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("what it said")
}

/// The variables that a command names in its help.
pub(crate) fn variables(command: &str) -> BTreeSet<String> {
    let output = run(&mut plimsoll(&[command, "--help"]));
    assert!(output.status.success(), "{command}: {output:?}");
    // Lines are broken anywhere.
    let help = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
    let names: BTreeSet<_> = names.map(str::to_owned).collect();
    assert!(names.contains("PLIMSOLL_STORE"), "{command} names its variables: {help}");
    names
}

struct Running {
    child: Child,
    http: String,
}

impl Running {
    fn start(role: &str, queue: &str, more: &[&str], directory: &TempDir) -> Self {
        let mut command = plimsoll(&[role, "--queue", queue, "--http", "127.0.0.1:0"]);
        command.arg("--store").arg(directory.path().join("store")).args(more);
        command.env("PLIMSOLL_LOG_FORMAT", "json").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("plimsoll runs");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, said) = mpsc::channel();
        // Read to its end, or the process would block on a full pipe.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                let _nobody_listens_any_more = sender.send(line);
            }
        });
        let mut running = Self { child, http: String::new() };
        let mut before = Vec::new();
        while running.http.is_empty() {
            match said.recv_timeout(PATIENCE) {
                Ok(line) if line["message"] == "listening" => {
                    let address = line["http"].as_str().expect("an address");
                    address.trim_start_matches("Some(").trim_end_matches(')').clone_into(&mut running.http);
                }
                Ok(line) => before.push(line),
                Err(error) => panic!("{role} does not listen ({error}): {before:#?}"),
            }
        }
        running
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.http).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let ask = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(" 200 "), "{head}");
        body.to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _waited_for_already = self.child.wait();
    }
}
