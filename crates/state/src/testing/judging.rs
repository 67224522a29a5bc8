//! Promises of [`Targets`](crate::Targets).

use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{
    BlindKind, Failure, Lane, LayerOutcome, Platform, Retry, ScanRequest, ScanState, Tenant,
};

use super::fixture::*;
use crate::{Due, Error, LayerState, PlannedTarget, ScanPlan, TargetId};

fn target(scan: plimsoll_types::ScanId, ordinal: u32) -> TargetId {
    TargetId { scan, ordinal }
}

fn on(platform: &str, layers: &[plimsoll_types::Digest]) -> PlannedTarget {
    PlannedTarget { platform: platform.parse::<Platform>().expect("a platform"), ..image(layers) }
}

/// Not one layer earlier; and whatever nobody said, the loop finds.
pub async fn a_target_is_complete_when_no_layer_is_outstanding(state: S) {
    let (id, _) = planned(&state, &plan(&[digest(1), digest(2)])).await;
    finish(&state, digest(1)).await;
    assert_eq!(complete(&state).await, []);
    assert_eq!(state.wake_all().await.expect("answered"), 0);
    let broken = result(digest(2), 0, LayerOutcome::LayerFailed(failure("broken", Retry::Never)));
    state.settle(&Tenant::default(), &broken, NOW).await.expect("taken in");
    assert_eq!(complete(&state).await, [], "nobody was woken");
    assert_eq!(state.wake_all().await.expect("answered"), 1);
    assert_eq!(state.wake_all().await.expect("answered"), 0);
    let claimed = complete(&state).await;
    assert_eq!(claimed[0].id, target(id, 0));
    assert_eq!(claimed[0].layers[1].state, LayerState::Failed);
    assert_eq!(progress(&state, id).await.layers_settled, 2);
}

/// A scan that joins a layer just before it is done is complete without anybody's loop.
pub async fn a_result_before_the_plan_is_committed_is_not_missed(state: S) {
    for number in 0..40 {
        let layer = numbered(5, number);
        planned(&state, &plan(&[layer])).await;
        let joining = {
            let state = state.clone();
            // Another image of the same layer.
            tokio::spawn(async move { planned(&state, &plan(&[layer, layer])).await })
        };
        let finishing = {
            let state = state.clone();
            tokio::spawn(async move { finish(&state, layer).await })
        };
        joining.await.expect("the plan is recorded");
        finishing.await.expect("the layer is settled");
    }
    assert_eq!(complete(&state).await.len(), 80);
}

/// Every scan waits for two layers of ten, and results come from four aggregators.
pub async fn results_at_the_same_time_complete_every_scan(state: S) {
    for number in 0..30_u8 {
        planned(&state, &plan(&[digest(number % 10), digest((number + 3) % 10)])).await;
    }
    at_once(10, |number| {
        let state = state.clone();
        async move {
            let layer = digest(number as u8);
            state.settle(&Tenant::default(), &done(layer), NOW).await.expect("taken in");
            let settled = [key(layer)];
            crate::retrying(5, || state.wake(&settled)).await.expect("woken");
        }
    })
    .await;
    assert_eq!(complete(&state).await.len(), 30);
}

