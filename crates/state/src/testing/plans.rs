//! Promises of [`Scans::planned`](crate::Scans::planned).

use plimsoll_types::{BlindKind, BlindSpot, Lane, Platform, ScanRequest, ScanState, Tenant};

use super::fixture::*;
use crate::{BlobStanding, Error, LayerState, PlannedBlob};

/// New layers, in order of their digests, each with what a worker needs.
pub async fn a_plan_gives_the_layers_to_publish(state: S) {
    let (id, planned) = planned(&state, &plan(&[digest(3), digest(1), digest(2)])).await;
    assert_eq!((planned.state, planned.first), (ScanState::Analyzing, true));
    assert_eq!(digests(&planned.wanted), [digest(1), digest(2), digest(3)]);
    let layer = &planned.wanted[0];
    assert_eq!((layer.lane, layer.shared, layer.job.attempt), (Lane::Interactive, false, 0));
    assert_eq!(layer.job.sources, [source("app")]);
    assert_eq!(layer.scan, Some(id));
    assert_eq!((layer.job.size, layer.job.claimed_diff_id), (1000, diff_id(digest(1))));
    let progress = progress(&state, id).await;
    assert_eq!((progress.targets, progress.layers, progress.layers_settled), (1, 3, 0));
    let empty = state.planned(id, &plan_of(vec![]), NOW).await;
    assert!(matches!(empty, Err(Error::Usage(_))), "{empty:?}");
    let nobody = state.planned(plimsoll_types::ScanId::new(NOW, [0; 10]), &plan(&[digest(1)]), NOW).await;
    assert!(matches!(nobody, Err(Error::NoSuchScan(_))), "{nobody:?}");
}

/// Twenty scans of images that share nine layers of ten.
pub async fn plans_at_the_same_time_want_each_layer_once(state: S) {
    let wanted = at_once(20, |number| {
        let state = state.clone();
        async move {
            let mut layers: Vec<_> = (0..9).map(digest).collect();
            layers.insert((number % 10) as usize, numbered(99, number));
            planned(&state, &plan(&layers)).await.1.wanted
        }
    })
    .await;
    let mut all = digests(&wanted.concat());
    assert_eq!(all.len(), 29);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 29);
}

/// Two coordinators may resolve a tag that moves.
pub async fn the_first_plan_wins_and_a_repeated_one_gives_what_was_not_published(state: S) {
    let (id, first) = planned(&state, &plan(&[digest(1), digest(2)])).await;
    state.mark_published(&first.wanted[..1], NOW).await.expect("it is noted");
    let second = record(&state, id, &plan(&[digest(3)])).await;
    assert_eq!((second.state, second.first), (ScanState::Analyzing, false));
    assert_eq!(digests(&second.wanted), [digest(2)]);
    assert_eq!(progress(&state, id).await.layers, 2);
}

/// And the same or a lower one does not.
pub async fn a_higher_lane_publishes_again(state: S) {
    let wanted = async |lane| {
        let id = in_lane(&state, lane).await;
        let planned = record(&state, id, &plan(&[digest(1)])).await;
        planned.wanted.iter().map(|layer| layer.lane).collect::<Vec<_>>()
    };
    assert_eq!(wanted(Lane::Backfill).await, [Lane::Backfill]);
    assert_eq!(wanted(Lane::Backfill).await, []);
    assert_eq!(wanted(Lane::Interactive).await, [Lane::Interactive]);
    assert_eq!(wanted(Lane::Push).await, []);
}

