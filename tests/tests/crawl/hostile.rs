//! Registries that do not mean well, beside one that does.

use plimsoll_api::client::messages as v1;
use plimsoll_tests::registry::{Fault, Misdeed, Registry};

use crate::fleet::Fleet;
use crate::generated::{Generated, another};
use crate::parameters::Parameters;

/// What a crawler may grow by, whatever registries send: some chunks of tags and manifests.
const GROWTH: u64 = 96 << 20;

fn small(parameters: &Parameters) -> Generated {
    Generated::new(&Parameters { tags: 12, repositories: 3, ..*parameters })
}

#[test]
fn a_registry_that_does_not_mean_well_stops_nobody_else() {
    let parameters = Parameters::from_env();
    let fleet = Fleet::start();
    let start = |registry: &Registry| fleet.crawl(&registry.host(), v1::CrawlFilter::default(), false);
    // What a fleet needs that has judged a little.
    let warm = small(&parameters);
    fleet.ends(&start(&warm.registry), parameters.patience);
    let before = fleet.memory();

    let busy = small(&parameters);
    busy.registry.fault(Fault::times(5, "/v2/", Misdeed::TooManyRequests(Some(1))));
    busy.registry.fault(Fault::times(2, "/manifests/", Misdeed::TooManyRequests(None)));
    let cutting = small(&parameters);
    cutting.registry.fault(Fault::times(3, "_catalog", Misdeed::CutAfter(20)));
    cutting.registry.fault(Fault::times(9, "tags/list", Misdeed::CutAfter(15)));
    let lying = small(&parameters);
    lying.registry.fault(Fault::always("/manifests/v1", Misdeed::Longer(100)));
    lying.registry.fault(Fault::always("/team-2/app-002/tags/list", Misdeed::Longer(1000)));
    let circling = small(&parameters);
    circling.registry.fault(Fault::always("_catalog", Misdeed::RedirectTo(circling.registry.host())));
    let endless = Registry::start().expect("a registry on loopback");
    endless.push_endlessly("app", &another(1), parameters.endless);
    let silent = small(&parameters);
    silent.registry.fault(Fault::always("_catalog", Misdeed::Hold(10)));

    let endless_filter = v1::CrawlFilter { max_tags: 2000, ..Default::default() };
    let endless_id = fleet.crawl(&endless.host(), endless_filter, false);
    let [busy_id, cutting_id, lying_id, circling_id] =
        [&busy, &cutting, &lying, &circling].map(|made| start(&made.registry));
    let _silent_id = start(&silent.registry);
    // Last, so that it has to stand beside all of them.
    let well = small(&parameters);
    let well_id = start(&well.registry);

    let judged = |id: &str| {
        let crawl = fleet.ends(id, parameters.patience);
        let scans = crawl.progress.iter().flat_map(|progress| &progress.scans);
        let judged = scans.filter(|scan| scan.state() == v1::ScanState::Judged).map(|scan| scan.count).sum();
        (crawl.state(), judged, crawl)
    };
    let kinds = |crawl: &v1::Crawl| {
        let failures = crawl.progress.iter().flat_map(|progress| &progress.failures);
        failures.map(|failure| failure.kind.clone()).collect::<Vec<_>>()
    };
    let all = |made: &Generated| (v1::CrawlState::Done, made.images as u64);
    let (state, count, _) = judged(&well_id);
    assert_eq!((state, count), all(&well));
    for (id, made, what) in [(&busy_id, &busy, "asks to wait"), (&cutting_id, &cutting, "cuts")] {
        let (state, count, crawl) = judged(id);
        assert_eq!((state, count), all(made), "{what}: {crawl:?}");
    }
    let (state, count, crawl) = judged(&lying_id);
    assert_eq!(state, v1::CrawlState::Done, "{crawl:?}");
    assert!(count > 0 && !kinds(&crawl).is_empty(), "{crawl:?}");
    let (state, _, crawl) = judged(&circling_id);
    assert_eq!(state, v1::CrawlState::Failed, "{crawl:?}");
    assert!(crawl.failure.is_some_and(|why| why.message.contains("redirects")));
    let (state, count, crawl) = judged(&endless_id);
    assert_eq!((state, count), (v1::CrawlState::Done, 1), "{crawl:?}");
    assert_eq!(kinds(&crawl), ["too_many_tags"]);

    let grown = fleet.memory().saturating_sub(before);
    println!("hostile: endless_tags={} memory_growth_mib={}", parameters.endless, grown >> 20);
    assert!(grown < GROWTH, "it grew by {} MiB", grown >> 20);
    // Nobody waits for the one that says nothing.
    silent.registry.release();
}
