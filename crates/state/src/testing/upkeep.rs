//! Promises of [`Upkeep`](crate::Upkeep).

use std::collections::BTreeSet;

use plimsoll_types::{Lane, ScanRequest, Tenant};

use super::fixture::*;
use crate::{Due, Forgotten, LayerState, RetainedScan, ScanFilter, ScanPlan};

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
        let due = Due { lanes: Lane::ALL, asked_before: i64::MIN, unpublished_before: 0 };
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

/// Open or ended, of every tenant, each once whatever the size of a page.
pub async fn what_is_retained_is_given_in_pages_until_it_is_forgotten(state: S) {
    let asked = ScanRequest { policy: Some(digest(0xa1)), allowlists: vec![digest(0xa2)], ..request() };
    judged(&state, &asked, 1).await;
    let other = ScanRequest { tenant: tenant("other"), ..request() };
    let open = submit(&state, &other).await;
    let index = ScanPlan { index: Some(digest(0xee)), ..plan(&[digest(2), digest(3)]) };
    record(&state, open, &index).await;
    let submitted = submit(&state, &request()).await;

    let mut scans: Vec<RetainedScan> = Vec::new();
    let mut images = Vec::new();
    loop {
        let scan = state.retained_scans(scans.last().map(|scan| scan.id), 1).await.expect("given");
        let image = state.retained_images(images.last(), 1).await.expect("given");
        if scan.is_empty() && image.is_empty() {
            break;
        }
        scans.extend(scan);
        images.extend(image);
    }
    assert_eq!((scans.len(), images.len()), (3, 2));
    let of = |id| scans.iter().find(|scan| scan.id == id).expect("it is retained");
    assert_eq!((of(open).index, of(submitted).index), (Some(digest(0xee)), None));
    let ended = scans.iter().find(|scan| scan.policy.is_some()).expect("it is retained");
    assert_eq!((ended.policy, &ended.allowlists[..]), (Some(digest(0xa1)), &[digest(0xa2)][..]));
    assert_eq!(images[1].tenant, tenant("other"), "in order");
    assert_eq!(images[0].config, digest(0xcc));

    let layers = state.retained_layers(None, i64::MAX, 9).await.expect("given");
    let found: Vec<_> = layers.iter().map(|layer| (&layer.key, layer.known)).collect();
    assert_eq!(found, [(&key(digest(1)), known(digest(1)))], "outstanding layers have no evidence to keep");
    assert_eq!(state.retained_layers(Some(&key(digest(1))), i64::MAX, 9).await.expect("given"), []);

    assert_eq!(state.forget(NOW + 1, 9).await.expect("forgotten"), Forgotten { scans: 1, images: 1 });
    let left = state.retained_scans(None, 9).await.expect("given");
    let left: BTreeSet<_> = left.iter().map(|scan| scan.id).collect();
    assert_eq!(left, [open, submitted].into());
    assert_eq!(state.retained_images(None, 9).await.expect("given").len(), 1);
}

/// Their evidence is retained for a while longer, and then it is not; whoever has them next waits for them.
pub async fn layers_of_no_image_are_let_go_of_and_wanted_again(state: S) {
    let layers = [key(digest(1)), key(digest(2))];
    let id = judged(&state, &request(), 1).await;
    let (_, planned) = self::planned(&state, &plan(&[digest(2)])).await;
    assert_eq!(digests(&planned.wanted), [digest(2)]);
    finish(&state, digest(2)).await;
    let later = NOW + 1_000;
    assert_eq!(state.let_go(&layers, later, later).await.expect("answered"), 0, "images have them");

    assert_eq!(state.forget(NOW + 1, 9).await.expect("forgotten"), Forgotten { scans: 1, images: 1 });
    assert_eq!(state.get(&Tenant::default(), id).await.expect("read"), None);
    assert_eq!(state.let_go(&layers, NOW, later).await.expect("answered"), 0, "not long enough ago");
    assert_eq!(state.let_go(&layers, later, later).await.expect("answered"), 1);
    assert_eq!(state.let_go(&layers, later, later).await.expect("answered"), 0, "once");
    let retained = async |since| {
        let layers = state.retained_layers(None, since, 9).await.expect("given");
        layers.iter().map(|layer| layer.key.digest).collect::<Vec<_>>()
    };
    assert_eq!(retained(later).await, [digest(1), digest(2)], "since then");
    assert_eq!(retained(later + 1).await, [digest(2)]);
    assert_eq!(
        state.troubled(&Tenant::default(), None, 9).await.expect("listed"),
        [],
        "nothing is wrong with it"
    );

    let (_, again) = self::planned(&state, &plan(&[digest(1)])).await;
    assert_eq!(digests(&again.wanted), [digest(1)]);
    assert!(!again.wanted[0].shared, "it is this tenant's own");
    let other = submit(&state, &ScanRequest { tenant: tenant("other"), ..request() }).await;
    let others = record(&state, other, &plan(&[digest(1)])).await;
    assert!(others.wanted[0].shared, "what is in the store is not the other tenant's for the asking");
    finish(&state, digest(1)).await;
    assert_eq!(retained(i64::MAX).await.len(), 2);
}

/// What tells a fleet's database from one that was made a moment ago.
pub async fn who_was_never_used_says_so(state: S) {
    assert!(state.is_unused().await.expect("answered"));
    judged(&state, &request(), 1).await;
    assert!(!state.is_unused().await.expect("answered"));
    state.forget(i64::MAX, 9).await.expect("forgotten");
    assert!(!state.is_unused().await.expect("answered"), "nothing is left but what layers are known");
}