/// Its first message may be long gone.
pub async fn a_layer_nobody_waits_for_is_published_for_the_next_scan(state: S) {
    let (first, _) = planned(&state, &plan(&[digest(1)])).await;
    let (second, joined) = planned(&state, &plan(&[digest(1)])).await;
    assert_eq!(joined.wanted, []);
    let tenant = Tenant::default();
    state.cancel(&tenant, first, NOW).await.expect("it is cancelled");
    assert_eq!(planned(&state, &plan(&[digest(1)])).await.1.wanted, [], "the other scan's interest stays");
    for scan in state.list(&tenant, &crate::ScanFilter::default(), None, 9).await.expect("listed") {
        state.cancel(&tenant, scan.id, NOW).await.expect("it is cancelled");
    }
    assert_eq!(progress(&state, second).await.scan.state, ScanState::Cancelled);
    assert_eq!(digests(&planned(&state, &plan(&[digest(1)])).await.1.wanted), [digest(1)]);
}

/// Manifests repeat the empty layer.
pub async fn a_blob_that_occurs_twice_is_one_layer(state: S) {
    let (id, planned) = planned(&state, &plan(&[digest(1), digest(2), digest(1)])).await;
    assert_eq!(digests(&planned.wanted), [digest(1), digest(2)]);
    assert_eq!(progress(&state, id).await.layers, 2);
    finish(&state, digest(1)).await;
    finish(&state, digest(2)).await;
    let claimed = complete(&state).await;
    let layers: Vec<_> = claimed[0].layers.iter().map(|layer| layer.digest).collect();
    assert_eq!(layers, [digest(1), digest(2), digest(1)]);
}

/// It is settled by what it is.
pub async fn nobody_waits_for_an_unreadable_layer(state: S) {
    let mut target = image(&[digest(1), digest(2)]);
    target.layers[1].standing = BlobStanding::Unreadable;
    let (_, planned) = planned(&state, &plan_of(vec![target])).await;
    assert_eq!(digests(&planned.wanted), [digest(1)]);
    finish(&state, digest(1)).await;
    let claimed = complete(&state).await;
    let states: Vec<_> = claimed[0].layers.iter().map(|layer| layer.state).collect();
    assert_eq!(states, [LayerState::Done, LayerState::Unreadable]);
}

/// While versions run side by side both count.
pub async fn evidence_of_a_retired_version_is_wanted_again(state: S) {
    let (old, new) = (known(digest(1)).fingerprints, version(100));
    state.accept(&old, NOW).await.expect("accepted");
    state.accept(&new, NOW + 1).await.expect("accepted");
    state.accept(&old, NOW + 2).await.expect("accepted");
    assert_eq!(state.accepted().await.expect("listed"), [new, old]);
    planned(&state, &plan(&[digest(1)])).await;
    finish(&state, digest(1)).await;
    assert_eq!(planned(&state, &plan(&[digest(1)])).await.1.wanted, []);
    state.retire(&old).await.expect("retired");
    assert_eq!(digests(&planned(&state, &plan(&[digest(1)])).await.1.wanted), [digest(1)]);
}

/// No result, no wake.
pub async fn a_plan_of_known_layers_can_be_judged_at_once(state: S) {
    let mut target = image(&[digest(1), digest(2)]);
    for layer in &mut target.layers {
        layer.standing = BlobStanding::Known(known(layer.digest));
    }
    let (id, planned) = planned(&state, &plan_of(vec![target])).await;
    assert_eq!(planned.wanted, []);
    let claimed = complete(&state).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].id.scan, id);
    assert_eq!(claimed[0].layers[0].known, Some(known(digest(1))));
}

