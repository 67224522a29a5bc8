//! Promises of [`Upkeep`](crate::Upkeep).

use plimsoll_types::{Lane, ScanRequest, Tenant};

use super::fixture::*;
use crate::{Due, Forgotten, LayerState, ScanFilter};

/// Everything of it, in batches, and what is known of layers stays.
pub async fn what_ended_long_ago_is_forgotten(state: S) {
    state.ping().await.expect("it answers");
    let tenant = Tenant::default();
    let asked = ScanRequest {
        callback: Some("https://example.com".into()),
        labels: [("a".into(), "b".into())].into(),
        ..request()
    };
    for document in 1..=3 {
        judged(&state, &asked, document).await;
    }
    let open = submit(&state, &request()).await;
    assert_eq!(state.forget(NOW, 9).await.expect("forgotten"), Forgotten::default(), "not long ago enough");
    assert_eq!(state.forget(NOW + 1, 2).await.expect("forgotten"), Forgotten { scans: 2, images: 0 });
    assert_eq!(state.forget(NOW + 1, 2).await.expect("forgotten"), Forgotten { scans: 1, images: 1 });
    let left = state.list(&tenant, &ScanFilter::default(), None, 9).await.expect("listed");
    assert_eq!(left.iter().map(|scan| scan.id).collect::<Vec<_>>(), [open]);
    assert_eq!(state.list_deliveries(&tenant, None, None, 9).await.expect("listed"), []);
    assert_eq!(state.documents(None, 9).await.expect("listed"), []);
    let standing = state.standing(&tenant, &[digest(1)]).await.expect("answered").remove(0);
    assert_eq!(standing.state, Some(LayerState::Done));
}

/// Images are shared between scans.
pub async fn an_image_another_scan_is_about_is_kept(state: S) {
    judged(&state, &request(), 1).await;
    let (_, planned) = planned(&state, &plan(&[digest(1)])).await;
    assert_eq!(planned.wanted, [], "the layer is known from the first scan");
    assert_eq!(state.forget(NOW + 1, 9).await.expect("forgotten"), Forgotten { scans: 1, images: 0 });
    let claimed = complete(&state).await;
    assert_eq!(claimed[0].layers.len(), 1);
}

/// A process that is alone need not wait for leases of one that died.
pub async fn who_is_alone_takes_over_at_once(state: S) {
    let asked = ScanRequest { callback: Some("https://example.com".into()), ..request() };
    judged(&state, &asked, 1).await;
    planned(&state, &plan(&[digest(2)])).await;
    finish(&state, digest(2)).await;
    planned(&state, &plan(&[digest(3)])).await;
    submit(&state, &request()).await;
    let claim = async |holder: &str| {
        let scans = state.claim_submitted(holder, LEASE, 9, NOW).await.expect("claimed").len();
        let targets = state.claim_complete(holder, LEASE, 9, NOW).await.expect("claimed").len();
        let deliveries = state.claim_deliveries(holder, LEASE, 9, NOW).await.expect("claimed").len();
        (scans, targets, deliveries)
    };
    let due = async || {
        let due = Due { lanes: Lane::ALL, asked_before: i64::MIN };
        state
            .due(&due, 9, NOW)
            .await
            .expect("answered")
            .into_iter()
            .map(|it| it.job.digest)
            .collect::<Vec<_>>()
    };
    assert_eq!(claim("dead").await, (1, 1, 1));
    assert_eq!((claim("next").await, due().await), ((0, 0, 0), vec![]));
    state.take_over(NOW).await.expect("taken over");
    assert_eq!((claim("next").await, due().await), ((1, 1, 1), vec![digest(3)]));
    assert_eq!((claim("third").await, due().await), ((0, 0, 0), vec![]), "once");
}
