//! Promises to tenants.

use plimsoll_types::{Lane, LayerOutcome, Retry, ScanId, ScanRequest};

use super::fixture::*;
use crate::{BlobStanding, Due, LayerKey, LayerState, ScanFilter, Settled, StreamRange};

fn asked_by(name: &str) -> ScanRequest {
    ScanRequest {
        tenant: tenant(name),
        idempotency_key: Some("the same key".into()),
        callback: Some(format!("https://{name}.example")),
        labels: [("team".into(), "a".into())].into(),
        ..request()
    }
}

async fn plan_for(state: &S, name: &str, layer: plimsoll_types::Digest) -> (ScanId, crate::Planned) {
    let id = submit(state, &ScanRequest { idempotency_key: None, ..asked_by(name) }).await;
    (id, record(state, id, &plan(&[layer])).await)
}

/// Not by id, list, digest, reference, stream, key or delivery.
pub async fn tenants_see_nothing_of_each_other(state: S) {
    let (a, b) = (tenant("a"), tenant("b"));
    let theirs = judged(&state, &asked_by("a"), 1).await;
    state.sequence(9).await.expect("numbered");
    assert_eq!(state.get(&b, theirs).await.expect("answered"), None);
    assert_eq!(state.cancel(&b, theirs, NOW).await.expect("answered"), None);
    let by_label = ScanFilter { label: Some(("team".into(), "a".into())), ..ScanFilter::default() };
    for filter in [ScanFilter::default(), by_label] {
        assert_eq!(state.list(&b, &filter, None, 9).await.expect("answered"), []);
    }
    let manifest = image(&[digest(1)]).manifest;
    assert_eq!(state.by_image(&b, manifest, None).await.expect("answered"), None);
    assert_eq!(state.by_reference(&b, "registry.example/app:1").await.expect("answered"), None);
    assert_eq!(state.range(&b).await.expect("answered"), StreamRange::default());
    assert_eq!(state.after(&b, 0, 9).await.expect("answered"), []);
    assert_eq!(state.list_deliveries(&b, None, None, 9).await.expect("answered"), []);
    assert!(!state.redeliver(&b, theirs, NOW).await.expect("answered"));
    let ours = state.submit(&asked_by("b"), NOW).await.expect("another tenant's key is another key");
    assert!(ours.created);

    judged(&state, &ScanRequest { idempotency_key: None, ..asked_by("b") }, 2).await;
    state.sequence(9).await.expect("numbered");
    let stream = state.after(&b, 0, 9).await.expect("answered");
    assert_eq!((stream.len(), stream[0].sequence), (1, Some(1)), "numbers do not tell how much others do");
    assert!(state.by_image(&a, manifest, None).await.expect("answered").is_some());
}

/// Neither one that is done nor one that is on its way.
pub async fn a_layer_of_another_tenant_is_not_known(state: S) {
    let (a, b) = (tenant("a"), tenant("b"));
    let (_, theirs) = plan_for(&state, "a", digest(1)).await;
    assert!(!theirs.wanted[0].shared);
    let (ours, planned) = plan_for(&state, "b", digest(1)).await;
    assert_eq!(digests(&planned.wanted), [digest(1)]);
    assert!(planned.wanted[0].shared, "what is in the store may be theirs");
    assert_eq!(planned.wanted[0].job.sources[0].tenant, "b");
    state.settle(&a, &done(digest(1)), NOW).await.expect("taken in");
    state.wake(&[LayerKey { tenant: a.clone(), digest: digest(1) }]).await.expect("woken");
    state.wake_all().await.expect("woken");
    let claimed = complete(&state).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].tenant, a);
    let standing = state.standing(&b, &[digest(1)]).await.expect("answered").remove(0);
    assert_eq!((standing.state, standing.known), (Some(LayerState::Outstanding), None));
    assert_eq!(standing.verified_at, ["registry.example"], "where a HEAD would be a proof");

    // A job from before there was another tenant found it in the store.
    let mut found = done(digest(1));
    if let LayerOutcome::Done(done) = &mut found.outcome {
        done.pulled_bytes = 0;
    }
    let settled = state.settle(&b, &found, NOW).await.expect("taken in");
    assert!(matches!(settled, Settled::Again(_)), "{settled:?}");
    let due = Due { lanes: &[Lane::Interactive], asked_before: 0, unpublished_before: 0 };
    let again = state.due(&due, 9, NOW).await.expect("answered");
    assert_eq!(digests(&again), [digest(1)]);
    assert!(again[0].shared, "the next job is one to show it by");

    // The coordinator got that HEAD with this tenant's credentials.
    let id = submit(&state, &ScanRequest { idempotency_key: None, ..asked_by("b") }).await;
    let mut shown = image(&[digest(1)]);
    shown.layers[0].standing = BlobStanding::Known(known(digest(1)));
    record(&state, id, &plan_of(vec![shown])).await;
    let mut scans: Vec<_> = complete(&state).await.iter().map(|target| target.id.scan).collect();
    scans.sort();
    let mut both = [ours, id];
    both.sort();
    assert_eq!(scans, both, "the scan that waited is woken by what the plan knows");
}

/// A 404 at B's registry is not A's business.
pub async fn a_failure_of_one_tenants_source_does_not_touch_another(state: S) {
    let (a, b) = (tenant("a"), tenant("b"));
    plan_for(&state, "a", digest(1)).await;
    plan_for(&state, "b", digest(1)).await;
    let mut theirs = source("app");
    theirs.tenant = "b".into();
    let lost = source_failed(digest(1), 0, theirs, Retry::Never);
    state.settle(&b, &lost, NOW).await.expect("taken in");
    let of = async |tenant| state.standing(tenant, &[digest(1)]).await.expect("answered").remove(0).state;
    assert_eq!(of(&b).await, Some(LayerState::Gone));
    assert_eq!(of(&a).await, Some(LayerState::Outstanding));
}
