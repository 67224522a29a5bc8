//! How much chaos, from the environment.

use std::path::PathBuf;

/// Which broker is between the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    Amqp,
    Sqs,
}

/// How much chaos. Each field is a variable of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    /// `SCANS`: images, each submitted once.
    pub(crate) scans: usize,
    /// `SEED`: what everything that is drawn by lot follows from.
    pub(crate) seed: u64,
    /// `KILLS`: processes that hold work and are killed.
    pub(crate) kills: usize,
    /// `TIMES`: how often each failpoint is to be hit.
    pub(crate) times: usize,
    /// `QUEUE`: amqp or sqs.
    pub(crate) queue: Broker,
    /// `BROKER_RESTARTS`, `STATE_RESTARTS`: how often RabbitMQ and PostgreSQL are restarted.
    pub(crate) broker_restarts: usize,
    pub(crate) state_restarts: usize,
    /// `AWAY`: for how many seconds the object store is away, once.
    pub(crate) away: u64,
    /// `PLIMSOLL_FAILPOINTS_BIN`: a binary with the feature `failpoints`. Without it no failpoint is hit.
    pub(crate) failpoints: Option<PathBuf>,
    /// `CORPUS`: OCI layouts whose images are among those scanned, divided by colons.
    pub(crate) corpus: Vec<PathBuf>,
}

impl Parameters {
    pub(crate) fn from_env() -> Result<Self, String> {
        let paths =
            |name| std::env::var_os(name).map(|text| std::env::split_paths(&text).collect::<Vec<_>>());
        let failpoints = text("PLIMSOLL_FAILPOINTS_BIN").map(PathBuf::from);
        if let Some(missing) = failpoints.as_ref().filter(|path| !path.is_file()) {
            return Err(format!("PLIMSOLL_FAILPOINTS_BIN names {}, which is not there", missing.display()));
        }
        Ok(Self {
            scans: number("SCANS", 9)?.max(1),
            seed: number("SEED", 1)? as u64,
            kills: number("KILLS", 3)?,
            times: number("TIMES", 1)?,
            queue: match text("QUEUE").as_deref() {
                None | Some("amqp") => Broker::Amqp,
                Some("sqs") => Broker::Sqs,
                Some(other) => return Err(format!("QUEUE is amqp or sqs, not {other:?}")),
            },
            broker_restarts: number("BROKER_RESTARTS", 1)?,
            state_restarts: number("STATE_RESTARTS", 1)?,
            away: number("AWAY", 3)? as u64,
            failpoints,
            corpus: paths("CORPUS").unwrap_or_default(),
        })
    }
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(name: &str, default: usize) -> Result<usize, String> {
    let Some(text) = text(name) else { return Ok(default) };
    text.parse().map_err(|_| format!("{name} is {text:?} and not a number"))
}
