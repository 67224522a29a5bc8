//! Promises of [`Crawls`](crate::Crawls), [`Crawling`](crate::Crawling) and [`Surveys`](crate::Surveys).

use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{
    CrawlId, CrawlRequest, CrawlState, Digest, Failure, Lane, ScanRequest, ScanState, Tenant,
};

use super::fixture::*;
use crate::{ClaimedCrawl, CrawlProgress, CrawlStep, FoundImage, FoundKind, Pace};

const REGISTRY: &str = "registry.example";

fn crawl_request() -> CrawlRequest {
    CrawlRequest { registry: REGISTRY.into(), ..CrawlRequest::default() }
}

async fn start(state: &S, request: &CrawlRequest) -> CrawlId {
    state.start_crawl(request, NOW).await.expect("the crawl is accepted")
}

async fn claim(state: &S, now: i64) -> Vec<ClaimedCrawl> {
    state.claim_crawls(HOLDER, LEASE, 9, now).await.expect("the claim is answered")
}

async fn look(state: &S, id: CrawlId) -> CrawlProgress {
    state.crawl(&Tenant::default(), id).await.expect("it is read").expect("the crawl exists")
}

fn found(repository: &str, byte: u8, layers: &[(Digest, u64)]) -> FoundImage {
    FoundImage {
        repository: repository.into(),
        tag: "1".into(),
        digest: digest(byte),
        kind: FoundKind::Image,
        layers: layers.to_vec(),
    }
}

fn step(cursor: &str) -> CrawlStep {
    CrawlStep { cursor: cursor.into(), repositories: 1, tags: 2, ..CrawlStep::default() }
}

/// By one holder at a time, from where it was.
pub async fn a_crawl_goes_on_where_it_was(state: S) {
    let id = start(&state, &crawl_request()).await;
    let claimed = claim(&state, NOW).await;
    assert_eq!((claimed.len(), claimed[0].id, claimed[0].cursor.as_deref()), (1, id, None));
    assert_eq!(claimed[0].request, crawl_request());
    assert_eq!(claim(&state, NOW).await, [], "it is held");
    let until = NOW + 2 * LEASE;
    assert!(state.advance(id, HOLDER, &step("here"), until).await.expect("recorded"));
    assert_eq!(claim(&state, NOW + LEASE).await, [], "a step prolongs the claim");
    let again = state.claim_crawls("another", LEASE, 9, until).await.expect("answered");
    assert_eq!(again[0].cursor.as_deref(), Some("here"));
    for written in [
        state.advance(id, HOLDER, &step("there"), until).await,
        state.found(id, HOLDER, &[found("app", 1, &[])]).await,
        state.put_off_crawl(id, HOLDER, until, None, false).await,
        state.end_crawl(id, HOLDER, CrawlState::Done, None, until).await,
    ] {
        assert!(!written.expect("answered"), "whoever lost the claim writes nothing");
    }
    assert!(state.end_crawl(id, "another", CrawlState::Done, None, until).await.expect("recorded"));
    let crawl = look(&state, id).await.crawl;
    assert_eq!((crawl.state, crawl.repositories, crawl.tags), (CrawlState::Done, 1, 2));
    assert_eq!((crawl.started_at, crawl.ended_at), (NOW, Some(until)));
    assert_eq!(claim(&state, until + 9 * LEASE).await, [], "an end is an end");
}

/// And what it ran into is told meanwhile.
pub async fn a_crawl_that_is_put_off_comes_back(state: S) {
    let id = start(&state, &crawl_request()).await;
    claim(&state, NOW).await;
    let away = Failure::passing("unreachable", "nobody answers");
    assert!(state.put_off_crawl(id, HOLDER, NOW + 500, Some(&away), true).await.expect("recorded"));
    assert_eq!(look(&state, id).await.crawl.failure, Some(away));
    assert_eq!(claim(&state, NOW + 499).await, []);
    assert_eq!(claim(&state, NOW + 500).await[0].attempts, 1);
    assert!(state.put_off_crawl(id, HOLDER, NOW + 600, None, false).await.expect("recorded"));
    assert_eq!(claim(&state, NOW + 600).await[0].attempts, 1, "to be told to wait is no attempt");
    assert!(state.advance(id, HOLDER, &step("x"), NOW + 700).await.expect("recorded"));
    let later = claim(&state, NOW + 700).await;
    assert_eq!(later[0].attempts, 0, "a step starts anew");
    assert_eq!(look(&state, id).await.crawl.failure, None);
    state.take_over(NOW + 701).await.expect("taken over");
    assert_eq!(claim(&state, NOW + 701).await.len(), 1, "who is alone need not wait for the lease");
}

