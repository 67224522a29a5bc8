//! Promises of [`Tags`](crate::Tags).

use plimsoll_types::{Digest, Tenant};

use super::fixture::*;
use crate::{HistoryPage, Sighting, TagSpan};

const REGISTRY: &str = "registry.example";

fn sighting(tag: &str, digest: Digest) -> Sighting {
    Sighting {
        tenant: Tenant::default(),
        registry: REGISTRY.into(),
        repository: "app".into(),
        tag: tag.into(),
        digest,
    }
}

async fn see(state: &S, tag: &str, digest: Digest, now: i64) -> bool {
    state.seen(&[sighting(tag, digest)], now).await.expect("it is recorded").remove(0)
}

async fn gone(state: &S, tag: Option<&str>, digest: Option<Digest>, now: i64) -> u64 {
    state.tag_gone(&Tenant::default(), REGISTRY, "app", tag, digest, now).await.expect("it is recorded")
}

async fn history(state: &S, tag: Option<&str>) -> Vec<TagSpan> {
    let page = HistoryPage { after: None, limit: 100 };
    state.history(&Tenant::default(), REGISTRY, "app", tag, &page).await.expect("it is read")
}

fn span(tag: &str, digest: Digest, first_seen: i64, last_seen: i64, gone_at: Option<i64>) -> TagSpan {
    TagSpan { tag: tag.into(), digest, first_seen, last_seen, gone_at }
}

/// Each in its place, however many are told at once.
pub async fn a_tag_is_new_once(state: S) {
    let sightings = [sighting("1", digest(1)), sighting("2", digest(2)), sighting("1", digest(1))];
    assert_eq!(state.seen(&sightings, NOW).await.expect("recorded"), [true, true, false]);
    assert_eq!(state.seen(&sightings, NOW + 5).await.expect("recorded"), [false; 3]);
    let all = [span("2", digest(2), NOW, NOW + 5, None), span("1", digest(1), NOW, NOW + 5, None)];
    assert_eq!(history(&state, None).await, all);
    assert_eq!(history(&state, Some("2")).await, all[..1]);
    assert_eq!(state.seen(&[], NOW).await.expect("nothing is recorded"), [false; 0]);
}

/// And back again.
pub async fn a_tag_that_moves_closes_one_row_and_opens_another(state: S) {
    assert!(see(&state, "1", digest(1), NOW).await);
    assert!(see(&state, "1", digest(2), NOW + 10).await);
    assert!(!see(&state, "1", digest(2), NOW + 20).await);
    assert!(see(&state, "1", digest(1), NOW + 30).await);
    let expected = [
        span("1", digest(1), NOW + 30, NOW + 30, None),
        span("1", digest(2), NOW + 10, NOW + 20, Some(NOW + 30)),
        span("1", digest(1), NOW, NOW, Some(NOW + 10)),
    ];
    assert_eq!(history(&state, Some("1")).await, expected);
    // Within one instant too.
    assert!(see(&state, "1", digest(3), NOW + 30).await);
    assert!(see(&state, "1", digest(1), NOW + 30).await);
    assert_eq!(history(&state, Some("1")).await.iter().filter(|span| span.gone_at.is_none()).count(), 1);
}

/// A queue delivers late, and twice.
pub async fn an_event_that_comes_late_moves_nothing(state: S) {
    assert!(see(&state, "1", digest(1), NOW).await);
    assert!(see(&state, "1", digest(2), NOW + 20).await);
    assert!(!see(&state, "1", digest(1), NOW).await, "it was seen to name that");
    assert!(see(&state, "1", digest(3), NOW + 10).await, "nobody has seen that one");
    assert!(!see(&state, "1", digest(3), NOW + 10).await);
    assert_eq!(gone(&state, Some("1"), None, NOW + 15).await, 0, "it was pushed again after that");
    let open: Vec<_> =
        history(&state, Some("1")).await.into_iter().filter(|span| span.gone_at.is_none()).collect();
    assert_eq!(open, [span("1", digest(2), NOW + 20, NOW + 20, None)]);

    assert_eq!(gone(&state, Some("1"), None, NOW + 40).await, 1);
    assert!(!see(&state, "1", digest(2), NOW + 30).await, "it was deleted after that");
    assert!(history(&state, Some("1")).await.iter().all(|span| span.gone_at.is_some()));
    assert!(see(&state, "1", digest(2), NOW + 50).await, "and pushed again");
}

