//! Events that never came.

use std::collections::BTreeMap;

use plimsoll_api::client::messages as v1;

use crate::fleet::Fleet;
use crate::generated::Generated;
use crate::parameters::Parameters;

#[test]
fn the_sweep_judges_what_events_have_not_told() {
    let parameters = Parameters::from_env();
    let made = Generated::new(&Parameters {
        tags: parameters.events * 11 / 10,
        repositories: parameters.repositories.min(parameters.events),
        ..parameters
    });
    let fleet = Fleet::start();
    // Every second image is told of.
    let told: Vec<String> =
        made.references.iter().step_by(2).map(|reference| fleet.submit(reference)).collect();
    let id = fleet.crawl(&made.registry.host(), v1::CrawlFilter::default(), false);
    let crawl = fleet.ends(&id, parameters.patience);
    assert_eq!(crawl.state(), v1::CrawlState::Done, "{crawl:?}");

    let scans = crate::wait_for("verdicts on all images", parameters.patience, || {
        let scans = fleet.scans();
        scans.iter().all(|scan| scan.state() == v1::ScanState::Judged).then_some(scans)
    });
    let mut judged: BTreeMap<String, usize> = BTreeMap::new();
    for scan in &scans {
        let name = scan.reference.split('@').next().unwrap_or_default().to_owned();
        *judged.entry(name).or_default() += 1;
    }
    assert_eq!(judged.len(), made.images, "every image is judged");
    let twice: Vec<_> = judged.iter().filter(|(_, count)| **count > 1).collect();
    // A scan that nobody has resolved yet is known by its reference only.
    assert!(twice.is_empty(), "{twice:?}");
    println!(
        "sweep: events={} dropped={} scans={} judged={}",
        made.images,
        made.images - told.len(),
        scans.len(),
        judged.len()
    );
}

/// And a deleted tag ends.
#[test]
fn a_moved_tag_is_seen_and_its_new_image_judged() {
    let parameters = Parameters::from_env();
    let made = Generated::new(&Parameters { tags: 3, repositories: 1, ..parameters });
    let fleet = Fleet::start();
    let host = made.registry.host();
    let sweep = || {
        let id = fleet.crawl(&host, v1::CrawlFilter::default(), false);
        fleet.ends(&id, parameters.patience)
    };
    sweep();
    let repository = format!("{host}/team-0/app-000");
    let first = fleet.history(&repository);
    assert!(first.iter().all(|span| span.gone_at.is_none()) && !first.is_empty(), "{first:?}");

    let image = crate::generated::another(99);
    made.registry.push("team-0/app-000", "v0", &image);
    made.registry.delete_tag("team-0/app-000", "latest-0");
    let before = fleet.scans().len();
    sweep();
    assert_eq!(fleet.scans().len(), before + 1, "the new digest is judged, and nothing else");
    let history = fleet.history(&repository);
    let of = |tag: &str| history.iter().filter(|span| span.tag == tag).collect::<Vec<_>>();
    let moved = of("v0");
    assert_eq!(moved.len(), 2, "{history:?}");
    assert_eq!((moved[0].digest.as_str(), moved[0].gone_at), (image.manifest.digest.as_str(), None));
    assert!(moved[1].gone_at.is_some(), "{history:?}");
    assert!(of("latest-0")[0].gone_at.is_some(), "{history:?}");
}
