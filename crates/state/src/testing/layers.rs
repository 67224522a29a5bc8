//! Promises of [`Layers`](crate::Layers).

use std::collections::BTreeSet;
use std::time::Duration;

use plimsoll_types::{Lane, LayerOutcome, Retry, ScanRequest, Tenant};

use super::fixture::*;
use crate::{Due, LayerState, MAX_ATTEMPTS, ScanPlan, Settled};

async fn settle(state: &S, result: &plimsoll_types::LayerResult) -> Settled {
    state.settle(&Tenant::default(), result, NOW).await.expect("the result is taken in")
}

async fn due(state: &S, asked_before: i64, now: i64) -> Vec<crate::WantedLayer> {
    let due = Due { lanes: Lane::ALL, asked_before, unpublished_before: 0 };
    state.due(&due, 100, now).await.expect("layers are handed out")
}

async fn standing(state: &S, layer: plimsoll_types::Digest) -> crate::LayerStanding {
    let found = state.standing(&Tenant::default(), &[layer]).await.expect("it is answered");
    found.into_iter().next().expect("the layer is known")
}

/// A second result changes nothing.
pub async fn the_first_done_wins(state: S) {
    planned(&state, &plan(&[digest(1)])).await;
    assert_eq!(settle(&state, &done(digest(1))).await, Settled::As(LayerState::Done));
    let mut other = done(digest(1));
    if let LayerOutcome::Done(done) = &mut other.outcome {
        done.index = digest(77);
    }
    assert_eq!(settle(&state, &other).await, Settled::As(LayerState::Done));
    let broken = result(digest(1), 9, LayerOutcome::LayerFailed(failure("broken", Retry::Never)));
    assert_eq!(settle(&state, &broken).await, Settled::As(LayerState::Done));
    let standing = standing(&state, digest(1)).await;
    assert_eq!((standing.state, standing.known), (Some(LayerState::Done), Some(known(digest(1)))));
    assert_eq!(standing.verified_at, ["registry.example"]);
}

/// A fetch failure belongs to the source.
pub async fn a_failing_source_is_dropped_and_the_next_is_tried(state: S) {
    planned(&state, &plan(&[digest(1)])).await;
    planned(&state, &ScanPlan { source: source("mirror"), ..plan(&[digest(1)]) }).await;
    let first = due(&state, NOW + 1, NOW).await;
    assert_eq!(first[0].job.sources, [source("app"), source("mirror")]);
    state.mark_published(&first, NOW).await.expect("noted");

    let busy = Retry::After(Some(Duration::from_secs(30)));
    assert_eq!(
        settle(&state, &source_failed(digest(1), 0, source("app"), busy)).await,
        Settled::Again(NOW + 30_000)
    );
    assert_eq!(due(&state, NOW, NOW + 29_999).await, []);
    let second = due(&state, 0, NOW + 30_000).await;
    assert_eq!(second[0].job.sources, [source("mirror"), source("app")], "the one that failed comes last");
    assert_eq!(second[0].job.attempt, 1);

    assert_eq!(
        settle(&state, &source_failed(digest(1), 1, source("mirror"), Retry::Never)).await,
        Settled::Again(NOW)
    );
    let third = due(&state, 0, NOW).await;
    assert_eq!(third[0].job.sources, [source("app")]);
}

/// It is named, and a scan with a source revives it.
pub async fn a_layer_without_a_source_is_gone_until_a_scan_brings_one(state: S) {
    planned(&state, &plan(&[digest(1)])).await;
    let lost = source_failed(digest(1), 0, source("app"), Retry::Never);
    assert_eq!(settle(&state, &lost).await, Settled::As(LayerState::Gone));
    let troubled = state.troubled(&Tenant::default(), None, 9).await.expect("listed");
    assert_eq!(troubled.len(), 1);
    assert_eq!(troubled[0].failure.as_ref().map(|failure| failure.kind.as_str()), Some("not_found"));
    let (_, again) = planned(&state, &plan(&[digest(1)])).await;
    assert_eq!(again.wanted[0].job.sources, [source("app")]);
    assert_eq!(settle(&state, &done(digest(1))).await, Settled::As(LayerState::Done));
}

/// Queues deliver at least once.
pub async fn a_failure_that_arrives_twice_counts_once(state: S) {
    let (_, planned) = planned(&state, &plan(&[digest(1)])).await;
    state.mark_published(&planned.wanted, NOW).await.expect("noted");
    state.mark_published(&planned.wanted, NOW).await.expect("noted");
    let died = |attempt| {
        result(digest(1), attempt, LayerOutcome::LayerFailed(failure("memory", Retry::After(None))))
    };
    assert!(matches!(settle(&state, &died(0)).await, Settled::Again(_)));
    assert_eq!(settle(&state, &died(0)).await, Settled::Ignored);
    let again = due(&state, 0, NOW + 10_000_000).await;
    assert_eq!(again[0].job.attempt, 1, "noted twice, published once");
}

