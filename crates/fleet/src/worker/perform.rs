//! What a worker does with one job: look into the store, pull, verify, analyze, store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_state::Fingerprints;
use plimsoll_types::{Descriptor, Digest, LayerDone, LayerFailure, LayerJob, LayerOutcome, LayerSource};
use tracing::Instrument as _;

use crate::analyze;
use crate::plan::{LayerState, PlannedLayer, blob_link, has_evidence};
use crate::registries::Registries;
use crate::{Engine, Error, Event};

/// Does a job. Every failure is an outcome: what it says of the layer, of its source, or of neither.
///
/// The sources are tried in order until one of them brings the blob. If the layer is `shared`, the store may have it
/// from another tenant: then it is pulled and verified, though not analyzed again.
pub async fn perform(engine: &Engine, registries: &Registries, job: &LayerJob, shared: bool) -> LayerOutcome {
    match known(engine, job.digest).await {
        Ok(Some(done)) if !shared => return LayerOutcome::Done(done),
        Ok(_) => {}
        Err(error) => return LayerOutcome::Interrupted(error.to_string()),
    }
    let mut failed = None;
    for source in &job.sources {
        let (registry, repository) = (&source.registry, &source.repository);
        let span = tracing::info_span!("pull", registry, repository);
        let outcome = match pull(engine, registries, source, job).instrument(span).await {
            Ok(done) => return LayerOutcome::Done(done),
            Err(error) => blame(source, &error),
        };
        if !matches!(outcome, LayerOutcome::SourceFailed { .. }) {
            return outcome;
        }
        failed.get_or_insert(outcome);
    }
    failed.unwrap_or_else(|| LayerOutcome::Interrupted("the job names no source".to_owned()))
}

/// What the store has of a blob, if it is all there.
pub(crate) async fn known(engine: &Engine, blob: Digest) -> Result<Option<LayerDone>, Error> {
    let Some(link) = blob_link(engine, blob).await? else { return Ok(None) };
    if !has_evidence(engine, link.diff_id).await? {
        return Ok(None);
    }
    let Fingerprints { index, packages } = engine.fingerprints();
    let (diff_id, uncompressed_size) = (link.diff_id, link.uncompressed_size);
    Ok(Some(LayerDone { diff_id, uncompressed_size, index, packages, pulled_bytes: 0 }))
}

async fn pull(
    engine: &Engine,
    registries: &Registries,
    source: &LayerSource,
    job: &LayerJob,
) -> Result<LayerDone, Error> {
    let origin = registries.layer(source, job.digest).await?;
    let pulled = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&pulled);
    let progress: Arc<crate::Progress> = Arc::new(move |event| {
        if let Event::Pulled { bytes, .. } = event {
            counter.fetch_add(bytes, Ordering::Relaxed);
        }
    });
    let mut claimed = job.claimed_diff_id;
    loop {
        let state = if has_evidence(engine, claimed).await? {
            LayerState::Unverified
        } else {
            LayerState::Outstanding
        };
        let descriptor =
            Descriptor { media_type: job.media_type.clone(), digest: job.digest, size: job.size };
        let fingerprints = engine.fingerprints();
        let layer = PlannedLayer { descriptor, claimed_diff_id: claimed, link: None, fingerprints, state };
        match analyze::read(engine, Arc::clone(&origin), &layer, Arc::clone(&progress)).await {
            // What one image's config claims must not stand between other images and the layer: it is read as
            // what it is, and whoever judges the image finds the claim to be false.
            Err(Error::Layer(plimsoll_layer::Error::DiffIdMismatch { got, .. })) if got != claimed => {
                claimed = got;
            }
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    let done = known(engine, job.digest).await?;
    let pulled_bytes = pulled.load(Ordering::Relaxed);
    done.map(|done| LayerDone { pulled_bytes, ..done })
        .ok_or_else(|| Error::Vanished { key: plimsoll_store::Key::BlobLink(job.digest).path() })
}

/// Whose fault an error is.
fn blame(source: &LayerSource, error: &Error) -> LayerOutcome {
    use plimsoll_layer::Error as Layer;
    let failure =
        LayerFailure { kind: error.kind().to_owned(), message: error.to_string(), retry: error.retry() };
    match error {
        Error::Source(_)
        | Error::Layer(
            Layer::Read { .. } | Layer::Short { .. } | Layer::Long { .. } | Layer::DigestMismatch { .. },
        ) => LayerOutcome::SourceFailed { source: source.clone(), failure },
        Error::Layer(Layer::Memory { .. } | Layer::Sink { .. })
        | Error::Store(_)
        | Error::Damaged { .. }
        | Error::Vanished { .. } => LayerOutcome::Interrupted(failure.message),
        _ => LayerOutcome::LayerFailed(failure),
    }
}
