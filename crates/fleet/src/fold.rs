//! The evidence of all layers becomes one inventory.

use std::sync::Arc;

use plimsoll_store::Key;
use plimsoll_types::{Digest, Evidence, EvidenceGroup, IndexEvidence, Inventory, PackagesEvidence};

use crate::engine::evidence_key;
use crate::evidence::{Trouble, evidence};
use crate::plan::{LayerState, Plan, blob_link};
use crate::{Engine, Error};

/// The inventory of an image and what the pulls have verified of its layers.
#[derive(Debug)]
pub struct Folded {
    /// The merged view.
    pub inventory: Inventory,
    /// diff_id and uncompressed size per layer, as the plan lists them; none for an encrypted one.
    pub layers: Vec<Option<(Digest, u64)>>,
}

/// Reads the evidence of every layer of a plan that has been carried out, and merges it.
///
/// Damaged evidence is removed from the store and named in the error; planning and analyzing again mends it.
pub async fn fold(engine: &Engine, plan: &Plan) -> Result<Folded, Error> {
    let mut layers = Vec::with_capacity(plan.layers.len());
    let mut jobs = Vec::with_capacity(plan.layers.len());
    for layer in &plan.layers {
        if layer.state == LayerState::Encrypted {
            layers.push(None);
            jobs.push(None);
            continue;
        }
        let link = match (layer.state, layer.link) {
            (LayerState::Known, Some(link)) => link,
            _ => blob_link(engine, layer.descriptor.digest)
                .await?
                .ok_or_else(|| Error::Vanished { key: Key::BlobLink(layer.descriptor.digest).path() })?,
        };
        layers.push(Some((link.diff_id, link.uncompressed_size)));
        let (engine, fingerprints) = (engine.clone(), layer.fingerprints);
        jobs.push(Some(tokio::spawn(async move { evidence(&engine, link.diff_id, fingerprints).await })));
    }
    let mut read = Vec::with_capacity(jobs.len());
    let mut damaged = None;
    for ((job, layer), planned) in jobs.into_iter().zip(&layers).zip(&plan.layers) {
        let (Some(job), Some((diff_id, _))) = (job, layer) else {
            read.push(Arc::new(nothing()));
            continue;
        };
        match job.await {
            Ok(Ok(evidence)) => read.push(evidence),
            Ok(Err(Trouble::Missing(error))) => return Err(error),
            Ok(Err(Trouble::Damaged(group, source))) => {
                // Damage seldom comes alone: all of it goes at once, so that one more attempt mends it.
                let key = |group| evidence_key(&planned.fingerprints, *diff_id, group);
                for group in EvidenceGroup::ALL {
                    engine.store.delete(&key(*group)).await?;
                }
                let key = key(group).path();
                damaged = damaged.or(Some(Error::Damaged { key, source }));
            }
            Err(join) => return Err(Error::Panicked { layer: *diff_id, message: join.to_string() }),
        }
    }
    if let Some(error) = damaged {
        return Err(error);
    }
    let folded = tokio::task::spawn_blocking(move || plimsoll_inventory::fold_shared(&read)).await;
    let inventory = folded.map_err(|join| Error::Panicked {
        layer: layers
            .iter()
            .flatten()
            .next_back()
            .map_or(Digest::from_bytes([0; 32]), |(diff_id, _)| *diff_id),
        message: join.to_string(),
    })?;
    Ok(Folded { inventory, layers })
}

/// What a layer nobody can read contributes.
fn nothing() -> Evidence {
    let diff_id = Digest::from_bytes([0; 32]);
    Evidence {
        index: IndexEvidence {
            diff_id,
            uncompressed_size: 0,
            entries: Vec::new(),
            kept: Vec::new(),
            ambiguities: Vec::new(),
        },
        packages: PackagesEvidence { diff_id, sections: Vec::new() },
    }
}