/// And its failure is for people to see.
pub async fn a_layer_is_quarantined_after_its_attempts(state: S) {
    planned(&state, &plan(&[digest(1), digest(2)])).await;
    let died = |attempt| {
        result(digest(1), attempt, LayerOutcome::LayerFailed(failure("memory", Retry::After(None))))
    };
    for attempt in 0..MAX_ATTEMPTS - 1 {
        assert!(matches!(settle(&state, &died(attempt)).await, Settled::Again(_)), "attempt {attempt}");
    }
    assert_eq!(settle(&state, &died(MAX_ATTEMPTS)).await, Settled::As(LayerState::Quarantined));
    assert_eq!(standing(&state, digest(2)).await.state, Some(LayerState::Outstanding));
    let (_, next) = planned(&state, &plan(&[digest(1)])).await;
    assert_eq!(next.wanted, [], "a new scan does not open a quarantine");
    state.want_again(&Tenant::default(), &[digest(1)], NOW).await.expect("wanted again");
    assert_eq!(digests(&due(&state, 0, NOW).await), [digest(1)], "a person does");
}

/// It may have been forgotten.
pub async fn an_unknown_layer_is_ignored(state: S) {
    assert_eq!(settle(&state, &done(digest(1))).await, Settled::Ignored);
    assert_eq!(state.standing(&Tenant::default(), &[digest(1)]).await.expect("answered"), []);
    state.want_again(&Tenant::default(), &[digest(1)], NOW).await.expect("answered");
}

/// The reconciler finds what a coordinator that died did not publish.
pub async fn what_is_outstanding_is_handed_out_again_and_to_one_only(state: S) {
    let layers: Vec<_> = (0..30).map(|number| numbered(1, number)).collect();
    planned(&state, &plan(&layers)).await;
    assert_eq!(due(&state, NOW, NOW + 5).await, [], "just handed out by the plan");
    let handed = at_once(6, |_| {
        let state = state.clone();
        async move { digests(&due(&state, NOW + 1, NOW + 5).await) }
    })
    .await
    .concat();
    assert_eq!(handed.len(), 30);
    assert_eq!(handed.iter().collect::<BTreeSet<_>>().len(), 30);
    let push_only = Due { lanes: &[Lane::Push], asked_before: NOW + 10, unpublished_before: 0 };
    assert_eq!(state.due(&push_only, 100, NOW + 10).await.expect("answered"), []);
    let some = Due { lanes: Lane::ALL, asked_before: NOW + 10, unpublished_before: 0 };
    assert_eq!(state.due(&some, 7, NOW + 10).await.expect("answered").len(), 7);
}

/// Of a lane that is never seen empty: no message can be what was never published, and only of that is it certain.
pub async fn what_was_never_published_is_handed_out_also_if_others_wait(state: S) {
    let (_, first) = planned(&state, &plan(&[digest(1), digest(2)])).await;
    state.mark_published(&first.wanted[..1], NOW).await.expect("noted");
    let due = async |before, now| {
        let due = Due { lanes: Lane::ALL, asked_before: 0, unpublished_before: before };
        digests(&state.due(&due, 100, now).await.expect("answered"))
    };
    assert_eq!(due(NOW, NOW + 5).await, [], "just handed out by the plan");
    assert_eq!(due(NOW + 1, NOW + 5).await, [first.wanted[1].job.digest]);
    assert_eq!(due(NOW + 5, NOW + 6).await, [], "handed out a moment ago");
}

/// Cancelling costs nobody else anything.
pub async fn what_nobody_waits_for_is_not_handed_out(state: S) {
    let urgent = in_lane(&state, Lane::Interactive).await;
    record(&state, urgent, &plan(&[digest(1), digest(2)])).await;
    let patient = in_lane(&state, Lane::Push).await;
    record(&state, patient, &plan(&[digest(2)])).await;
    state.cancel(&Tenant::default(), urgent, NOW).await.expect("cancelled");
    let handed = due(&state, NOW + 1, NOW + 1).await;
    assert_eq!(digests(&handed), [digest(2)]);
    assert_eq!(handed[0].lane, Lane::Push, "in the lane of who is left");
}

/// Even a layer that was known when the scan was planned.
pub async fn lost_evidence_makes_a_layer_wanted_again(state: S) {
    let mut target = image(&[digest(1)]);
    target.layers[0].standing = crate::BlobStanding::Known(known(digest(1)));
    let (id, _) = planned(&state, &plan_of(vec![target])).await;
    for _ in 0..2 {
        state.want_again(&Tenant::default(), &[digest(1)], NOW).await.expect("wanted again");
    }
    assert_eq!(complete(&state).await, [], "it waits again");
    let handed = due(&state, 0, NOW).await;
    assert_eq!((digests(&handed), &handed[0].job.sources), (vec![digest(1)], &vec![source("app")]));
    finish(&state, digest(1)).await;
    assert_eq!(complete(&state).await[0].id.scan, id);
}

/// By lane.
pub async fn the_backlog_counts_what_is_waited_for(state: S) {
    for (lane, layers) in
        [(Lane::Backfill, vec![digest(1), digest(2)]), (Lane::Push, vec![digest(2), digest(3)])]
    {
        let id = in_lane(&state, lane).await;
        record(&state, id, &plan(&layers)).await;
    }
    submit(&state, &ScanRequest { lane: Lane::Interactive, ..request() }).await;
    let backlog = state.backlog().await.expect("counted");
    assert_eq!(backlog.layers, [(Lane::Backfill, 1), (Lane::Push, 2)].into());
    assert_eq!(backlog.scans, [(Lane::Interactive, 1)].into());
}
