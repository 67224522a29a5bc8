//! Promises about claims.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::Lane;

use super::fixture::*;

/// Claimers at the same time share the work.
pub async fn two_claimers_never_get_one_scan(state: S) {
    for _ in 0..40 {
        in_lane(&state, Lane::Push).await;
    }
    let claimed = at_once(8, |number| {
        let state = state.clone();
        async move {
            let holder = format!("holder-{number}");
            let mut mine = Vec::new();
            loop {
                let claimed = state.claim_submitted(&holder, LEASE, 3, NOW).await.expect("claimed");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|scan| scan.id));
            }
        }
    })
    .await;
    let all: Vec<_> = claimed.concat();
    assert_eq!(all.len(), 40);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40);
}

/// At the very end of the lease, and not before.
pub async fn a_claim_whose_lease_ended_is_claimed_again(state: S) {
    let id = submit(&state, &request()).await;
    let claim = async |holder: &str, now| {
        let claimed = state.claim_submitted(holder, LEASE, 1, now).await.expect("claimed");
        claimed.into_iter().map(|scan| (scan.id, scan.attempts)).collect::<Vec<_>>()
    };
    assert_eq!(claim("a", NOW).await, [(id, 0)]);
    assert_eq!(claim("b", NOW + LEASE - 1).await, []);
    assert_eq!(claim("b", NOW + LEASE).await, [(id, 0)]);
}

/// The reply to a claim was lost: what nobody knows of is given back, and nothing else.
pub async fn a_claim_nobody_knows_of_is_given_back_at_once(state: S) {
    let scans = [submit(&state, &request()).await, in_lane(&state, Lane::Push).await];
    assert_eq!(state.claim_submitted("a", LEASE, 9, NOW).await.expect("claimed").len(), 2);
    assert_eq!(state.disclaim_submitted("b", &[], NOW).await.expect("nothing is its"), 0);
    assert_eq!(state.disclaim_submitted("a", &scans[..1], NOW).await.expect("the other is"), 1);
    let again = state.claim_submitted("b", LEASE, 9, NOW).await.expect("claimed");
    assert_eq!(again.into_iter().map(|scan| scan.id).collect::<Vec<_>>(), scans[1..]);

    for _ in 0..2 {
        planned(&state, &plan(&[digest(1)])).await;
    }
    finish(&state, digest(1)).await;
    let held: Vec<_> = state.claim_complete("a", LEASE, 9, NOW).await.expect("claimed");
    let held: Vec<_> = held.into_iter().map(|target| target.id).collect();
    assert_eq!(held.len(), 2);
    assert_eq!(state.disclaim_complete("b", &[], NOW).await.expect("nothing is its"), 0);
    assert_eq!(state.disclaim_complete("a", &held[..1], NOW).await.expect("the other is"), 1);
    let again = state.claim_complete("b", LEASE, 9, NOW).await.expect("claimed");
    assert_eq!(again.into_iter().map(|target| target.id).collect::<Vec<_>>(), held[1..]);
}

/// A batch is mostly urgent work, and has room for the rest.
pub async fn urgent_lanes_come_first_and_none_starves(state: S) {
    for lane in [Lane::Backfill, Lane::Push, Lane::Interactive] {
        for _ in 0..20 {
            in_lane(&state, lane).await;
        }
    }
    let mut taken: BTreeMap<Lane, u32> = BTreeMap::new();
    for scan in state.claim_submitted(HOLDER, LEASE, 16, NOW).await.expect("claimed") {
        *taken.entry(scan.request.lane).or_default() += 1;
    }
    assert_eq!(taken, [(Lane::Backfill, 2), (Lane::Push, 2), (Lane::Interactive, 12)].into());
    let rest = state.claim_submitted(HOLDER, LEASE, 100, NOW).await.expect("claimed");
    assert_eq!(rest.len(), 44, "a batch is filled from whatever lane has work");
}

/// Targets are claimed like scans.
pub async fn two_claimers_never_get_one_target(state: S) {
    for number in 0..30 {
        planned(&state, &plan(&[digest(1), numbered(2, number)])).await;
        finish(&state, numbered(2, number)).await;
    }
    finish(&state, digest(1)).await;
    let claimed = at_once(6, |number| {
        let state = state.clone();
        async move {
            let holder = format!("holder-{number}");
            let mut mine = Vec::new();
            loop {
                let claimed = state.claim_complete(&holder, LEASE, 4, NOW).await.expect("claimed");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|target| target.id));
            }
        }
    })
    .await;
    let all: Vec<_> = claimed.concat();
    assert_eq!(all.len(), 30);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 30);
    assert_eq!(complete_at(&state, NOW + LEASE - 1).await, []);
    assert_eq!(complete_at(&state, NOW + LEASE).await.len(), 30);
}
