//! What those who wait notice of a backlog nobody waits for.

use std::time::Duration;

use anyhow::ensure;
use plimsoll_api::client::Client;
use plimsoll_api::client::messages::Lane;
use plimsoll_tests::image::{Image, LayerBlob};
use plimsoll_tests::registry::Registry;
use tokio::task::JoinSet;

use crate::clients::{open_loop, percentile, submit};
use crate::fleet::Fleet;
use crate::images::{borrowed, small};

/// Interactive scans of each measurement.
const SCANS: usize = 50;
/// How many of them are submitted in a second: so few that none waits for another.
const RATE: f64 = 4.0;
/// New layers of each image: one job each.
const LAYERS: usize = 2;
/// Layers of each image of the backlog.
const DEEP: usize = 20;
/// How long the backlog may take to be published.
const PATIENCE: Duration = Duration::from_secs(300);

/// Fifty scans of new layers while nothing else is to do, while `backlog` jobs wait, and of layers that are among those.
pub(crate) async fn measure(
    backlog: usize,
    fleet: &Fleet,
    registry: &Registry,
    run: &str,
) -> anyhow::Result<()> {
    ensure!(backlog >= 2 * SCANS * LAYERS, "a backlog of {backlog} jobs is over before it is measured");
    let client = fleet.client()?;
    let new = |name: &str| -> Vec<String> {
        let image = |number| small(&format!("{run}-{name}"), number, LAYERS);
        (0..SCANS).map(|number| push(registry, &format!("{run}-{name}-{number}"), &image(number))).collect()
    };
    // The first jobs start processes, which is no matter of lanes.
    open_loop(&client, &new("warm")[..8], RATE).await?;
    let idle = p99(&client, &new("idle"), "nothing else to do").await?;

    let layers = fill(backlog, fleet, &client, registry, run).await?;
    let busy = p99(&client, &new("busy"), "a backlog").await?;
    // The last that were published are the last that backfill would come to.
    let image = |number, layers: &[LayerBlob]| borrowed(run, number, layers);
    let shared: Vec<String> = layers
        .rchunks(LAYERS)
        .take(SCANS)
        .enumerate()
        .map(|(at, layers)| push(registry, &format!("{run}-shared-{at}"), &image(at, layers)))
        .collect();
    let shared = p99(&client, &shared, "layers in the backlog").await?;

    let jobs = fleet.said("worker", "layer known")?;
    let waiting = (backlog + (2 * SCANS + 8) * LAYERS).saturating_sub(jobs.len());
    println!("priority: {} jobs done, {waiting} still wait", jobs.len());
    ensure!(waiting > 0, "the backlog was over before the measurement was: make it longer");
    let longest = jobs.iter().filter_map(|job| job["seconds"].as_f64()).fold(0.0, f64::max);
    println!(
        "priority: idle_p99_ms={idle:.1} busy_p99_ms={:.1} longest_job_ms={:.1}",
        busy.max(shared),
        longest * 1e3
    );
    Ok(())
}

async fn p99(client: &Client, references: &[String], what: &str) -> anyhow::Result<f64> {
    let mut took = open_loop(client, references, RATE).await?;
    let (p50, p99) = (percentile(&mut took, 50), percentile(&mut took, 99));
    println!("priority: {what}: p50 {p50:.1} ms, p99 {p99:.1} ms");
    Ok(p99)
}

/// Has the jobs of the backlog published; gives their layers in the order of their publication.
async fn fill(
    backlog: usize,
    fleet: &Fleet,
    client: &Client,
    registry: &Registry,
    run: &str,
) -> anyhow::Result<Vec<LayerBlob>> {
    let planned = fleet.said("coordinator", "planned")?.len();
    let mut layers = Vec::with_capacity(backlog);
    let mut submitting = JoinSet::new();
    let images = backlog.div_ceil(DEEP);
    for number in 0..images {
        let image = small(&format!("{run}-backlog"), number, DEEP.min(backlog - number * DEEP));
        let reference = push(registry, &format!("{run}-backlog-{number}"), &image);
        layers.extend(image.layers);
        let client = client.clone();
        submitting.spawn(async move { submit(&client, &reference, Lane::Backfill).await });
    }
    while let Some(submitted) = submitting.join_next().await {
        submitted??;
    }
    let start = std::time::Instant::now();
    // The coordinator's log is what tells.
    while fleet.said("coordinator", "planned")?.len() < planned + images {
        ensure!(start.elapsed() < PATIENCE, "the backlog is not planned within {} s", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("priority: a backlog of {backlog} jobs of {images} images is published");
    Ok(layers)
}

fn push(registry: &Registry, tag: &str, image: &Image) -> String {
    registry.push("load/priority", tag, image)
}
