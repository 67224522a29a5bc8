//! Jobs and results on the queues. A message a version does not understand is an error, never a guess.

use std::time::Duration;

use plimsoll_types::{LayerDone, LayerFailure, LayerJob, LayerOutcome, LayerResult, LayerSource, Retry};
use prost::Message as _;

use crate::pb::fleet::{self as pb, layer_result};
use crate::{CodecError, column};

/// The bytes of a job.
pub fn encode_layer_job(job: &LayerJob) -> Vec<u8> {
    pb::LayerJob {
        digest: job.digest.as_bytes().to_vec().into(),
        size: job.size,
        media_type: job.media_type.clone(),
        claimed_diff_id: job.claimed_diff_id.as_bytes().to_vec().into(),
        sources: job.sources.iter().map(source_out).collect(),
        attempt: job.attempt,
    }
    .encode_to_vec()
}

/// The job in `bytes`. The caller bounds their length.
pub fn decode_layer_job(bytes: &[u8]) -> Result<LayerJob, CodecError> {
    let job = pb::LayerJob::decode(bytes)?;
    if job.sources.is_empty() {
        return Err(CodecError::column("sources", "a job without a source"));
    }
    Ok(LayerJob {
        digest: column::digest("digest", &job.digest)?,
        size: job.size,
        media_type: job.media_type,
        claimed_diff_id: column::digest("claimed_diff_id", &job.claimed_diff_id)?,
        sources: job.sources.into_iter().map(source_in).collect(),
        attempt: job.attempt,
    })
}

/// The bytes of a result.
pub fn encode_layer_result(result: &LayerResult) -> Vec<u8> {
    use layer_result::Outcome;
    let outcome = match &result.outcome {
        LayerOutcome::Done(done) => Outcome::Done(layer_result::Done {
            diff_id: done.diff_id.as_bytes().to_vec().into(),
            uncompressed_size: done.uncompressed_size,
            index_fingerprint: done.index.as_bytes().to_vec().into(),
            packages_fingerprint: done.packages.as_bytes().to_vec().into(),
            pulled_bytes: done.pulled_bytes,
        }),
        LayerOutcome::SourceFailed { source, failure } => Outcome::SourceFailed(layer_result::SourceFailed {
            source: Some(source_out(source)),
            failure: Some(failure_out(failure)),
        }),
        LayerOutcome::LayerFailed(failure) => Outcome::LayerFailed(failure_out(failure)),
        LayerOutcome::Interrupted(reason) => {
            Outcome::Interrupted(layer_result::Interrupted { reason: reason.clone() })
        }
    };
    pb::LayerResult {
        digest: result.digest.as_bytes().to_vec().into(),
        attempt: result.attempt,
        outcome: Some(outcome),
        elapsed_ms: milliseconds(result.elapsed),
    }
    .encode_to_vec()
}

/// The result in `bytes`. The caller bounds their length.
pub fn decode_layer_result(bytes: &[u8]) -> Result<LayerResult, CodecError> {
    use layer_result::Outcome;
    let result = pb::LayerResult::decode(bytes)?;
    let missing = |column| CodecError::column(column, "missing, or of a newer version");
    let outcome = match result.outcome.ok_or_else(|| missing("outcome"))? {
        Outcome::Done(done) => LayerOutcome::Done(LayerDone {
            diff_id: column::digest("diff_id", &done.diff_id)?,
            uncompressed_size: done.uncompressed_size,
            index: column::digest("index_fingerprint", &done.index_fingerprint)?,
            packages: column::digest("packages_fingerprint", &done.packages_fingerprint)?,
            pulled_bytes: done.pulled_bytes,
        }),
        Outcome::SourceFailed(failed) => LayerOutcome::SourceFailed {
            source: source_in(failed.source.ok_or_else(|| missing("source"))?),
            failure: failure_in(failed.failure.ok_or_else(|| missing("failure"))?),
        },
        Outcome::LayerFailed(failure) => LayerOutcome::LayerFailed(failure_in(failure)),
        Outcome::Interrupted(interrupted) => LayerOutcome::Interrupted(interrupted.reason),
    };
    Ok(LayerResult {
        digest: column::digest("digest", &result.digest)?,
        attempt: result.attempt,
        outcome,
        elapsed: Duration::from_millis(result.elapsed_ms),
    })
}

