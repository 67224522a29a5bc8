//! Promises of [`Scans`](crate::Scans).

use std::collections::BTreeSet;

use plimsoll_types::{BlindKind, Failure, Lane, Platform, ScanId, ScanRequest, ScanState, Tenant};

use super::fixture::*;
use crate::{Error, ScanFilter, TargetId};

/// Nothing of a request is lost.
pub async fn a_submitted_scan_comes_back_as_asked(state: S) {
    let asked = ScanRequest {
        platforms: vec![Platform::new("linux", "arm64", None)],
        policy: Some(digest(1)),
        allowlists: vec![digest(2), digest(3)],
        allow_blind: vec![BlindKind::Limit],
        lane: Lane::Push,
        deadline: Some(NOW + 5000),
        callback: Some("https://example.com/hook".into()),
        idempotency_key: Some("key \u{1f6a2}".into()),
        labels: [("team".into(), "a".into()), (String::new(), "é".into())].into(),
        credential: Some("pull".into()),
        plain_http: true,
        ..request()
    };
    let submitted = state.submit(&asked, NOW).await.expect("it is accepted");
    assert!(submitted.created);
    let found = progress(&state, submitted.id).await;
    assert_eq!(found.scan.request, asked);
    assert_eq!(
        (found.scan.state, found.scan.submitted_at, found.scan.ended_at),
        (ScanState::Submitted, NOW, None)
    );
    assert_eq!((found.targets, found.layers, found.layers_settled), (0, 0, 0));
    let watched = state.watch(&[submitted.id, ScanId::new(NOW, [0; 10])]).await.expect("it is watched");
    assert_eq!(watched, [found]);
}

/// The second call finds the first one's scan.
pub async fn one_idempotency_key_is_one_scan(state: S) {
    let asked = ScanRequest { idempotency_key: Some("k".into()), ..request() };
    let first = state.submit(&asked, NOW).await.expect("it is accepted");
    let later = ScanRequest { deadline: Some(NOW + 1), ..asked.clone() };
    let second = state.submit(&later, NOW + 1).await.expect("it is accepted");
    assert!(first.created && !second.created);
    assert_eq!(first.id, second.id);
    let without = submit(&state, &request()).await;
    assert_ne!(without, submit(&state, &request()).await, "without a key each call is a scan");
}

