//! What the state knows, as messages.

mod crawls;

use plimsoll_proto::v1;
use plimsoll_state::{Progress, Scan, Verdict};
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, Failure, Lane, ScanId, ScanRequest, ScanState};

use crate::clock::timestamp;

pub(crate) use crawls::{crawl, crawl_progress, tag_span};

/// A scan with its progress.
pub(crate) fn progress(progress: &Progress) -> v1::Scan {
    v1::Scan {
        targets_total: progress.targets,
        verdicts: progress.verdicts.iter().map(verdict).collect(),
        layers_total: progress.layers,
        layers_settled: progress.layers_settled,
        ..scan(&progress.scan)
    }
}

/// A scan without its progress.
pub(crate) fn scan(scan: &Scan) -> v1::Scan {
    v1::Scan {
        state: state(scan.state).into(),
        ended_at: scan.ended_at.map(timestamp),
        index_digest: text(scan.index.as_ref()),
        status: scan.status.map_or(v1::VerdictStatus::Unspecified, status).into(),
        failure: scan.failure.as_ref().map(failure),
        ..submitted(scan.id, &scan.request, scan.submitted_at)
    }
}

/// A scan that was accepted a moment ago.
pub(crate) fn submitted(id: ScanId, request: &ScanRequest, now: i64) -> v1::Scan {
    v1::Scan {
        id: id.to_string(),
        reference: request.reference.clone(),
        state: v1::ScanState::Submitted.into(),
        lane: lane(request.lane).into(),
        submitted_at: Some(timestamp(now)),
        deadline: request.deadline.map(timestamp),
        labels: request.labels.clone(),
        ..v1::Scan::default()
    }
}

/// A verdict without its document.
pub(crate) fn verdict(verdict: &Verdict) -> v1::Verdict {
    v1::Verdict {
        status: status(verdict.verdict.status).into(),
        reference: verdict.reference.clone(),
        platform: verdict.platform.to_string(),
        manifest_digest: verdict.manifest.to_string(),
        index_digest: text(verdict.index.as_ref()),
        policy_digest: text(verdict.verdict.policy.as_ref()),
        knowledge_digest: text(verdict.verdict.knowledge.as_ref()),
        document_digest: verdict.verdict.document.to_string(),
        evaluated_at: Some(timestamp(verdict.verdict.evaluated_at)),
        judged_at: Some(timestamp(verdict.judged_at)),
        scan_id: verdict.target.scan.to_string(),
        layers_known: verdict.verdict.layers_known,
        layers_total: verdict.verdict.layers,
        document: bytes::Bytes::new(),
    }
}

/// A status.
pub(crate) fn status(status: VerdictStatus) -> v1::VerdictStatus {
    match status {
        VerdictStatus::Pass => v1::VerdictStatus::Pass,
        VerdictStatus::Warn => v1::VerdictStatus::Warn,
        VerdictStatus::Fail => v1::VerdictStatus::Fail,
        VerdictStatus::NotJudged => v1::VerdictStatus::NotJudged,
    }
}

fn state(state: ScanState) -> v1::ScanState {
    match state {
        ScanState::Submitted => v1::ScanState::Submitted,
        ScanState::Analyzing => v1::ScanState::Analyzing,
        ScanState::Judged => v1::ScanState::Judged,
        ScanState::Failed => v1::ScanState::Failed,
        ScanState::Gone => v1::ScanState::Gone,
        ScanState::Cancelled => v1::ScanState::Cancelled,
    }
}

fn lane(lane: Lane) -> v1::Lane {
    match lane {
        Lane::Interactive => v1::Lane::Interactive,
        Lane::Push => v1::Lane::Push,
        Lane::Backfill => v1::Lane::Backfill,
    }
}

fn failure(failure: &Failure) -> v1::Failure {
    v1::Failure { kind: failure.kind.clone(), message: failure.message.clone(), retryable: failure.retryable }
}

fn text(digest: Option<&Digest>) -> String {
    digest.map(ToString::to_string).unwrap_or_default()
}