fn source_out(source: &LayerSource) -> pb::LayerSource {
    pb::LayerSource {
        registry: source.registry.clone(),
        repository: source.repository.clone(),
        tenant: source.tenant.clone(),
        credential: source.credential.clone().unwrap_or_default(),
        plain_http: source.plain_http,
    }
}

fn source_in(source: pb::LayerSource) -> LayerSource {
    LayerSource {
        registry: source.registry,
        repository: source.repository,
        tenant: source.tenant,
        credential: Some(source.credential).filter(|name| !name.is_empty()),
        plain_http: source.plain_http,
    }
}

fn failure_out(failure: &LayerFailure) -> layer_result::Failed {
    let wait = match failure.retry {
        Retry::After(Some(wait)) => wait,
        Retry::After(None) | Retry::Never => Duration::ZERO,
    };
    layer_result::Failed {
        kind: failure.kind.clone(),
        message: failure.message.clone(),
        retryable: failure.retry.is_retryable(),
        retry_after_ms: milliseconds(wait),
    }
}

fn failure_in(failure: layer_result::Failed) -> LayerFailure {
    let retry = match (failure.retryable, failure.retry_after_ms) {
        (false, _) => Retry::Never,
        (true, 0) => Retry::After(None),
        (true, wait) => Retry::After(Some(Duration::from_millis(wait))),
    };
    LayerFailure { kind: failure.kind, message: failure.message, retry }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use plimsoll_types::Digest;
    use proptest::prelude::*;

    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    fn source(credential: Option<&str>) -> LayerSource {
        LayerSource {
            registry: "registry.example:5000".into(),
            repository: "team/app".into(),
            tenant: "default".into(),
            credential: credential.map(str::to_owned),
            plain_http: true,
        }
    }

    fn job() -> LayerJob {
        LayerJob {
            digest: digest(1),
            size: u64::MAX,
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
            claimed_diff_id: digest(2),
            sources: vec![source(None), source(Some("ecr"))],
            attempt: 3,
        }
    }

    #[test]
    fn a_job_round_trips() {
        assert_eq!(decode_layer_job(&encode_layer_job(&job())).unwrap(), job());
    }

    #[test]
    fn every_outcome_round_trips() {
        let failure = |retry| LayerFailure { kind: "kind".into(), message: "why".into(), retry };
        let outcomes = [
            LayerOutcome::Done(LayerDone {
                diff_id: digest(3),
                uncompressed_size: 7,
                index: digest(4),
                packages: digest(5),
                pulled_bytes: 6,
            }),
            LayerOutcome::SourceFailed { source: source(Some("x")), failure: failure(Retry::Never) },
            LayerOutcome::LayerFailed(failure(Retry::After(None))),
            LayerOutcome::LayerFailed(failure(Retry::After(Some(Duration::from_secs(9))))),
            LayerOutcome::Interrupted("the worker stops".into()),
        ];
        for outcome in outcomes {
            let elapsed = Duration::from_millis(1234);
            let result = LayerResult { digest: digest(1), attempt: 2, outcome, elapsed };
            assert_eq!(decode_layer_result(&encode_layer_result(&result)).unwrap(), result);
        }
    }

    #[test]
    fn a_job_nobody_can_pull_and_an_outcome_of_a_newer_version_are_refused() {
        let orphan = LayerJob { sources: Vec::new(), ..job() };
        assert!(matches!(
            decode_layer_job(&encode_layer_job(&orphan)),
            Err(CodecError::Column { column: "sources", .. })
        ));
        let newer = pb::LayerResult { digest: vec![1; 32].into(), ..Default::default() }.encode_to_vec();
        assert!(matches!(decode_layer_result(&newer), Err(CodecError::Column { column: "outcome", .. })));
    }

    proptest! {
        #[test]
        fn strange_bytes_are_an_error_or_a_message(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(job) = decode_layer_job(&bytes) {
                prop_assert_eq!(decode_layer_job(&encode_layer_job(&job)).unwrap(), job);
            }
            let _ = decode_layer_result(&bytes);
        }
    }
}