/// Also if they come at the same time.
pub async fn one_idempotency_key_is_one_scan_also_at_the_same_time(state: S) {
    let asked = ScanRequest {
        idempotency_key: Some("k".into()),
        labels: [("a".into(), "b".into())].into(),
        ..request()
    };
    let submitted = at_once(16, |_| {
        let (state, asked) = (state.clone(), asked.clone());
        async move { state.submit(&asked, NOW).await.expect("it is accepted") }
    })
    .await;
    let ids: BTreeSet<_> = submitted.iter().map(|submitted| submitted.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(submitted.iter().filter(|submitted| submitted.created).count(), 1);
}

/// A key stands for one request.
pub async fn an_idempotency_key_with_another_request_is_refused(state: S) {
    let asked = ScanRequest { idempotency_key: Some("k".into()), ..request() };
    let first = submit(&state, &asked).await;
    let other = ScanRequest { reference: "registry.example/other".into(), ..asked };
    let refused = state.submit(&other, NOW).await;
    assert!(
        matches!(&refused, Err(Error::IdempotencyConflict { scan, .. }) if *scan == first),
        "{refused:?}"
    );
}

/// Bounds are kept at the door.
pub async fn a_request_beyond_its_bounds_is_refused(state: S) {
    let refused = state.submit(&ScanRequest { reference: "a\0b".into(), ..request() }, NOW).await;
    assert!(matches!(refused, Err(Error::Request(_))), "{refused:?}");
    let whole = ScanRequest { reference: "é".repeat(1024), ..request() };
    submit(&state, &whole).await;
}

/// Pages do not overlap, and filters combine.
pub async fn scans_are_listed_newest_first_and_by_filter(state: S) {
    let mut ids = Vec::new();
    for number in 0..6_u8 {
        let asked = ScanRequest {
            reference: format!("registry.example/app:{}", number % 2),
            labels: [("team".into(), if number < 3 { "a" } else { "b" }.into())].into(),
            ..request()
        };
        ids.push(state.submit(&asked, NOW + i64::from(number)).await.expect("it is accepted").id);
    }
    ids.reverse();
    let tenant = Tenant::default();
    let list = async |filter: &ScanFilter, after, limit| {
        let found = state.list(&tenant, filter, after, limit).await.expect("scans are listed");
        found.into_iter().map(|scan| scan.id).collect::<Vec<_>>()
    };
    let all = ScanFilter::default();
    assert_eq!(list(&all, None, 4).await, ids[..4]);
    assert_eq!(list(&all, Some(ids[3]), 4).await, ids[4..]);
    let app0 = ScanFilter { reference: Some("registry.example/app:0".into()), ..all.clone() };
    assert_eq!(list(&app0, None, 9).await, [ids[1], ids[3], ids[5]]);
    let team_a = ScanFilter { label: Some(("team".into(), "a".into())), ..app0 };
    assert_eq!(list(&team_a, None, 9).await, [ids[3], ids[5]]);
    assert_eq!(list(&team_a, Some(ids[3]), 9).await, [ids[5]]);
    state.cancel(&tenant, ids[5], NOW).await.expect("it is cancelled");
    let cancelled = ScanFilter { state: Some(ScanState::Cancelled), ..team_a };
    assert_eq!(list(&cancelled, None, 9).await, [ids[5]]);
}

/// And says so every time.
pub async fn cancelling_ends_a_scan_once(state: S) {
    let (id, _) = planned(&state, &plan(&[digest(1)])).await;
    let tenant = Tenant::default();
    for now in [NOW, NOW + 1] {
        let after = state.cancel(&tenant, id, now).await.expect("it is answered");
        assert_eq!(after, Some(ScanState::Cancelled));
    }
    assert_eq!(progress(&state, id).await.scan.ended_at, Some(NOW));
    let none = state.cancel(&tenant, ScanId::new(NOW, [0; 10]), NOW).await.expect("it is answered");
    assert_eq!(none, None);
    finish(&state, digest(1)).await;
    assert_eq!(complete(&state).await, [], "a cancelled scan is not judged");
}

/// Nothing changes a terminal state.
pub async fn an_end_is_an_end(state: S) {
    let tenant = Tenant::default();
    let id = judged(&state, &request(), 1).await;
    let after = state.cancel(&tenant, id, NOW).await.expect("it is answered");
    assert_eq!(after, Some(ScanState::Judged));

    let id = submit(&state, &request()).await;
    state.cancel(&tenant, id, NOW).await.expect("it is cancelled");
    let late = record(&state, id, &plan(&[digest(9)])).await;
    assert_eq!((late.state, late.first, late.wanted), (ScanState::Cancelled, false, vec![]));
    assert!(
        !state.fail(id, HOLDER, ScanState::Failed, &Failure::lasting("k", "m"), NOW).await.expect("answered")
    );
    let target = TargetId { scan: id, ordinal: 0 };
    let verdict = verdict(plimsoll_types::report::VerdictStatus::Pass, 1);
    assert!(!state.judged(target, &verdict, NOW).await.expect("it is answered"));
    assert_eq!(progress(&state, id).await.scan.state, ScanState::Cancelled);
}

/// Attempts are counted, and the failure is for people to see.
pub async fn a_scan_that_cannot_be_resolved_waits_and_then_fails(state: S) {
    let id = submit(&state, &request()).await;
    let claim = async |now| state.claim_submitted(HOLDER, LEASE, 10, now).await.expect("claimed");
    assert_eq!(claim(NOW).await.len(), 1);
    let busy = Failure::passing("too_many_requests", "the registry is busy");
    assert!(state.postpone(id, HOLDER, NOW + 500, &busy, NOW).await.expect("it is postponed"));
    assert!(!state.postpone(id, HOLDER, NOW + 500, &busy, NOW).await.expect("answered"), "it counts once");
    assert_eq!(claim(NOW + 499).await, []);
    let again = claim(NOW + 500).await;
    assert_eq!((again[0].id, again[0].attempts), (id, 1));
    assert_eq!(progress(&state, id).await.scan.failure, Some(busy));
    let gone = Failure::lasting("not_found", "there is no such image");
    for _ in 0..2 {
        let ended = state.fail(id, HOLDER, ScanState::Gone, &gone, NOW).await.expect("it is answered");
        assert!(ended, "also when the reply to the first was lost");
    }
    let scan = progress(&state, id).await.scan;
    assert_eq!((scan.state, scan.failure, scan.ended_at), (ScanState::Gone, Some(gone.clone()), Some(NOW)));
    let usage = state.fail(id, HOLDER, ScanState::Judged, &gone, NOW).await;
    assert!(matches!(usage, Err(Error::Usage(_))), "{usage:?}");
}

/// Nothing was tried.
pub async fn a_scan_put_back_counts_no_attempt(state: S) {
    let id = submit(&state, &request()).await;
    state.claim_submitted(HOLDER, LEASE, 1, NOW).await.expect("claimed");
    assert!(!state.put_back(id, "other", NOW + 10).await.expect("answered"));
    assert!(state.put_back(id, HOLDER, NOW + 10).await.expect("answered"));
    assert!(!state.put_back(id, HOLDER, NOW + 10).await.expect("answered"), "it is not held any more");
    assert_eq!(state.claim_submitted(HOLDER, LEASE, 1, NOW + 9).await.expect("claimed"), []);
    let claimed = state.claim_submitted(HOLDER, LEASE, 1, NOW + 10).await.expect("claimed");
    assert_eq!((claimed[0].id, claimed[0].attempts), (id, 0));
}

/// A lease that ended is somebody else's.
pub async fn a_stale_holder_changes_nothing(state: S) {
    let id = submit(&state, &request()).await;
    let failure = Failure::passing("k", "m");
    state.claim_submitted("stale", LEASE, 1, NOW).await.expect("claimed");
    let late = NOW + LEASE;
    assert_eq!(state.claim_submitted("fresh", LEASE, 1, late).await.expect("claimed").len(), 1);
    assert!(!state.postpone(id, "stale", late, &failure, late).await.expect("answered"));
    assert!(!state.fail(id, "stale", ScanState::Failed, &failure, late).await.expect("answered"));
    assert_eq!(progress(&state, id).await.scan.state, ScanState::Submitted);
    assert!(state.fail(id, "fresh", ScanState::Failed, &failure, late).await.expect("answered"));
}

/// However long it was to wait.
pub async fn a_postponed_scan_comes_back_at_its_deadline(state: S) {
    let asked = ScanRequest { deadline: Some(NOW + 100), lane: Lane::Backfill, ..request() };
    let id = submit(&state, &asked).await;
    state.claim_submitted(HOLDER, 10, 1, NOW).await.expect("claimed");
    let failure = Failure::passing("k", "m");
    assert!(state.postpone(id, HOLDER, NOW + 1_000_000, &failure, NOW).await.expect("postponed"));
    assert_eq!(state.claim_submitted(HOLDER, 10, 1, NOW + 99).await.expect("claimed"), []);
    in_lane(&state, Lane::Interactive).await;
    let claimed = state.claim_submitted(HOLDER, 10, 1, NOW + 100).await.expect("claimed");
    assert_eq!(claimed[0].id, id, "before anything that has time");
}