/// Whoever brings it, of an image that is new or was not used for long, and with everything judging needs.
pub async fn a_plan_of_done_layers_is_recorded_once(state: S) {
    let layers = [digest(1), digest(2), digest(1)];
    let known_plan = |platforms: &[&str]| {
        let targets = platforms.iter().map(|platform| {
            let mut target = image(&layers);
            target.platform = platform.parse().expect("a platform");
            target.layers.iter_mut().for_each(|blob| blob.standing = BlobStanding::Known(known(blob.digest)));
            target
        });
        plan_of(targets.collect())
    };
    planned(&state, &plan(&layers[..2])).await;
    finish(&state, digest(1)).await;
    let waiting = submit(&state, &request()).await;
    let known_one = record(&state, waiting, &known_plan(&["linux/amd64"])).await;
    assert_eq!((known_one.first, known_one.wanted), (true, vec![]), "what is known ends every wait");
    assert_eq!(complete(&state).await.len(), 2);

    for (round, now) in (0..).zip([NOW, NOW + 1, NOW + 100_000_000]) {
        let asked = ScanRequest { deadline: Some(now + 9), lane: Lane::Push, ..request() };
        let id = submit(&state, &asked).await;
        let firsts = at_once(8, |_| {
            let (state, plan) = (state.clone(), known_plan(&["linux/amd64", "linux/arm64"]));
            async move { state.planned(id, &plan, now).await.expect("the plan is recorded") }
        })
        .await;
        assert!(
            firsts.iter().all(|planned| planned.state == ScanState::Analyzing && planned.wanted.is_empty())
        );
        assert_eq!(firsts.iter().filter(|planned| planned.first).count(), 1, "round {round}");
        let mine = complete_at(&state, now).await.into_iter().filter(|target| target.id.scan == id);
        let mine: Vec<_> = mine.map(|target| (target.id.ordinal, target.lane, target.layers.len())).collect();
        assert_eq!(mine, [(0, Lane::Push, 3), (1, Lane::Push, 3)], "round {round}");
        let progress = progress(&state, id).await;
        assert_eq!((progress.targets, progress.layers, progress.layers_settled), (2, 2, 2));
    }

    let (old, new) = (known(digest(1)).fingerprints, version(100));
    state.accept(&new, NOW).await.expect("accepted");
    state.retire(&old).await.expect("retired");
    let id = submit(&state, &request()).await;
    let mut newer = known_plan(&["linux/amd64"]);
    for blob in &mut newer.targets[0].layers {
        blob.standing = BlobStanding::Known(crate::KnownLayer { fingerprints: new, ..known(blob.digest) });
    }
    assert!(record(&state, id, &newer).await.first);
    let claimed = complete_at(&state, NOW).await.into_iter().find(|target| target.id.scan == id);
    let found = claimed.and_then(|target| target.layers[0].known).expect("its evidence is known");
    assert_eq!(found.fingerprints, new, "evidence of a retired version is no answer");
}

/// Control characters, endless names and platforms that are none.
pub async fn a_strangers_words_are_kept_harmless(state: S) {
    let asked = ScanRequest { reference: "x".repeat(2048), ..request() };
    let id = submit(&state, &asked).await;
    let mut target = image(&[]);
    target.platform =
        Platform { os: "li\0nux/x".into(), architecture: String::new(), variant: Some("é".into()) };
    target.blind_spots = vec![BlindSpot::new(BlindKind::Limit, "a\0b", "\u{7}")];
    target.layers = vec![PlannedBlob {
        media_type: "\0".repeat(10_000),
        size: u64::MAX,
        ..blob(digest(1), BlobStanding::Wanted)
    }];
    let mut plan = plan_of(vec![target.clone()]);
    plan.source.repository = "r".repeat(10_000);
    plan.source.registry = "\0".repeat(5_000);
    let wanted = record(&state, id, &plan).await.wanted;
    assert_eq!(wanted[0].job.size, i64::MAX.cast_unsigned());
    let source = wanted[0].job.sources[0].clone();
    let lost = source_failed(digest(1), 0, source, plimsoll_types::Retry::Never);
    state.settle(&Tenant::default(), &lost, NOW).await.expect("it is taken in");
    state.wake(&[key(digest(1))]).await.expect("woken");
    let claimed = complete(&state).await;
    assert_eq!((&claimed[0].platform, &claimed[0].blind_spots), (&target.platform, &target.blind_spots));
    assert_eq!(claimed[0].layers[0].state, LayerState::Gone);
}
