//! A verdict computed again from what its document names, and held against it byte for byte.

use plimsoll_proto::BlobLink;
use plimsoll_state::Fingerprints;
use plimsoll_store::Key;
use plimsoll_types::report::Report;
use plimsoll_types::{BlindKind, Digest};
use serde::Deserialize;

use crate::document::{Document, document};
use crate::fold::fold;
use crate::judge::{Rules, judge, not_judged_in_time};
use crate::plan::{LayerState, Plan, PlannedLayer};
use crate::resolve::{Resolved, recall};
use crate::rulebook::Rulebook;
use crate::{Engine, Error};

/// What replaying a verdict showed.
#[derive(Debug)]
pub struct Replayed {
    /// The document as it comes out today.
    pub document: Document,
    /// Whether it is the stored one, byte for byte.
    pub same: bool,
    /// The version that judged then, if it is another one than this.
    pub other_engine: Option<String>,
}

/// What a document says of its own making.
#[derive(Deserialize)]
pub(crate) struct Stored {
    pub(crate) image: Image,
    pub(crate) verdict: Verdict,
    pub(crate) inputs: Inputs,
    pub(crate) error: Option<Failed>,
}

#[derive(Deserialize)]
pub(crate) struct Image {
    pub(crate) reference: String,
    pub(crate) layers: Vec<Layer>,
}

#[derive(Deserialize)]
pub(crate) struct Layer {
    pub(crate) digest: Digest,
    pub(crate) diff_id: Option<Digest>,
    pub(crate) uncompressed_size: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct Verdict {
    pub(crate) evaluated_at: jiff::Timestamp,
}

#[derive(Deserialize)]
pub(crate) struct Failed {
    pub(crate) message: String,
}

#[derive(Deserialize)]
pub(crate) struct Inputs {
    pub(crate) index: Option<Digest>,
    pub(crate) manifest: Digest,
    pub(crate) config: Digest,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) knowledge: Option<Digest>,
    pub(crate) policy: Digest,
    pub(crate) allowlists: Vec<Digest>,
    pub(crate) allow_blind: Vec<BlindKind>,
    pub(crate) engine: String,
}

#[derive(Deserialize)]
pub(crate) struct Evidence {
    pub(crate) index: Digest,
    pub(crate) packages: Digest,
}

/// Computes the verdict with this digest again. What it was judged by comes from the store, unless `rules` have it; what
/// neither of them has is named in the error. Nothing is pulled.
pub async fn replay(engine: &Engine, verdict: Digest, rules: &Rulebook) -> Result<Replayed, Error> {
    let key = Key::Verdict(verdict);
    let vanished = || Error::Vanished { key: key.path() };
    let bytes = engine.store.get(&key, None).await?.ok_or_else(vanished)?;
    let stored: Stored = serde_json::from_slice(&bytes)?;
    let rules = rules.as_named(engine, &stored.inputs).await?;
    let image = recall(engine, stored.inputs.index, stored.inputs.manifest, stored.inputs.config).await?;
    let plan = plan(&stored, &image);
    let rules = Rules {
        knowledge: rules.knowledge.as_deref(),
        policy: &rules.policy,
        allowlists: &rules.allowlists,
        allow_blind: &stored.inputs.allow_blind,
        now: stored.verdict.evaluated_at,
    };
    let report = report(engine, &stored, &image, &plan, &rules).await?;
    let document = document(&image, &plan, &rules, &report)?;
    let this = env!("CARGO_PKG_VERSION");
    Ok(Replayed {
        same: document.bytes == bytes,
        document,
        other_engine: (stored.inputs.engine != this).then_some(stored.inputs.engine),
    })
}

async fn report(
    engine: &Engine,
    stored: &Stored,
    image: &Resolved,
    plan: &Plan,
    rules: &Rules<'_>,
) -> Result<Report, Error> {
    let reference = &stored.image.reference;
    match &stored.error {
        // The answer at a deadline depends on what was known then, which is what the document says.
        Some(failed) => Ok(not_judged_in_time(reference, image, plan, rules, failed.message.clone())),
        None => judge(reference, image, plan, &mut fold(engine, plan).await?, rules),
    }
}

fn plan(stored: &Stored, image: &Resolved) -> Plan {
    let known = stored.image.layers.iter().zip(&stored.inputs.evidence);
    let layers = image.manifest.layers.iter().zip(&image.config.diff_ids).zip(known);
    let layers = layers.map(|((descriptor, claimed), (layer, evidence))| {
        let link = layer.diff_id.map(|diff_id| BlobLink {
            diff_id,
            size: descriptor.size,
            uncompressed_size: layer.uncompressed_size.unwrap_or_default(),
        });
        PlannedLayer {
            descriptor: descriptor.clone(),
            claimed_diff_id: *claimed,
            link,
            fingerprints: Fingerprints { index: evidence.index, packages: evidence.packages },
            state: if link.is_some() { LayerState::Known } else { LayerState::Encrypted },
        }
    });
    Plan { layers: layers.collect() }
}
