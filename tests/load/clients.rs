//! Those who ask: from the submission of a scan to the verdict that its stream tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use plimsoll_api::client::Client;
use plimsoll_api::client::messages::{Lane, ScanState, SubmitScanRequest};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long anybody waits for a verdict.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks for a verdict; gives the id of the scan.
pub(crate) async fn submit(client: &Client, reference: &str, lane: Lane) -> anyhow::Result<String> {
    let request =
        SubmitScanRequest { reference: reference.to_owned(), lane: lane.into(), ..Default::default() };
    let response = client.submit(request).await?;
    Ok(response.scan.context("a submission without a scan")?.id)
}

/// Asks for a verdict and waits for it.
pub(crate) async fn judge(client: &Client, reference: &str, lane: Lane) -> anyhow::Result<()> {
    judge_within(client, reference, lane, PATIENCE).await
}

/// The same with another patience.
pub(crate) async fn judge_within(
    client: &Client,
    reference: &str,
    lane: Lane,
    patience: Duration,
) -> anyhow::Result<()> {
    let id = submit(client, reference, lane).await?;
    let ended = tokio::time::timeout(patience, client.watch(&id, |_, _| {})).await;
    let scan =
        ended.with_context(|| format!("{reference}: no verdict within {} s", patience.as_secs()))??;
    ensure!(scan.state() == ScanState::Judged, "{reference}: {:?} {:?}", scan.state(), scan.failure);
    Ok(())
}

/// Open loop: submits `rate` scans a second, whatever becomes of the earlier ones. How long each verdict took from the
/// instant its submission was due.
pub(crate) async fn open_loop(
    client: &Client,
    references: &[String],
    rate: f64,
) -> anyhow::Result<Vec<Duration>> {
    let start = Instant::now();
    let mut asked = JoinSet::new();
    for (number, reference) in references.iter().enumerate() {
        let due = start + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due).await;
        let (client, reference) = (client.clone(), reference.clone());
        asked.spawn(async move {
            judge(&client, &reference, Lane::Interactive).await?;
            Ok::<_, anyhow::Error>(due.elapsed())
        });
    }
    let mut took = Vec::with_capacity(references.len());
    while let Some(judged) = asked.join_next().await {
        took.push(judged??);
    }
    Ok(took)
}

/// Closed loop: `clients` at a time, each of whom asks again as soon as it has its verdict. How long all took.
pub(crate) async fn closed_loop(
    client: &Client,
    references: &Arc<[String]>,
    clients: usize,
    lane: Lane,
) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut asking = JoinSet::new();
    for _ in 0..clients {
        let (client, references, next) = (client.clone(), Arc::clone(references), Arc::clone(&next));
        asking.spawn(async move {
            while let Some(reference) = references.get(next.fetch_add(1, Ordering::Relaxed)) {
                judge(&client, reference, lane).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(done) = asking.join_next().await {
        done??;
    }
    Ok(start.elapsed())
}

/// The time that `percent` of a hundred do not exceed, in milliseconds.
pub(crate) fn percentile(took: &mut [Duration], percent: usize) -> f64 {
    took.sort_unstable();
    let rank = (took.len() * percent).div_ceil(100).max(1);
    took.get(rank - 1).map_or(0.0, |took| took.as_secs_f64() * 1e3)
}