/// Repeated or not.
pub async fn a_plan_counts_each_layer_once(state: S) {
    // Layer 1 is known, layer 2 is outstanding.
    judged(&state, &request(), 1).await;
    let id = start(&state, &crawl_request()).await;
    claim(&state, NOW).await;
    let images = [
        found("a", 11, &[(digest(1), 100), (digest(2), 1000), (digest(2), 1000)]),
        found("b", 12, &[(digest(1), 100), (digest(3), 10)]),
        FoundImage { kind: FoundKind::NotAnImage, ..found("b", 13, &[]) },
        found("c", 12, &[(digest(1), 100), (digest(3), 10)]),
    ];
    for _ in 0..2 {
        assert!(state.found(id, HOLDER, &images).await.expect("recorded"));
    }
    let progress = look(&state, id).await;
    assert_eq!((progress.images, progress.not_images, progress.asked), (3, 1, 0));
    let plan = progress.planned;
    assert_eq!((plan.layers, plan.layer_uses), (3, 7));
    assert_eq!((plan.bytes, plan.bytes_of_uses), (1110, 2320));
    assert_eq!((plan.known_layers, plan.known_bytes), (1, 100));
    assert_eq!((progress.actual.layers, progress.bytes_per_second), (0, None));

    // Claims of a stranger.
    let huge: Vec<_> = (20..60).map(|byte| (digest(byte), u64::MAX)).collect();
    assert!(state.found(id, HOLDER, &[found("d", 14, &huge)]).await.expect("recorded"));
    assert!(look(&state, id).await.planned.bytes > 1 << 40);
}

/// By lane, with what failed and why.
pub async fn a_crawl_shows_what_became_of_its_plan(state: S) {
    let id = start(&state, &crawl_request()).await;
    claim(&state, NOW).await;
    let layers = [(digest(1), 1000), (digest(2), 500)];
    let images = [found("a", 11, &layers), found("b", 12, &layers[..1]), found("c", 13, &[])];
    assert!(state.found(id, HOLDER, &images).await.expect("recorded"));
    let backfill = ScanRequest { lane: Lane::Backfill, ..request() };
    let first = submit(&state, &backfill).await;
    record(&state, first, &plan(&[digest(1)])).await;
    let lost = submit(&state, &backfill).await;
    let claimed = state.claim_submitted(HOLDER, LEASE, 9, NOW).await.expect("answered");
    assert_eq!(claimed.len(), 1);
    let broken = Failure::lasting("bad_manifest", "it is broken");
    assert!(state.fail(lost, HOLDER, ScanState::Failed, &broken, NOW).await.expect("ended"));
    let scans = vec![("a".into(), digest(11), first), ("b".into(), digest(12), lost)];
    let failures = vec![
        ("c".into(), "2".into(), broken.clone()),
        ("d".into(), String::new(), Failure::passing("unreachable", "d is away")),
    ];
    let made = CrawlStep { scans, failures, ..step("x") };
    assert!(state.advance(id, HOLDER, &made, NOW + LEASE).await.expect("recorded"));

    let progress = look(&state, id).await;
    assert_eq!((progress.images, progress.asked, progress.actual.layers), (3, 2, 0));
    let counts = progress.scans.iter().map(|scan| (scan.lane, scan.state, scan.count));
    let expected = [(Lane::Backfill, ScanState::Analyzing, 1), (Lane::Backfill, ScanState::Failed, 1)];
    assert_eq!(counts.collect::<Vec<_>>(), expected);
    let failures: Vec<_> =
        progress.failures.iter().map(|failure| (failure.kind.as_str(), failure.count)).collect();
    assert_eq!(failures, [("bad_manifest", 2), ("unreachable", 1)]);

    finish(&state, digest(1)).await;
    for target in complete(&state).await {
        let passed = verdict(VerdictStatus::Pass, 9);
        assert!(state.judged(target.id, &passed, NOW).await.expect("judged"));
    }
    let progress = look(&state, id).await;
    assert_eq!((progress.actual.layers, progress.actual.bytes), (1, 1000));
    let judged = progress.scans.iter().find(|scan| scan.state == ScanState::Judged).expect("one is");
    assert_eq!((judged.status, judged.count), (Some(VerdictStatus::Pass), 1));
}

/// By tag and by digest, whoever asked; what failed may be asked for again.
pub async fn what_was_asked_for_is_found_by_its_digest(state: S) {
    let image = image(&[digest(1)]);
    let ask = async |repository: &str, tag: &str, digest: Digest| {
        let asked = state.asked(&Tenant::default(), REGISTRY, repository, &[(tag.into(), digest)]).await;
        asked.expect("answered").remove(0)
    };
    let waiting = submit(&state, &request()).await;
    assert_eq!(
        ask("app", "1", image.manifest).await,
        Some(waiting),
        "by the reference, until it is resolved"
    );
    record(&state, waiting, &plan(&[digest(1)])).await;
    assert_eq!(ask("app", "2", image.manifest).await, Some(waiting), "by what it was resolved to");
    assert_eq!(ask("app/b", "1", image.manifest).await, None, "another repository");
    assert_eq!(ask("app", "1", digest(99)).await, None, "the tag has moved");
    let other = state.asked(&tenant("b"), REGISTRY, "app", &[("1".into(), image.manifest)]).await;
    assert_eq!(other.expect("answered"), [None], "another tenant");

    let of_index = submit(&state, &request()).await;
    let indexed = crate::ScanPlan { index: Some(digest(77)), ..plan(&[digest(2)]) };
    record(&state, of_index, &indexed).await;
    assert_eq!(ask("app", "9", digest(77)).await, Some(of_index));
    state.cancel(&Tenant::default(), of_index, NOW).await.expect("cancelled");
    assert_eq!(ask("app", "9", digest(77)).await, None);
}