/// In order, with how each layer ended.
pub async fn a_claimed_target_has_everything_judging_needs(state: S) {
    let asked = ScanRequest {
        policy: Some(digest(9)),
        allowlists: vec![digest(8)],
        allow_blind: vec![BlindKind::Windows],
        lane: Lane::Push,
        deadline: Some(NOW + 1_000_000),
        ..request()
    };
    let id = submit(&state, &asked).await;
    let image = image(&[digest(2), digest(1)]);
    let plan = ScanPlan { index: Some(digest(7)), ..plan_of(vec![image.clone()]) };
    record(&state, id, &plan).await;
    let lost = source_failed(digest(1), 0, source("app"), Retry::Never);
    state.settle(&Tenant::default(), &lost, NOW).await.expect("taken in");
    finish(&state, digest(2)).await;
    let claimed = complete(&state).await.remove(0);
    assert_eq!((claimed.id, claimed.lane, claimed.attempts), (target(id, 0), Lane::Push, 0));
    assert_eq!(
        (claimed.index, claimed.manifest, claimed.config),
        (Some(digest(7)), image.manifest, image.config)
    );
    assert_eq!((claimed.policy, claimed.allowlists), (asked.policy, asked.allowlists));
    assert_eq!((claimed.allow_blind, claimed.deadline), (asked.allow_blind, asked.deadline));
    assert_eq!(
        (claimed.reference, claimed.tenant, claimed.submitted_at),
        (asked.reference, asked.tenant, NOW)
    );
    let [well, badly] = &claimed.layers[..] else { panic!("{:?}", claimed.layers) };
    assert_eq!((well.digest, well.state, well.known), (digest(2), LayerState::Done, Some(known(digest(2)))));
    assert_eq!((well.claimed_diff_id, well.size), (diff_id(digest(2)), 1000));
    assert_eq!((badly.digest, badly.state, badly.known), (digest(1), LayerState::Gone, None));
    assert_eq!(badly.failure.as_ref().map(|failure| failure.kind.as_str()), Some("not_found"));
}

/// Whoever comes second is told, unless it says the same.
pub async fn judged_twice_the_first_wins(state: S) {
    let (id, _) = planned(&state, &plan(&[digest(1)])).await;
    finish(&state, digest(1)).await;
    let answers = at_once(8, |number| {
        let state = state.clone();
        async move {
            let mine = verdict(VerdictStatus::Pass, number as u8);
            (number, state.judged(target(id, 0), &mine, NOW).await.expect("it is answered"))
        }
    })
    .await;
    let winners: Vec<_> = answers.iter().filter(|(_, won)| *won).map(|(number, _)| *number as u8).collect();
    assert_eq!(winners.len(), 1);
    let again = verdict(VerdictStatus::Pass, winners[0]);
    assert!(state.judged(target(id, 0), &again, NOW + 9).await.expect("answered"), "the reply was lost");
    let progress = progress(&state, id).await;
    assert_eq!((progress.scan.state, progress.scan.ended_at), (ScanState::Judged, Some(NOW)));
    assert_eq!(progress.verdicts.len(), 1);
    assert_eq!(progress.verdicts[0].verdict.document, digest(winners[0]));
    assert_eq!(complete_at(&state, NOW + LEASE * 2).await, []);
}

