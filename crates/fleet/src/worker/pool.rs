//! Jobs in processes of their own, seen from outside: a layer that takes its process with it takes nothing else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_types::{LayerFailure, LayerJob, LayerOutcome, Retry};
use tokio::io;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Runner;
use super::child::ask;

/// How long children may take to end, once there is nothing for them to do. Longer than sending spans may take.
const FAREWELL: Duration = Duration::from_secs(6);

/// How a child is started. It has to speak what [`super::serve_child`] speaks.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    /// The program: this one, as a rule.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// The exit code of a child that has no store, or no way to work for another reason that is not the layer's.
const CANNOT_WORK: i32 = 3;

/// Children that wait for work. There are never more than jobs at the same time.
pub struct Pool {
    command: ChildCommand,
    wall: Duration,
    idle: Mutex<Vec<Process>>,
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Pool {
    /// A pool whose children are given `wall` for a job. Keep it shorter than any broker's patience.
    pub fn new(command: ChildCommand, wall: Duration) -> Self {
        Self { command, wall, idle: Mutex::default() }
    }

    /// A child that waits, or a new one.
    fn process(&self) -> io::Result<Process> {
        let mut idle = std::iter::from_fn(|| self.waiting().pop());
        // One that died while it had nothing to do is no layer's fault.
        if let Some(alive) = idle.find_map(alive) {
            return Ok(alive);
        }
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(io::Error::other("the child has no pipes"));
        };
        Ok(Process { child, input, output })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Runner for Pool {
    /// A child that dies, or does not answer in time, is laid to its layer.
    async fn run(&self, job: &LayerJob, shared: bool) -> LayerOutcome {
        let mut process = match self.process() {
            Ok(process) => process,
            Err(error) => return LayerOutcome::Interrupted(format!("no process could be started: {error}")),
        };
        let asked = ask(job, shared, &mut process.input, &mut process.output);
        match tokio::time::timeout(self.wall, asked).await {
            Ok(Ok(result)) if result.digest == job.digest => {
                self.waiting().push(process);
                result.outcome
            }
            Ok(Ok(_)) => LayerOutcome::Interrupted("a child answered for another layer".to_owned()),
            Ok(Err(error)) => died(process, &error).await,
            Err(_) => {
                failed("time", format!("not read within {} seconds; it may be a trap", self.wall.as_secs()))
            }
        }
    }

    /// Children end by themselves when nobody asks them any more, and send the last of their spans before.
    async fn close(&self) {
        let idle = std::mem::take(&mut *self.waiting());
        let ends = idle.into_iter().map(async |Process { mut child, input, output }| {
            drop(input);
            if tokio::time::timeout(FAREWELL, child.wait()).await.is_err() {
                tracing::warn!("a child that has nothing to do does not end; it is killed");
            }
            drop(output);
        });
        futures_util::future::join_all(ends).await;
    }
}

fn alive(mut process: Process) -> Option<Process> {
    matches!(process.child.try_wait(), Ok(None)).then_some(process)
}

async fn died(mut process: Process, error: &io::Error) -> LayerOutcome {
    // Its pipes are closed, so it has ended or will at once; a child that answers nonsense is killed.
    let _ = process.child.start_kill();
    match process.child.wait().await {
        Ok(status) if status.code() == Some(CANNOT_WORK) => LayerOutcome::Interrupted(
            "the process that was to read it could not work; its log says why".to_owned(),
        ),
        Ok(status) => failed(
            "died",
            format!(
                "the process that read it ended with {status} ({error}); it may need more memory than a job may have"
            ),
        ),
        Err(error) => LayerOutcome::Interrupted(format!("a child could not be waited for: {error}")),
    }
}

fn failed(kind: &str, message: String) -> LayerOutcome {
    LayerOutcome::LayerFailed(LayerFailure { kind: kind.to_owned(), message, retry: Retry::After(None) })
}
