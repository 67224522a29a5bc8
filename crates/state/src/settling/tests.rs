use plimsoll_types::{Digest, LayerDone, LayerSource};
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_000_000;

fn outstanding() -> Standing {
    Standing {
        state: LayerState::Outstanding,
        attempts: 0,
        interruptions: 0,
        counted: -1,
        sources: 1,
        source_attempts: Some(0),
        shared: false,
    }
}

fn result(attempt: u32, outcome: LayerOutcome) -> LayerResult {
    LayerResult { digest: Digest::from_bytes([1; 32]), attempt, outcome, elapsed: Duration::ZERO }
}

fn failure(retry: Retry) -> LayerFailure {
    LayerFailure { kind: "kind".into(), message: "message".into(), retry }
}

fn source_failed(retry: Retry) -> LayerOutcome {
    let source = LayerSource {
        registry: "r".into(),
        repository: "a".into(),
        tenant: "default".into(),
        credential: None,
        plain_http: false,
    };
    LayerOutcome::SourceFailed { source, failure: failure(retry) }
}

fn done() -> LayerOutcome {
    done_by_pulling(0)
}

fn done_by_pulling(pulled_bytes: u64) -> LayerOutcome {
    let digest = Digest::from_bytes([2; 32]);
    LayerOutcome::Done(LayerDone {
        diff_id: digest,
        uncompressed_size: 1,
        index: digest,
        packages: digest,
        pulled_bytes,
    })
}

#[test]
fn evidence_counts_from_any_attempt() {
    let standing = Standing { counted: 7, ..outstanding() };
    assert!(matches!(decide(&standing, &result(3, done()), NOW), Change::Done(_)));
}

#[test]
fn evidence_that_may_be_another_tenants_counts_when_this_one_has_pulled_the_blob() {
    let standing = Standing { shared: true, ..outstanding() };
    let Change::Again { attempts, interruptions, source, next_at, .. } =
        decide(&standing, &result(0, done()), NOW)
    else {
        panic!("a blob found in the store is nobody's proof")
    };
    assert_eq!((attempts, interruptions, source, next_at), (0, 1, Source::Untouched, NOW));
    assert_eq!(decide(&Standing { counted: 0, ..standing }, &result(0, done()), NOW), Change::Ignored);
    assert!(matches!(decide(&standing, &result(0, done_by_pulling(1)), NOW), Change::Done(_)));
}

#[test]
fn a_settled_layer_stays_settled() {
    for state in LayerState::ALL.iter().filter(|state| state.is_settled()) {
        let standing = Standing { state: *state, ..outstanding() };
        for outcome in [done(), LayerOutcome::LayerFailed(failure(Retry::Never))] {
            assert_eq!(decide(&standing, &result(9, outcome), NOW), Change::Settled(*state));
        }
    }
}

#[test]
fn a_failure_counts_once_per_attempt() {
    let standing = Standing { counted: 3, ..outstanding() };
    let again = LayerOutcome::LayerFailed(failure(Retry::After(None)));
    assert_eq!(decide(&standing, &result(3, again.clone()), NOW), Change::Ignored);
    assert!(matches!(decide(&standing, &result(4, again), NOW), Change::Again { attempts: 1, .. }));
}

#[test]
fn a_lasting_failure_of_the_only_source_means_gone() {
    let change = decide(&outstanding(), &result(0, source_failed(Retry::Never)), NOW);
    assert!(matches!(change, Change::Ended { state: LayerState::Gone, .. }), "{change:?}");
}

#[test]
fn a_lasting_failure_of_one_source_goes_on_with_the_next_at_once() {
    let standing = Standing { sources: 2, ..outstanding() };
    let change = decide(&standing, &result(0, source_failed(Retry::Never)), NOW);
    assert!(matches!(change, Change::Again { source: Source::Dropped, next_at: NOW, .. }), "{change:?}");
}

#[test]
fn a_source_dropped_meanwhile_drops_no_other() {
    let standing = Standing { source_attempts: None, ..outstanding() };
    let change = decide(&standing, &result(0, source_failed(Retry::Never)), NOW);
    assert!(matches!(change, Change::Again { source: Source::Untouched, .. }), "{change:?}");
}

#[test]
fn a_source_is_asked_again_later_and_dropped_at_its_bound() {
    let busy = source_failed(Retry::After(Some(Duration::from_secs(90))));
    let change = decide(&outstanding(), &result(0, busy.clone()), NOW);
    let Change::Again { source: Source::Failed { attempts: 1 }, next_at, attempts: 0, .. } = change else {
        panic!("{change:?}")
    };
    assert_eq!(next_at, NOW + 90_000);
    let last = Standing { source_attempts: Some(MAX_SOURCE_ATTEMPTS - 1), ..outstanding() };
    let change = decide(&last, &result(9, busy), NOW);
    assert!(matches!(change, Change::Ended { state: LayerState::Gone, .. }), "{change:?}");
}

#[test]
fn a_layer_is_quarantined_at_its_bound_and_not_before() {
    let died = || LayerOutcome::LayerFailed(failure(Retry::After(None)));
    let before = Standing { attempts: MAX_ATTEMPTS - 2, ..outstanding() };
    assert!(matches!(decide(&before, &result(0, died()), NOW), Change::Again { .. }));
    let last = Standing { attempts: MAX_ATTEMPTS - 1, ..outstanding() };
    let change = decide(&last, &result(0, died()), NOW);
    assert!(matches!(change, Change::Ended { state: LayerState::Quarantined, .. }), "{change:?}");
}

#[test]
fn interruptions_are_counted_apart_and_generously() {
    let stopped = || LayerOutcome::Interrupted("the worker stops".into());
    let change = decide(&outstanding(), &result(0, stopped()), NOW);
    assert!(
        matches!(change, Change::Again { attempts: 0, interruptions: 1, next_at: NOW, .. }),
        "{change:?}"
    );
    let last = Standing { interruptions: MAX_INTERRUPTIONS - 1, ..outstanding() };
    let change = decide(&last, &result(0, stopped()), NOW);
    assert!(matches!(change, Change::Ended { state: LayerState::Quarantined, .. }), "{change:?}");
}

#[test]
fn bytes_that_cannot_be_read_are_not_read_again() {
    let change = decide(&outstanding(), &result(0, LayerOutcome::LayerFailed(failure(Retry::Never))), NOW);
    assert!(matches!(change, Change::Ended { state: LayerState::Failed, .. }), "{change:?}");
}

proptest! {
    #[test]
    fn pauses_grow_and_stay_bounded(before in 0_u32..u32::MAX, asked in proptest::option::of(0_u64..u64::MAX)) {
        let pause_ms = pause(before, asked.map(Duration::from_millis));
        prop_assert!((FIRST_PAUSE_MS..=LONGEST_ASKED_MS).contains(&pause_ms));
        prop_assert!(pause(before.saturating_add(1), None) >= pause(before, None));
    }
}
