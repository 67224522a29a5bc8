//! A whole registry: planned, then worked through, with kills in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use plimsoll_api::client::messages as v1;
use plimsoll_types::Digest;

use crate::fleet::{Fleet, SLOTS};
use crate::generated::Generated;
use crate::parameters::Parameters;

/// What happened, as the last line has it.
#[derive(Debug, Default)]
struct Figures {
    images: u64,
    verdicts: u64,
    not_images: u64,
    failed: u64,
    planned_bytes: u64,
    pulled_bytes: u64,
    refetched_blobs: usize,
    interrupted_blobs: usize,
}

#[test]
fn a_registry_is_judged_as_planned_whoever_is_killed() {
    let parameters = Parameters::from_env();
    let made = Generated::new(&parameters);
    let mut fleet = Fleet::start();
    let host = made.registry.host();

    let plan = fleet.crawl(&host, v1::CrawlFilter::default(), true);
    let plan = fleet.ends(&plan, parameters.patience);
    assert_eq!(plan.state(), v1::CrawlState::Done, "{plan:?}");
    let counts = plan.progress.clone().unwrap_or_default();
    let planned = counts.planned.unwrap_or_default();
    assert_eq!((counts.images, counts.images_asked), (made.images as u64, 0), "{plan:?}");
    assert_eq!(counts.not_images, made.not_images as u64, "{plan:?}");
    assert_eq!(fleet.scans(), [], "a plan asks for nothing");
    assert_eq!(made.registry.count("GET", "/blobs/"), 0, "and pulls nothing");

    let (began, spent) = (Instant::now(), fleet.processor_time());
    let id = fleet.crawl(&host, v1::CrawlFilter::default(), false);
    let digests: Vec<Digest> = made.layers.keys().copied().collect();
    // What was begun by each kill and not stored, and what was stored, with how often it had been asked for.
    let (mut stored, mut cut, mut before) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    for kill in 1..=parameters.kills {
        let enough = digests.len() * kill / (parameters.kills + 1);
        crate::wait_for("layers that were read", parameters.patience, || {
            (made.registry.completed_blobs() >= enough).then_some(())
        });
        // Slow enough that there is something to cut.
        made.registry.slow_down(8, Duration::from_millis(100));
        let begun = made.registry.count("GET", "/blobs/") + 3;
        assert!(made.registry.wait_for(begun, "GET", "/blobs/", parameters.patience));
        fleet.kill();
        made.registry.slow_down(1, Duration::ZERO);
        // What the process had started ends by itself, and stores what it has.
        std::thread::sleep(Duration::from_millis(500));
        let pulls = made.registry.blob_pulls();
        for (digest, there) in digests.iter().zip(fleet.has_evidence(&digests)) {
            let asked = pulls.get(&digest.to_string()).copied().unwrap_or_default();
            let asked_before = before.insert(*digest, asked).unwrap_or_default();
            if there {
                stored.push((*digest, asked));
            } else if asked > asked_before {
                cut.insert((kill, *digest));
            }
        }
        fleet.launch();
    }
    let crawl = fleet.ends(&id, parameters.patience);
    let took = began.elapsed();
    assert_eq!(crawl.state(), v1::CrawlState::Done, "{crawl:?}");

    let pulls = made.registry.blob_pulls();
    let counts = crawl.progress.clone().unwrap_or_default();
    let scans = |states: &[v1::ScanState]| {
        counts.scans.iter().filter(|scan| states.contains(&scan.state())).map(|scan| scan.count).sum::<u64>()
    };
    let figures = Figures {
        images: counts.images,
        verdicts: scans(&[v1::ScanState::Judged]),
        not_images: counts.not_images,
        failed: counts.failures.iter().map(|failure| failure.count).sum(),
        planned_bytes: planned.bytes - planned.known_bytes,
        pulled_bytes: made
            .layers
            .iter()
            .map(|(digest, size)| made.registry.completed(&digest.to_string()) as u64 * size)
            .sum(),
        refetched_blobs: stored
            .iter()
            .filter(|(digest, asked)| pulls.get(&digest.to_string()).is_some_and(|now| now > asked))
            .count(),
        interrupted_blobs: cut.len(),
    };
    let cpu = fleet.processor_time().saturating_sub(spent).as_secs_f64();
    println!(
        "crawl: seconds={:.1} images_per_second={:.1} cpu_ms_per_image={:.1} tags={} layers={} planned_layers={}",
        took.as_secs_f64(),
        figures.images as f64 / took.as_secs_f64(),
        cpu * 1e3 / figures.images.max(1) as f64,
        crawl.tags,
        made.layers.len(),
        planned.layers,
    );
    println!("{}", line(&figures));
    assert_eq!(complaints(&figures, &made, &parameters, &planned), Vec::<String>::new());
    again(&fleet, &made, &parameters);
}

fn line(figures: &Figures) -> String {
    format!(
        "crawl: images={} verdicts={} not_images={} failed={} planned_bytes={} pulled_bytes={} refetched_blobs={} \
         interrupted_blobs={}",
        figures.images,
        figures.verdicts,
        figures.not_images,
        figures.failed,
        figures.planned_bytes,
        figures.pulled_bytes,
        figures.refetched_blobs,
        figures.interrupted_blobs,
    )
}

fn complaints(
    figures: &Figures,
    made: &Generated,
    parameters: &Parameters,
    planned: &v1::CrawlPlan,
) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            complaints.push(what.to_owned());
        }
    };
    must(figures.images == made.images as u64, "every image is found once");
    must(figures.verdicts == figures.images, "and judged");
    must(figures.not_images == made.not_images as u64, "what is no image is counted as such");
    must(figures.failed == made.broken as u64, "what is broken is counted as failed, and nothing else is");
    let near = |planned: u64, actual: u64| planned.abs_diff(actual) * 20 <= planned;
    must(near(planned.layers, made.layers.len() as u64), "planned layers are within 5% of those there are");
    must(near(figures.planned_bytes, figures.pulled_bytes), "planned bytes are within 5% of those pulled");
    must(figures.refetched_blobs == 0, "no blob whose evidence is stored is fetched again");
    must(
        figures.interrupted_blobs <= SLOTS * parameters.kills,
        "a kill cuts no more blobs than there are slots",
    );
    complaints
}

/// Whoever crawls again asks for nothing, and sees what moved meanwhile.
fn again(fleet: &Fleet, made: &Generated, parameters: &Parameters) {
    let before = (fleet.scans().len(), made.registry.count("GET", "/blobs/"));
    let id = fleet.crawl(&made.registry.host(), v1::CrawlFilter::default(), false);
    let crawl = fleet.ends(&id, parameters.patience);
    let counts = crawl.progress.clone().unwrap_or_default();
    assert_eq!(counts.images_asked, made.images as u64, "{crawl:?}");
    assert_eq!((fleet.scans().len(), made.registry.count("GET", "/blobs/")), before);
    assert!(counts.bytes_per_second > 0, "the speed was measured");
    let planned = counts.planned.unwrap_or_default();
    assert_eq!(planned.known_layers, planned.layers, "{crawl:?}");
}
