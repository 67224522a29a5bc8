//! Crawls and tags, as messages.

use plimsoll_proto::v1;
use plimsoll_state::{Crawl, CrawlProgress, TagSpan};
use plimsoll_types::{CrawlRequest, CrawlState};

use super::{failure, lane, state, status};
use crate::clock::timestamp;

/// A crawl with its progress.
pub(crate) fn crawl_progress(found: &CrawlProgress) -> v1::Crawl {
    let CrawlProgress { planned, actual, .. } = found;
    let scans = found.scans.iter().map(|one| v1::ScanCount {
        lane: lane(one.lane).into(),
        state: state(one.state).into(),
        status: one.status.map_or(v1::VerdictStatus::Unspecified, status).into(),
        count: one.count,
    });
    let failures = found.failures.iter().map(|one| v1::FailureCount {
        kind: one.kind.clone(),
        count: one.count,
        example: one.example.clone(),
    });
    let progress = v1::CrawlProgress {
        images: found.images,
        images_asked: found.asked,
        not_images: found.not_images,
        planned: Some(v1::CrawlPlan {
            layers: planned.layers,
            bytes: planned.bytes,
            layer_uses: planned.layer_uses,
            bytes_of_uses: planned.bytes_of_uses,
            known_layers: planned.known_layers,
            known_bytes: planned.known_bytes,
        }),
        actual: Some(v1::CrawlActual {
            layers: actual.layers,
            bytes: actual.bytes,
            failed_layers: actual.failed_layers,
            settled_at: actual.settled_at.map(timestamp),
        }),
        scans: scans.collect(),
        failures: failures.collect(),
        bytes_per_second: found.bytes_per_second.unwrap_or_default(),
    };
    v1::Crawl { progress: Some(progress), ..crawl(&found.crawl) }
}

/// A crawl without its progress.
pub(crate) fn crawl(crawl: &Crawl) -> v1::Crawl {
    v1::Crawl {
        id: crawl.id.to_string(),
        registry: crawl.request.registry.clone(),
        filter: Some(filter(&crawl.request)),
        plan_only: crawl.request.plan_only,
        schedule: crawl.schedule.clone().unwrap_or_default(),
        state: crawl_state(crawl.state).into(),
        started_at: Some(timestamp(crawl.started_at)),
        ended_at: crawl.ended_at.map(timestamp),
        repositories: crawl.repositories,
        tags: crawl.tags,
        failure: crawl.failure.as_ref().map(failure),
        progress: None,
    }
}

fn filter(request: &CrawlRequest) -> v1::CrawlFilter {
    v1::CrawlFilter {
        repositories: request.repositories.clone(),
        include: request.include.clone(),
        exclude: request.exclude.clone(),
        newest: request.newest.unwrap_or_default(),
        max_age_seconds: request.max_age.map_or(0, |age| age.cast_unsigned() / 1000),
        max_tags: request.max_tags.unwrap_or_default(),
    }
}

fn crawl_state(state: CrawlState) -> v1::CrawlState {
    match state {
        CrawlState::Running => v1::CrawlState::Running,
        CrawlState::Done => v1::CrawlState::Done,
        CrawlState::Failed => v1::CrawlState::Failed,
        CrawlState::Cancelled => v1::CrawlState::Cancelled,
    }
}

/// What a tag named for a time.
pub(crate) fn tag_span(span: &TagSpan) -> v1::TagSpan {
    v1::TagSpan {
        tag: span.tag.clone(),
        digest: span.digest.to_string(),
        first_seen: Some(timestamp(span.first_seen)),
        last_seen: Some(timestamp(span.last_seen)),
        gone_at: span.gone_at.map(timestamp),
    }
}
