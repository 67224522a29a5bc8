//! `make load`: how fast a fleet of processes, over real services, judges images whose layers it knows; and what those
//! who wait notice of a long backlog.
//!
//! `load known COUNT RATE CLIENTS`, `load priority BACKLOG`, or `load cold REGISTRY IMAGE…`, with the services' addresses in
//! the environment.

mod clients;
mod cold;
mod fleet;
mod images;
mod known;
mod layers;
mod priority;
mod processor;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use plimsoll_tests::registry::Registry;

use crate::fleet::Fleet;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let plimsoll = plimsoll_tests::binary::plimsoll()?;
    let directory = tempfile::Builder::new().prefix("plimsoll-load.").tempdir()?;
    let database = knowledge(&plimsoll, directory.path())?;
    let registry = Registry::start().context("cannot listen on 127.0.0.1")?;
    // Services that were used before may know every image but those of this run.
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().to_string();
    let cold = arguments.first() == Some(&"cold");
    let (workers, prefix) = if cold { (2, format!("cold-{run}")) } else { (1, "load".to_owned()) };
    let fleet = Fleet::start(&plimsoll, directory.path(), &database, workers, &prefix)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = match arguments[..] {
        ["known", count, rate, clients] => {
            let load = known::Load { count: count.parse()?, rate: rate.parse()?, clients: clients.parse()? };
            runtime.block_on(known::measure(&load, &fleet, &registry, &run))
        }
        ["priority", backlog] => {
            runtime.block_on(priority::measure(backlog.parse()?, &fleet, &registry, &run))
        }
        ["cold", registry, ref images @ ..] if !images.is_empty() => {
            let corpus = cold::Corpus { plimsoll: &plimsoll, database: &database, registry, images };
            runtime.block_on(cold::measure(&corpus, &fleet, directory.path()))
        }
        _ => {
            bail!("usage: load known COUNT RATE CLIENTS, load priority BACKLOG, or load cold REGISTRY IMAGE…")
        }
    };
    if outcome.is_err() {
        // What the roles said may say why.
        eprintln!("load: the logs are in {}", directory.keep().display());
    }
    outcome
}

/// The advisories to judge by: every feed there is, or those that come with the repository.
fn knowledge(plimsoll: &Path, directory: &Path) -> anyhow::Result<PathBuf> {
    let database = directory.join("load.db");
    let mut sources = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/knowledge/demo")];
    match std::env::var_os("PLIMSOLL_TEST_DATA").map(PathBuf::from) {
        Some(data) => {
            println!("load: whole feeds of PLIMSOLL_TEST_DATA, and the demonstration's advisories of Debian");
            for feed in
                std::fs::read_dir(data.join("feeds/osv")).context("PLIMSOLL_TEST_DATA has no feeds")?
            {
                sources.push(feed?.path());
            }
            let pypa = directory.join("pypa");
            std::fs::create_dir(&pypa)?;
            let archive = data.join("feeds/native/pypa-advisory-database.tar.gz");
            let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&pypa).status()?;
            ensure!(status.success(), "tar could not unpack the advisories of PyPI");
            sources.push(pypa);
        }
        None => println!("load: the demonstration's advisories only, for PLIMSOLL_TEST_DATA is not set"),
    }
    let output =
        Command::new(plimsoll).args(["db", "build", "--out"]).arg(&database).args(sources).output()?;
    ensure!(output.status.success(), "no snapshot: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let advisories = text.lines().next().and_then(|line| line.rsplit_once(": "));
    println!("load: {}", advisories.map_or("a snapshot", |(_, count)| count));
    Ok(database)
}