/// With the sizes of the manifest.
pub async fn layers_of_a_known_image_are_known(state: S) {
    let (_, _) = planned(&state, &plan(&[digest(2), digest(1)])).await;
    let manifest = image(&[digest(2), digest(1)]).manifest;
    let of = async |tenant: &Tenant, manifest| state.layers_of(tenant, manifest).await.expect("answered");
    let layers = of(&Tenant::default(), manifest).await;
    assert_eq!(layers, Some(vec![(digest(2), 1000), (digest(1), 1000)]));
    assert_eq!(of(&Tenant::default(), digest(99)).await, None);
    assert_eq!(of(&tenant("b"), manifest).await, None);
}

/// And it does not start beside itself.
pub async fn a_schedule_starts_one_crawl_at_a_time(state: S) {
    let every = 1000;
    let started = at_once(6, |_| {
        let state = S::clone(&state);
        async move { state.start_scheduled("nightly", every, &crawl_request(), NOW).await.expect("answered") }
    });
    let started: Vec<_> = started.await.into_iter().flatten().collect();
    assert_eq!(started.len(), 1);
    let again = async |now| state.start_scheduled("nightly", every, &crawl_request(), now).await;
    assert_eq!(again(NOW + every).await.expect("answered"), None, "the last one still runs");
    claim(&state, NOW).await;
    state.end_crawl(started[0], HOLDER, CrawlState::Done, None, NOW + 5).await.expect("ended");
    assert_eq!(again(NOW + every - 1).await.expect("answered"), None, "it is not time");
    let second = again(NOW + every).await.expect("answered").expect("it is time");
    assert_eq!(look(&state, second).await.crawl.schedule.as_deref(), Some("nightly"));
    let other = state.start_scheduled("hourly", every, &crawl_request(), NOW).await;
    assert!(other.expect("answered").is_some());
}

/// Another tenant's crawl is not there.
pub async fn crawls_are_listed_cancelled_and_kept_apart(state: S) {
    let keyed = CrawlRequest { idempotency_key: Some("k".into()), ..crawl_request() };
    let first = start(&state, &keyed).await;
    assert_eq!(start(&state, &keyed).await, first, "the reply was lost");
    let second = start(&state, &crawl_request()).await;
    let theirs = start(&state, &CrawlRequest { tenant: tenant("b"), ..keyed.clone() }).await;
    let list = async |after, limit| {
        let crawls = state.list_crawls(&Tenant::default(), after, limit).await.expect("listed");
        crawls.into_iter().map(|crawl| crawl.id).collect::<Vec<_>>()
    };
    let mut ours = [first, second];
    ours.sort_by_key(|id| std::cmp::Reverse(*id));
    assert_eq!(list(None, 9).await, ours);
    assert_eq!(list(Some(ours[0]), 9).await, ours[1..]);
    assert_eq!(list(None, 1).await, ours[..1]);
    assert_eq!(state.crawl(&Tenant::default(), theirs).await.expect("answered"), None);
    assert_eq!(state.cancel_crawl(&Tenant::default(), theirs, NOW).await.expect("answered"), None);

    claim(&state, NOW).await;
    for _ in 0..2 {
        let ended = state.cancel_crawl(&Tenant::default(), first, NOW + 1).await.expect("answered");
        assert_eq!(ended, Some(CrawlState::Cancelled));
    }
    assert!(!state.advance(first, HOLDER, &step("x"), NOW).await.expect("answered"));
    state.end_crawl(second, HOLDER, CrawlState::Done, None, NOW + 2).await.expect("ended");
    let ended = state.cancel_crawl(&Tenant::default(), second, NOW + 3).await.expect("answered");
    assert_eq!(ended, Some(CrawlState::Done), "an end is an end");
    assert!(state.start_crawl(&CrawlRequest::default(), NOW).await.is_err(), "it names no registry");
    state.forget(NOW + 10, 9).await.expect("forgotten");
    assert_eq!(list(None, 9).await, []);
}

/// For every tenant, and for the next process.
pub async fn how_a_registry_wants_to_be_asked_is_kept(state: S) {
    assert_eq!(state.pace(REGISTRY).await.expect("answered"), None);
    for rate in [5000, 2500] {
        let pace = Pace { rate, not_before: NOW + 9 };
        state.keep_pace(REGISTRY, &pace, NOW).await.expect("kept");
        assert_eq!(state.pace(REGISTRY).await.expect("answered"), Some(pace));
    }
}
