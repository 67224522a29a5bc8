//! One process of the fleet: its life, and from its log what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Coordinator,
    Worker,
    Aggregator,
}

impl Role {
    /// The subcommand.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
            Self::Aggregator => "aggregator",
        }
    }
}

/// What all workers together did, by layer.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Jobs begun.
    pub(crate) taken: BTreeMap<String, usize>,
    /// Jobs that ended otherwise than well: their worker died, their broker, their store, the process that read.
    pub(crate) interrupted: BTreeMap<String, usize>,
}

/// A process that runs, or has just ended.
pub(crate) struct Process {
    child: Child,
    reader: JoinHandle<()>,
    held: Arc<Mutex<BTreeSet<String>>>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Process {
    /// Starts it; what it logs goes to `log` too.
    pub(crate) fn launch(command: &mut Command, log: &Path, ledger: &Arc<Mutex<Ledger>>) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("plimsoll runs");
        let lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut copy = File::options().create(true).append(true).open(log).expect("a file for the log");
        let held = Arc::new(Mutex::default());
        let (holds, counts) = (Arc::clone(&held), Arc::clone(ledger));
        // To its end, or the process would block on a full pipe.
        let reader = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                writeln!(copy, "{line}").expect("the log is written");
                note(&serde_json::from_str(&line).unwrap_or_default(), &holds, &counts);
            }
        });
        Self { child, reader, held, ledger: Arc::clone(ledger) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process to wait for")
    }

    /// Whether it is at a layer.
    pub(crate) fn holds_jobs(&self) -> bool {
        !lock(&self.held).is_empty()
    }

    /// Counts what it holds as interrupted, although it lives on: its broker does not.
    pub(crate) fn lose_leases(&self) {
        interrupt(&self.ledger, &lock(&self.held));
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a process to wait for");
    }

    /// Counts what a process that has ended did not finish.
    pub(crate) fn bury(self) {
        // Its children have the pipe too, and end because it did.
        self.reader.join().expect("its log was read");
        interrupt(&self.ledger, &lock(&self.held));
    }
}

fn interrupt(ledger: &Mutex<Ledger>, held: &BTreeSet<String>) {
    let mut ledger = lock(ledger);
    for layer in held {
        *ledger.interrupted.entry(layer.clone()).or_default() += 1;
    }
}

/// What a line of a worker's log says of a job.
fn note(line: &Value, held: &Mutex<BTreeSet<String>>, ledger: &Mutex<Ledger>) {
    let Some(layer) = line["layer"].as_str() else { return };
    if line["message"] == "taken" {
        lock(held).insert(layer.to_owned());
        *lock(ledger).taken.entry(layer.to_owned()).or_default() += 1;
    } else if line["seconds"].is_number() {
        lock(held).remove(layer);
        if line["message"] != "layer known" {
            *lock(ledger).interrupted.entry(layer.to_owned()).or_default() += 1;
        }
    }
}

pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