/// By tag, by digest, by both, or all of a repository.
pub async fn what_is_gone_is_closed(state: S) {
    for (tag, byte) in [("1", 1), ("2", 2), ("latest", 2), ("3", 3), ("4", 4)] {
        see(&state, tag, digest(byte), NOW).await;
    }
    assert_eq!(gone(&state, Some("1"), Some(digest(9)), NOW + 1).await, 0);
    assert_eq!(gone(&state, Some("1"), Some(digest(1)), NOW + 1).await, 1);
    assert_eq!(gone(&state, Some("1"), Some(digest(1)), NOW + 1).await, 0, "a repeated event");
    assert_eq!(gone(&state, None, Some(digest(2)), NOW + 2).await, 2);
    assert_eq!(gone(&state, Some("3"), None, NOW + 3).await, 1);
    assert_eq!(history(&state, Some("3")).await, [span("3", digest(3), NOW, NOW, Some(NOW + 3))]);
    assert_eq!(gone(&state, None, None, NOW + 4).await, 1);
}

/// A sweep knows what there is no more.
pub async fn what_a_whole_sweep_has_not_seen_is_gone(state: S) {
    see(&state, "1", digest(1), NOW).await;
    see(&state, "2", digest(2), NOW).await;
    see(&state, "2", digest(2), NOW + 50).await;
    let since = NOW + 50;
    let swept = state.not_seen(&Tenant::default(), REGISTRY, "app", since, NOW + 60).await;
    assert_eq!(swept.expect("recorded"), 1);
    assert_eq!(history(&state, Some("1")).await[0].gone_at, Some(NOW + 60));
    assert_eq!(history(&state, Some("2")).await[0].gone_at, None);
}

/// Without a gap or a repetition.
pub async fn a_history_is_read_in_pages(state: S) {
    for number in 0..25_u8 {
        see(&state, &format!("v{number:02}"), digest(number), NOW + i64::from(number / 5)).await;
    }
    let whole = history(&state, None).await;
    assert_eq!(whole.len(), 25);
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = HistoryPage { after, limit: 7 };
        let spans = state.history(&Tenant::default(), REGISTRY, "app", None, &page).await.expect("read");
        let Some(last) = spans.last() else { break };
        after = Some(last.cursor());
        read.extend(spans);
    }
    assert_eq!(read, whole);
}

/// Neither the history nor what is new.
pub async fn tags_of_another_tenant_registry_or_repository_are_others(state: S) {
    see(&state, "1", digest(1), NOW).await;
    let others = [
        Sighting { tenant: tenant("b"), ..sighting("1", digest(2)) },
        Sighting { registry: "other.example".into(), ..sighting("1", digest(2)) },
        Sighting { repository: "app/b".into(), ..sighting("1", digest(2)) },
    ];
    assert_eq!(state.seen(&others, NOW + 1).await.expect("recorded"), [true; 3]);
    assert_eq!(history(&state, None).await, [span("1", digest(1), NOW, NOW, None)]);
    let page = HistoryPage { after: None, limit: 9 };
    let theirs = state.history(&tenant("c"), REGISTRY, "app", None, &page).await.expect("read");
    assert_eq!(theirs, []);
    let ended = state.tag_gone(&tenant("b"), REGISTRY, "app", None, None, NOW + 9).await;
    assert_eq!(ended.expect("recorded"), 1);
    assert_eq!(history(&state, None).await[0].gone_at, None);
}

/// An event and a sweep, on different hosts.
pub async fn a_tag_seen_by_several_at_once_is_new_to_one(state: S) {
    let told = at_once(8, |_| {
        let state = S::clone(&state);
        async move { see(&state, "1", digest(1), NOW).await }
    });
    assert_eq!(told.await.into_iter().filter(|new| *new).count(), 1);
    assert_eq!(history(&state, None).await.len(), 1);
}
