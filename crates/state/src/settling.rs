//! What a result does to a layer: a pure decision, the same for every dialect.

use std::time::Duration;

use plimsoll_types::{Failure, LayerFailure, LayerOutcome, LayerResult, Retry};

use crate::{KnownLayer, LayerState};

/// After so many failed attempts on verified bytes a layer is quarantined.
pub const MAX_ATTEMPTS: u32 = 5;
/// After so many failures in a row a source is dropped.
pub const MAX_SOURCE_ATTEMPTS: u32 = 8;
/// After so many attempts that were ended from outside a layer is quarantined: a layer that takes its worker with it, every
/// time, looks like this.
pub const MAX_INTERRUPTIONS: u32 = 50;

const FIRST_PAUSE_MS: i64 = 1_000;
const LONGEST_PAUSE_MS: i64 = 5 * 60_000;
/// What is asked of us with Retry-After is obeyed up to a day.
const LONGEST_ASKED_MS: i64 = 24 * 60 * 60_000;

/// What of a layer's row matters to a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) state: LayerState,
    pub(crate) attempts: u32,
    pub(crate) interruptions: u32,
    /// The highest attempt that was counted, or -1.
    pub(crate) counted: i64,
    /// Sources that are not dropped.
    pub(crate) sources: u32,
    /// Attempts of the source the result is about; `None` if it is not among those that are not dropped.
    pub(crate) source_attempts: Option<u32>,
    /// Whether another tenant has a row for the same blob.
    pub(crate) shared: bool,
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: it was counted before.
    Ignored,
    /// Nothing: it is settled.
    Settled(LayerState),
    /// Evidence is there.
    Done(KnownLayer),
    /// Settled badly. Drops the source the result is about, if there is one.
    Ended { state: LayerState, failure: Failure },
    /// Another attempt.
    Again { attempts: u32, interruptions: u32, source: Source, failure: Failure, next_at: i64 },
}

/// What becomes of the source a result is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Untouched,
    Failed { attempts: u32 },
    Dropped,
}

/// Decides.
pub(crate) fn decide(standing: &Standing, result: &LayerResult, now: i64) -> Change {
    if standing.state.is_settled() {
        return Change::Settled(standing.state);
    }
    if let LayerOutcome::Done(done) = &result.outcome
        && !(standing.shared && done.pulled_bytes == 0)
    {
        return Change::Done(KnownLayer::from(done));
    }
    if i64::from(result.attempt) <= standing.counted {
        return Change::Ignored;
    }
    match &result.outcome {
        // Found in the store, where another tenant may have brought it since the job was published: this tenant has
        // yet to show that it may have it. The next job says so.
        LayerOutcome::Done(_) => interrupted(standing, "what is in the store may be another tenant's", now),
        LayerOutcome::SourceFailed { failure, .. } => source_failed(standing, failure, now),
        LayerOutcome::LayerFailed(failure) => layer_failed(standing, failure, now),
        LayerOutcome::Interrupted(reason) => interrupted(standing, reason, now),
    }
}

fn source_failed(standing: &Standing, failure: &LayerFailure, now: i64) -> Change {
    let Standing { attempts, interruptions, .. } = *standing;
    let again = |source, next_at| Change::Again {
        attempts,
        interruptions,
        source,
        failure: failure_of(failure),
        next_at,
    };
    let (source, left) = match (failure.retry, standing.source_attempts) {
        // A source that was dropped meanwhile says nothing new.
        (_, None) => (Source::Untouched, standing.sources),
        (Retry::After(asked), Some(before)) if before + 1 < MAX_SOURCE_ATTEMPTS => {
            let failed = Source::Failed { attempts: before + 1 };
            return again(failed, now.saturating_add(pause(before, asked)));
        }
        _ => (Source::Dropped, standing.sources.saturating_sub(1)),
    };
    match left {
        0 => Change::Ended { state: LayerState::Gone, failure: failure_of(failure) },
        _ => again(source, now),
    }
}

fn layer_failed(standing: &Standing, failure: &LayerFailure, now: i64) -> Change {
    let ended = |state| Change::Ended { state, failure: failure_of(failure) };
    match failure.retry {
        Retry::Never => ended(LayerState::Failed),
        Retry::After(_) if standing.attempts + 1 >= MAX_ATTEMPTS => ended(LayerState::Quarantined),
        Retry::After(asked) => Change::Again {
            attempts: standing.attempts + 1,
            interruptions: standing.interruptions,
            source: Source::Untouched,
            failure: failure_of(failure),
            next_at: now.saturating_add(pause(standing.attempts, asked)),
        },
    }
}

fn interrupted(standing: &Standing, reason: &str, now: i64) -> Change {
    let failure = Failure::passing("interrupted", reason);
    if standing.interruptions + 1 >= MAX_INTERRUPTIONS {
        return Change::Ended { state: LayerState::Quarantined, failure };
    }
    // The first interruptions are somebody's upgrade: the layer goes on at once.
    let next_at = now.saturating_add(pause(standing.interruptions / 4, None) - FIRST_PAUSE_MS);
    Change::Again {
        attempts: standing.attempts,
        interruptions: standing.interruptions + 1,
        source: Source::Untouched,
        failure,
        next_at,
    }
}

fn failure_of(failure: &LayerFailure) -> Failure {
    Failure {
        kind: failure.kind.clone(),
        message: failure.message.clone(),
        retryable: failure.retry.is_retryable(),
    }
}

/// Milliseconds after so many failures before this one: doubling, bounded, and never less than was asked for.
fn pause(before: u32, asked: Option<Duration>) -> i64 {
    let doubled = FIRST_PAUSE_MS << before.min(20);
    let asked = asked.map_or(0, |asked| i64::try_from(asked.as_millis()).unwrap_or(i64::MAX));
    doubled.min(LONGEST_PAUSE_MS).max(asked.min(LONGEST_ASKED_MS))
}

#[cfg(test)]
mod tests;
