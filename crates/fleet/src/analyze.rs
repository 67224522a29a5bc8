//! Reading outstanding layers: pull, verify, analyze, store.

use std::io::{self, BufRead};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use plimsoll_analyze::{Finished, LayerRun};
use plimsoll_layer::{EntrySink, Expected, Verified, read_layer};
use plimsoll_oci::Source;
use plimsoll_proto::{BlobLink, encode_blob_link, encode_index, encode_packages};
use plimsoll_store::Key;
use plimsoll_types::{Descriptor, Evidence, EvidenceGroup, FileEntry};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::blob_reader::{BlobReader, pump};
use crate::keep::keep;
use crate::plan::{LayerState, Plan, PlannedLayer};
use crate::{Engine, Error, Event, Progress};

/// Reads every outstanding layer of a plan, some at a time. The first failure ends it; what other layers had
/// put into the store by then stays there.
pub async fn analyze(
    engine: &Engine,
    source: Arc<dyn Source>,
    plan: &Plan,
    progress: Arc<Progress>,
) -> Result<(), Error> {
    let outstanding = plan.outstanding();
    progress(Event::Planned {
        layers: plan.distinct(),
        outstanding: outstanding.len(),
        bytes: outstanding.iter().map(|layer| layer.descriptor.size).sum(),
    });
    let slots = Arc::new(Semaphore::new(engine.slots));
    let mut jobs = JoinSet::new();
    for layer in outstanding {
        let (engine, source, progress) = (engine.clone(), Arc::clone(&source), Arc::clone(&progress));
        let (layer, slots) = (layer.clone(), Arc::clone(&slots));
        jobs.spawn(async move {
            // The semaphore is never closed, so there is always a permit to wait for.
            let _permit = slots.acquire_owned().await;
            read(&engine, source, &layer, progress).await
        });
    }
    while let Some(job) = jobs.join_next().await {
        match job {
            Ok(result) => result?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only dropping the set cancels its jobs.
            Err(_) => {}
        }
    }
    Ok(())
}

/// Reads one layer and stores its evidence, then the link that makes it known.
pub async fn read(
    engine: &Engine,
    source: Arc<dyn Source>,
    layer: &PlannedLayer,
    progress: Arc<Progress>,
) -> Result<(), Error> {
    let pull = Pull {
        runtime: Handle::current(),
        source,
        blob: layer.descriptor.clone(),
        progress: Arc::clone(&progress),
    };
    let verified = if layer.state == LayerState::Unverified {
        blocking(engine, layer, move |engine, expected| {
            Ok(read_layer(pull.open()?, expected, &engine.limits.layer, &mut Nobody)?)
        })
        .await?
    } else {
        let (verified, index, packages) = blocking(engine, layer, move |engine, expected| {
            let (verified, evidence) = analyzed(engine, &pull, expected)?;
            Ok((verified, encode_index(&evidence.index), encode_packages(&evidence.packages)))
        })
        .await?;
        // Evidence before the link: what a link points at is always there.
        for (group, bytes) in [(EvidenceGroup::Index, index), (EvidenceGroup::Packages, packages)] {
            keep(engine, &engine.evidence_key(verified.diff_id, group), bytes.into()).await?;
        }
        verified
    };
    let link = BlobLink {
        diff_id: verified.diff_id,
        size: verified.size,
        uncompressed_size: verified.uncompressed_size,
    };
    keep(engine, &Key::BlobLink(verified.digest), encode_blob_link(&link).into()).await?;
    progress(Event::Analyzed { layer: layer.descriptor.digest });
    Ok(())
}

/// Pulls a layer as often as it is needed, from a blocking thread.
struct Pull {
    runtime: Handle,
    source: Arc<dyn Source>,
    blob: Descriptor,
    progress: Arc<Progress>,
}

impl Pull {
    fn open(&self) -> Result<BlobReader, Error> {
        let stream = self.runtime.block_on(self.source.blob(&self.blob))?;
        Ok(pump(&self.runtime, stream, self.blob.digest, Arc::clone(&self.progress)))
    }
}

/// One run over the layer, and a second one where a hard link asks for it.
fn analyzed(engine: &Engine, pull: &Pull, expected: &Expected) -> Result<(Verified, Evidence), Error> {
    let limits = &engine.limits.layer;
    let mut run = LayerRun::new(&engine.analyzers, &engine.limits.analyze);
    let verified = read_layer(pull.open()?, expected, limits, &mut run)?;
    let evidence = match run.finish(verified.diff_id, verified.uncompressed_size) {
        Finished::Done(evidence) => evidence,
        Finished::Reread(mut again) => {
            read_layer(pull.open()?, expected, limits, &mut *again)?;
            again.finish()
        }
    };
    Ok((verified, evidence))
}

fn expected(layer: &PlannedLayer) -> Expected {
    Expected {
        digest: layer.descriptor.digest,
        size: Some(layer.descriptor.size),
        diff_id: Some(layer.claimed_diff_id),
    }
}

/// Takes in nothing: for a layer that only has to be verified.
struct Nobody;

impl EntrySink for Nobody {
    fn entry(&mut self, _entry: FileEntry, _body: &mut dyn BufRead) -> io::Result<()> {
        Ok(())
    }

    fn ambiguity(&mut self, _message: String) {}
}

/// Runs the blocking work of one layer on a thread of its own; a panic is that layer's failure.
async fn blocking<T: Send + 'static>(
    engine: &Engine,
    layer: &PlannedLayer,
    work: impl FnOnce(&Engine, &Expected) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (engine, expected) = (engine.clone(), expected(layer));
    let layer = expected.digest;
    let done =
        tokio::task::spawn_blocking(move || catch_unwind(AssertUnwindSafe(|| work(&engine, &expected))));
    match done.await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(Error::Panicked { layer, message: panic_text(&*panic) }),
        Err(join) => Err(Error::Panicked { layer, message: join.to_string() }),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
