//! Promises of [`Deliveries`](crate::Deliveries).

use std::collections::BTreeSet;

use plimsoll_types::{Failure, ScanRequest, ScanState, Tenant};

use super::fixture::*;
use crate::DeliveryState;

fn with_callback() -> ScanRequest {
    ScanRequest { callback: Some("https://example.com/hook".into()), ..request() }
}

/// Judged, failed and gone are told; cancelled is not, and nobody is told who did not ask.
pub async fn one_delivery_is_owed_for_each_end(state: S) {
    let tenant = Tenant::default();
    let failed = submit(&state, &with_callback()).await;
    state.claim_submitted(HOLDER, LEASE, 9, NOW).await.expect("claimed");
    let failure = Failure::lasting("k", "m");
    for _ in 0..2 {
        assert!(state.fail(failed, HOLDER, ScanState::Failed, &failure, NOW).await.expect("answered"));
    }
    let good = judged(&state, &with_callback(), 1).await;
    judged(&state, &request(), 1).await;
    let cancelled = submit(&state, &with_callback()).await;
    state.cancel(&tenant, cancelled, NOW).await.expect("cancelled");
    let owed = state.claim_deliveries(HOLDER, LEASE, 9, NOW).await.expect("claimed");
    let scans: BTreeSet<_> = owed.iter().map(|delivery| delivery.scan).collect();
    assert_eq!((owed.len(), scans), (2, [failed, good].into()));
    assert_eq!((owed[0].url.as_str(), owed[0].attempts), ("https://example.com/hook", 0));
}

/// Nothing is lost, nothing is tried for ever.
pub async fn a_delivery_is_retried_until_it_is_dead_and_again_by_hand(state: S) {
    let tenant = Tenant::default();
    let id = judged(&state, &with_callback(), 1).await;
    let claim = async |now| {
        let claimed = state.claim_deliveries(HOLDER, LEASE, 9, now).await.expect("claimed");
        claimed.into_iter().map(|delivery| delivery.attempts).collect::<Vec<_>>()
    };
    let list = async |wanted| {
        state.list_deliveries(&tenant, wanted, None, 9).await.expect("listed").into_iter().next()
    };
    assert_eq!(claim(NOW).await, [0]);
    assert!(!state.postpone_delivery(id, "stranger", NOW, "busy").await.expect("answered"));
    assert!(state.postpone_delivery(id, HOLDER, NOW + 50, "503 from\0 you").await.expect("answered"));
    assert!(
        !state.postpone_delivery(id, HOLDER, NOW + 50, "busy").await.expect("answered"),
        "it counts once"
    );
    let waiting = list(Some(DeliveryState::Pending)).await.expect("it is listed");
    assert_eq!((waiting.attempts, waiting.next_at), (1, Some(NOW + 50)));
    assert_eq!(claim(NOW + 49).await, [0_u32; 0]);
    assert_eq!(claim(NOW + 50).await, [1]);
    assert!(state.dead(id, HOLDER, "410 from you", NOW + 51).await.expect("answered"));
    assert_eq!(claim(NOW + LEASE * 9).await, [0_u32; 0]);
    let dead = list(Some(DeliveryState::Dead)).await.expect("it is listed");
    assert_eq!((dead.reason.as_deref(), dead.ended_at), (Some("410 from you"), Some(NOW + 51)));
    assert!(state.redeliver(&tenant, id, NOW + 60).await.expect("answered"));
    assert_eq!(claim(NOW + 60).await, [0]);
    assert!(state.delivered(id, NOW + 61).await.expect("answered"));
    assert!(!state.delivered(id, NOW + 62).await.expect("answered"));
    assert_eq!(list(None).await.expect("it is listed").state, DeliveryState::Delivered);
    assert_eq!(claim(NOW + LEASE * 9).await, [0_u32; 0]);
}

/// Deliveries are claimed like scans.
pub async fn two_claimers_never_get_one_delivery(state: S) {
    for _ in 0..20 {
        judged(&state, &with_callback(), 1).await;
    }
    let claimed = at_once(8, |number| {
        let state = state.clone();
        async move {
            let holder = format!("holder-{number}");
            state.claim_deliveries(&holder, LEASE, 5, NOW).await.expect("claimed")
        }
    })
    .await
    .concat();
    assert_eq!(claimed.len(), 20);
    assert_eq!(claimed.iter().map(|delivery| delivery.scan).collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(state.claim_deliveries(HOLDER, LEASE, 99, NOW + LEASE).await.expect("claimed").len(), 20);
}
