//! Images nobody has asked about, of layers everybody has.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_api::client::Client;
use plimsoll_api::client::messages::Lane;
use plimsoll_tests::registry::Registry;

use crate::clients::{closed_loop, open_loop, percentile};
use crate::fleet::Fleet;
use crate::images::Shelf;

/// How much.
pub(crate) struct Load {
    /// Images for the open loop, and as many for the closed one.
    pub(crate) count: usize,
    /// Scans submitted in a second, open loop.
    pub(crate) rate: f64,
    /// Who ask at the same time, closed loop.
    pub(crate) clients: usize,
}

/// Open loop, then closed loop with other images, then those again.
pub(crate) async fn measure(
    load: &Load,
    fleet: &Fleet,
    registry: &Registry,
    run: &str,
) -> anyhow::Result<()> {
    let shelf = Shelf::fill();
    let client = fleet.client()?;
    warm(&shelf, &client, registry, run).await?;
    let references: Vec<String> = (0..2 * load.count)
        .map(|number| registry.push("load/app", &format!("{run}-{number}"), &shelf.image(run, number)))
        .collect();
    let (opened, closed) = references.split_at(load.count);
    registry.clear_requests();

    let mut took = open_loop(&client, opened, load.rate).await?;
    let mut at = |percent| percentile(&mut took, percent);
    let (p50, p90, p99, most) = (at(50), at(90), at(99), at(100));
    let rate = load.rate;
    println!(
        "load: open loop at {rate}/s: p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, longest {most:.1} ms"
    );

    let closed: Arc<[String]> = closed.into();
    let before = fleet.processor_time()?;
    let elapsed = closed_loop(&client, &closed, load.clients, Lane::Interactive).await?;
    let cpu = fleet.processor_time()?.saturating_sub(before);
    println!("load: closed loop with {} clients: {:.1} s", load.clients, elapsed.as_secs_f64());
    let again = closed_loop(&client, &closed, load.clients, Lane::Interactive).await?;
    let a_second = |elapsed: Duration| load.count as f64 / elapsed.as_secs_f64();
    println!(
        "load: known_images_per_second={:.1} p50_ms={p50:.1} p99_ms={p99:.1} resubmitted_per_second={:.1} \
         cpu_ms_per_image={:.2}",
        a_second(elapsed),
        a_second(again),
        cpu.as_secs_f64() * 1e3 / load.count as f64
    );
    Ok(())
}

/// Has every layer analyzed.
async fn warm(shelf: &Shelf, client: &Client, registry: &Registry, run: &str) -> anyhow::Result<()> {
    let covering = shelf.covering(run);
    let push = |(at, image)| registry.push("load/app", &format!("{run}-warm-{at}"), image);
    let references: Arc<[String]> = covering.iter().enumerate().map(push).collect();
    let elapsed = closed_loop(client, &references, 4, Lane::Interactive).await?;
    let mut packages: Vec<usize> = (0..1000).map(|number| shelf.packages(number)).collect();
    packages.sort_unstable();
    println!(
        "load: {} layers of {} images are known after {:.1} s; images have a median of {} packages",
        shelf.len(),
        references.len(),
        elapsed.as_secs_f64(),
        packages[packages.len() / 2]
    );
    Ok(())
}
