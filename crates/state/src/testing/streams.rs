//! Promises of [`Verdicts`](crate::Verdicts).

use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{ScanRequest, Tenant};

use super::fixture::*;
use crate::{Error, ScanPlan, StreamRange, TargetId};

/// The newest, and of an index the whole.
pub async fn a_verdict_is_found_by_image_index_and_reference(state: S) {
    let tenant = Tenant::default();
    let manifest = image(&[digest(1)]).manifest;
    judged(&state, &request(), 1).await;
    let id = submit(&state, &request()).await;
    let mut second = image(&[digest(2)]);
    second.platform = plimsoll_types::Platform::new("linux", "arm64", None);
    let plan = ScanPlan { index: Some(digest(7)), ..plan_of(vec![image(&[digest(1)]), second]) };
    record(&state, id, &plan).await;
    let judge = async |ordinal, status, document| {
        let target = TargetId { scan: id, ordinal };
        state.judged(target, &verdict(status, document), NOW + 5).await.expect("it is judged");
    };
    judge(0, VerdictStatus::Fail, 2).await;
    assert_eq!(
        state.by_image(&tenant, digest(7), None).await.expect("answered"),
        None,
        "half an index is none"
    );
    judge(1, VerdictStatus::Warn, 3).await;

    let found = state.by_image(&tenant, manifest, None).await.expect("answered").expect("it is found");
    assert_eq!((found.status, found.verdicts.len()), (VerdictStatus::Fail, 1));
    assert_eq!(found.verdicts[0].verdict.document, digest(2), "the newest");
    let index =
        state.by_image(&tenant, digest(7), Some(digest(0xb0))).await.expect("answered").expect("found");
    assert_eq!((index.scan, index.status, index.verdicts.len()), (id, VerdictStatus::Fail, 2));
    let tagged = state.by_reference(&tenant, "registry.example/app:1").await.expect("answered");
    assert_eq!(tagged, Some(index));
    for (image, policy) in
        [(digest(99), None), (manifest, Some(digest(0xff))), (digest(7), Some(digest(0xff)))]
    {
        assert_eq!(state.by_image(&tenant, image, policy).await.expect("answered"), None);
    }
    assert_eq!(state.documents(None, 2).await.expect("listed"), [digest(1), digest(2)]);
    assert_eq!(state.documents(Some(digest(2)), 2).await.expect("listed"), [digest(3)]);
}

/// And read in that order, page by page.
pub async fn verdicts_are_numbered_after_they_are_committed(state: S) {
    let tenant = Tenant::default();
    for document in 1..=3 {
        judged(&state, &request(), document).await;
    }
    assert_eq!(state.after(&tenant, 0, 9).await.expect("read"), [], "nobody numbered them");
    assert_eq!(state.sequence(2).await.expect("numbered"), 2);
    let first = state.after(&tenant, 0, 9).await.expect("read");
    judged(&state, &request(), 4).await;
    assert_eq!(state.sequence(9).await.expect("numbered"), 2);
    assert_eq!(state.sequence(9).await.expect("numbered"), 0);
    assert_eq!(state.after(&tenant, 0, 2).await.expect("read"), first, "numbers do not change");
    let rest = state.after(&tenant, 2, 9).await.expect("read");
    let numbers: Vec<_> = first.iter().chain(&rest).filter_map(|verdict| verdict.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let mut documents: Vec<_> = first.iter().chain(&rest).map(|verdict| verdict.verdict.document).collect();
    documents.sort();
    assert_eq!(documents, [digest(1), digest(2), digest(3), digest(4)]);
    assert_eq!(state.range(&tenant).await.expect("read"), StreamRange { oldest: 0, newest: 4 });
}

/// Several sequencers, and verdicts that go on being committed.
pub async fn numbers_have_no_holes_whoever_gives_them(state: S) {
    at_once(8, |task| {
        let state = state.clone();
        async move {
            for round in 0..5 {
                match task % 2 {
                    0 => drop(judged(&state, &request(), (task * 5 + round) as u8).await),
                    _ => drop(crate::retrying(5, || state.sequence(3)).await.expect("numbered")),
                }
            }
        }
    })
    .await;
    while state.sequence(100).await.expect("numbered") > 0 {}
    let all = state.after(&Tenant::default(), 0, 100).await.expect("read");
    let numbers: Vec<_> = all.iter().filter_map(|verdict| verdict.sequence).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

/// With what is there.
pub async fn a_cursor_outside_the_stream_is_refused(state: S) {
    let tenant = Tenant::default();
    for document in 1..=4 {
        let asked = ScanRequest { reference: format!("app:{document}"), ..request() };
        judged(&state, &asked, document).await;
        state.sequence(9).await.expect("numbered");
    }
    let refused = state.after(&tenant, 5, 9).await;
    assert!(matches!(refused, Err(Error::OutOfRange { cursor: 5, oldest: 0, newest: 4 })), "{refused:?}");
    let future = state.after(&tenant, u64::MAX, 9).await;
    assert!(matches!(future, Err(Error::OutOfRange { .. })), "{future:?}");
    state.forget(NOW + 1, 2).await.expect("forgotten");
    let refused = state.after(&tenant, 0, 9).await;
    let Err(Error::OutOfRange { oldest, newest: 4, .. }) = refused else { panic!("{refused:?}") };
    let left = state.after(&tenant, oldest, 9).await.expect("read");
    assert!(left.iter().all(|verdict| verdict.sequence > Some(oldest)) && left.len() as u64 == 4 - oldest);
}
