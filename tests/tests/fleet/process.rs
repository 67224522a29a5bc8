//! A role as a process: its log is read, and it ends with its test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// The longest a role may take for what it does in a moment.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A process of Plimsoll's that runs until it is told to stop, is killed, or dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Default)]
struct Lines {
    read: Vec<Value>,
    ended: bool,
}

impl Process {
    /// Starts `command`, in a process group of its own.
    pub(crate) fn start(command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt as _;
        command
            .env("PLIMSOLL_LOG_FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().expect("plimsoll runs");
        let log = Arc::new(Log::default());
        let (stderr, writer) = (child.stderr.take().expect("a pipe"), Arc::clone(&log));
        std::thread::spawn(move || writer.fill(stderr));
        Self { child, log }
    }

    /// Waits for a line with this message, and gives it.
    #[track_caller]
    pub(crate) fn says(&self, message: &str) -> Value {
        let is_it = |line: &&Value| line["message"] == message;
        let unsaid = |lines: &mut Lines| !lines.ended && !lines.read.iter().any(|line| is_it(&line));
        let lines = self.log.more.wait_timeout_while(self.log.lock(), PATIENCE, unsaid);
        let lines = lines.unwrap_or_else(PoisonError::into_inner).0;
        let said = lines.read.iter().find(is_it).cloned();
        said.unwrap_or_else(|| panic!("it does not say {message:?}, but {:#?}", lines.read))
    }

    /// The URL of the server, once it listens.
    pub(crate) fn server(&self) -> String {
        let line = self.says("listening");
        let grpc = line["grpc"].as_str().unwrap_or_default();
        format!("http://{}", grpc.trim_start_matches("Some(").trim_end_matches(')'))
    }

    /// Kills it as a power cut would: it alone, not what it started.
    pub(crate) fn kill(mut self) -> Orphans {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a process to wait for");
        Orphans { log: Arc::clone(&self.log) }
    }

    /// Tells it and everything it started to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        let group = format!("-{}", self.child.id());
        let told = Command::new("kill").args(["-TERM", "--", &group]).status();
        assert!(told.expect("kill runs").success());
    }

    /// Waits for its end, and that of what it started: its exit code.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Option<i32> {
        self.log.ends();
        self.child.wait().expect("a process to wait for").code()
    }
}

/// What a process that was killed had started.
pub(crate) struct Orphans {
    log: Arc<Log>,
}

impl Orphans {
    /// Waits for their end.
    #[track_caller]
    pub(crate) fn end(&self) {
        self.log.ends();
    }
}

impl Log {
    /// Reads to the end, or the process would block on a full pipe.
    fn fill(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            self.lock().read.push(line);
            self.more.notify_all();
        }
        self.lock().ended = true;
        self.more.notify_all();
    }

    /// Waits until nobody can write to it any more.
    #[track_caller]
    fn ends(&self) {
        let waited = self.more.wait_timeout_while(self.lock(), PATIENCE, |lines| !lines.ended);
        let lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        assert!(lines.ended, "it, or what it started, does not end: {:#?}", lines.read);
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _waited_for_already = self.child.wait();
        if std::thread::panicking() {
            let id = self.child.id();
            for line in &self.log.lock().read {
                println!("{id}: {line}");
            }
        }
    }
}
