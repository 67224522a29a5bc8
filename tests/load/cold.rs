//! Images nobody knows a layer of: what the fleet pays for being many processes, and how much memory a worker takes.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use plimsoll_api::client::messages::Lane;
use tokio::task::JoinSet;

use crate::clients::judge_within;
use crate::fleet::{Fleet, worker};
use crate::processor;

/// How often it is looked at how much memory is taken. A process that has ended is not seen any more.
const LOOK: Duration = Duration::from_millis(20);
/// How long an image may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is scanned.
pub(crate) struct Corpus<'a> {
    pub(crate) plimsoll: &'a Path,
    pub(crate) database: &'a Path,
    /// HOST:PORT, plain HTTP.
    pub(crate) registry: &'a str,
    /// REPOSITORY:TAG each.
    pub(crate) images: &'a [&'a str],
}

/// All images at once by the fleet, then one after the other by `plimsoll scan` with one store: its processor time is
/// what the fleet's is compared with.
pub(crate) async fn measure(corpus: &Corpus<'_>, fleet: &Fleet, directory: &Path) -> anyhow::Result<()> {
    let client = fleet.client()?;
    let (start, before) = (Instant::now(), fleet.processor_time()?);
    let mut scans = JoinSet::new();
    for image in corpus.images {
        let (client, reference) = (client.clone(), format!("{}/{image}", corpus.registry));
        scans.spawn(async move { judge_within(&client, &reference, Lane::Interactive, PATIENCE).await });
    }
    let mut peaks = HashMap::new();
    while !scans.is_empty() {
        if let Ok(Some(judged)) = tokio::time::timeout(LOOK, scans.join_next()).await {
            judged??;
        }
        for id in fleet.workers() {
            peaks.entry(id).or_insert_with(HashMap::new).extend(processor::peaks(id)?);
        }
    }
    let (took, cpu) = (start.elapsed(), fleet.processor_time()?.saturating_sub(before));
    let mut layers = 0;
    for number in 0..fleet.workers().len() {
        layers += fleet.said(&worker(number), "layer known")?.len();
    }
    ensure!(layers > 0, "every layer was known: use services that were not used before");
    println!("cold: {layers} layers of {} images in {:.1} s", corpus.images.len(), took.as_secs_f64());
    let by_hand = scan(corpus, &directory.join("by-hand"))?;
    println!(
        "cold: cpu_seconds={:.1} by_hand={:.1} more_percent={:.1} worker_and_child_mb={:.0}",
        cpu.as_secs_f64(),
        by_hand.as_secs_f64(),
        (cpu.as_secs_f64() / by_hand.as_secs_f64() - 1.0) * 100.0,
        peaks.iter().map(|(id, family)| together(*id, family)).fold(0.0, f64::max),
    );
    Ok(())
}

/// What a worker and the largest of its children have taken at most, in MB.
fn together(worker: u32, family: &HashMap<u32, u64>) -> f64 {
    let own = family.get(&worker).copied().unwrap_or_default();
    let child = family.iter().filter(|(id, _)| **id != worker).map(|(_, peak)| *peak).max();
    ((own + child.unwrap_or_default()) * 1024) as f64 / 1e6
}

/// Processor time of `plimsoll scan` for all of the images.
fn scan(corpus: &Corpus<'_>, store: &Path) -> anyhow::Result<Duration> {
    let own = || processor::time(&[std::process::id()]);
    let before = own()?;
    for image in corpus.images {
        let mut command = Command::new(corpus.plimsoll);
        command.args(["scan", "--quiet", "--plain-http"]).arg(format!("{}/{image}", corpus.registry));
        command.arg("--store").arg(store).arg("--db").arg(corpus.database);
        let status =
            command.stdin(Stdio::null()).stdout(Stdio::null()).status().context("cannot scan by hand")?;
        // A verdict is a verdict, whichever.
        ensure!(status.code().is_some_and(|code| code <= 3), "{image}: plimsoll scan ended with {status}");
    }
    Ok(own()?.saturating_sub(before))
}