/// By the worst of them.
pub async fn an_index_is_judged_when_its_last_platform_is(state: S) {
    let targets =
        vec![on("linux/amd64", &[digest(1)]), on("linux/arm64", &[digest(2)]), on("linux/386", &[digest(3)])];
    let plan = ScanPlan { index: Some(digest(7)), ..plan_of(targets) };
    let asked = ScanRequest { callback: Some("https://example.com".into()), ..request() };
    let id = submit(&state, &asked).await;
    record(&state, id, &plan).await;
    let statuses = [VerdictStatus::Warn, VerdictStatus::NotJudged, VerdictStatus::Pass];
    for (ordinal, status) in (0..).zip(statuses) {
        let scan = progress(&state, id).await.scan;
        assert_eq!((scan.state, scan.status), (ScanState::Analyzing, None));
        let verdict = verdict(status, ordinal as u8);
        assert!(state.judged(target(id, ordinal), &verdict, NOW).await.expect("it is judged"));
    }
    let progress = progress(&state, id).await;
    assert_eq!(progress.scan.state, ScanState::Judged);
    assert_eq!(progress.scan.status, Some(VerdictStatus::NotJudged));
    let platforms: Vec<_> = progress.verdicts.iter().map(|verdict| verdict.platform.to_string()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64", "linux/386"]);
    let owed = state.list_deliveries(&Tenant::default(), None, None, 9).await.expect("listed");
    assert_eq!(owed.len(), 1, "one verdict, one callback");
}

/// Two aggregators, one platform each.
pub async fn platforms_judged_at_the_same_time_end_their_scan_once(state: S) {
    for number in 0..20 {
        let targets =
            vec![on("linux/amd64", &[numbered(1, number)]), on("linux/arm64", &[numbered(2, number)])];
        let (id, _) = planned(&state, &plan_of(targets)).await;
        at_once(2, |ordinal| {
            let state = state.clone();
            async move {
                let verdict = verdict(VerdictStatus::Pass, ordinal as u8);
                assert!(state.judged(target(id, ordinal), &verdict, NOW).await.expect("it is judged"));
            }
        })
        .await;
        assert_eq!(progress(&state, id).await.scan.state, ScanState::Judged, "scan {number}");
    }
}

/// "N of M layers known", once; and the next scan finds them known.
pub async fn at_its_deadline_a_scan_is_judged_and_its_layers_go_on_in_backfill(state: S) {
    let asked = ScanRequest { deadline: Some(NOW + 100), ..request() };
    let id = submit(&state, &asked).await;
    record(&state, id, &plan(&[digest(1), digest(2)])).await;
    finish(&state, digest(1)).await;
    assert_eq!(complete_at(&state, NOW + 99).await, []);
    let claimed = complete_at(&state, NOW + 100).await;
    let states: Vec<_> = claimed[0].layers.iter().map(|layer| layer.state).collect();
    assert_eq!(states, [LayerState::Done, LayerState::Outstanding]);
    let late = verdict(VerdictStatus::NotJudged, 1);
    assert!(state.judged(target(id, 0), &late, NOW + 101).await.expect("it is judged"));
    let due = Due { lanes: Lane::ALL, asked_before: NOW + 200, unpublished_before: 0 };
    let handed = state.due(&due, 9, NOW + 200).await.expect("handed out");
    assert_eq!((digests(&handed), handed[0].lane), (vec![digest(2)], Lane::Backfill));
    finish(&state, digest(2)).await;
    assert_eq!(complete_at(&state, NOW + 200).await, [], "delivered once");
}

/// By name, and only by whoever holds it.
pub async fn giving_up_ends_a_scan_with_its_reason(state: S) {
    let (id, _) = planned(&state, &plan(&[digest(1), digest(2)])).await;
    let lost = source_failed(digest(1), 0, source("app"), Retry::Never);
    state.settle(&Tenant::default(), &lost, NOW).await.expect("taken in");
    finish(&state, digest(2)).await;
    assert_eq!(complete(&state).await.len(), 1);
    let gone = Failure::lasting("layer_gone", "layer sha256:… is gone from registry.example/app");
    let give_up = async |holder: &str, end| state.give_up(target(id, 0), holder, end, &gone, NOW).await;
    assert!(!give_up("stranger", ScanState::Gone).await.expect("answered"));
    assert!(give_up(HOLDER, ScanState::Gone).await.expect("answered"));
    assert!(give_up(HOLDER, ScanState::Gone).await.expect("answered"), "the reply was lost");
    assert!(!give_up(HOLDER, ScanState::Failed).await.expect("answered"), "an end is an end");
    assert!(matches!(give_up(HOLDER, ScanState::Judged).await, Err(Error::Usage(_))));
    let scan = progress(&state, id).await.scan;
    assert_eq!((scan.state, scan.failure), (ScanState::Gone, Some(gone.clone())));
    assert_eq!(state.backlog().await.expect("counted").layers, [].into());
}

/// After its pause, with its attempts counted.
pub async fn a_released_target_comes_back(state: S) {
    let (id, _) = planned(&state, &plan(&[digest(1)])).await;
    finish(&state, digest(1)).await;
    assert_eq!(complete(&state).await.len(), 1);
    let away = Failure::passing("store", "the store is away");
    assert!(!state.release(target(id, 0), "stranger", NOW, &away).await.expect("answered"));
    assert!(state.release(target(id, 0), HOLDER, NOW + 500, &away).await.expect("answered"));
    assert!(!state.release(target(id, 0), HOLDER, NOW, &away).await.expect("answered"), "it counts once");
    assert_eq!(complete_at(&state, NOW + 499).await, []);
    assert_eq!(complete_at(&state, NOW + 500).await[0].attempts, 1);
}
