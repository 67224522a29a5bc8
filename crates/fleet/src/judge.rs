//! The inventory becomes a verdict.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_knowledge::Snapshot;
use plimsoll_policy::{Allowlist, Input, Policy, evaluate, judged_by};
use plimsoll_types::BlindKind;
use plimsoll_types::report::{Coverage, Image, Layer, Report, ReportError, SCHEMA, Verdict, VerdictStatus};

use crate::Error;
use crate::fold::Folded;
use crate::plan::{LayerState, Plan, PlannedLayer};
use crate::resolve::Resolved;
use crate::unseen::{self, Known};

/// What an image is judged by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The knowledge snapshot, if there is one.
    pub knowledge: Option<&'a Snapshot>,
    /// The policy.
    pub policy: &'a Policy,
    /// Allowlists besides the policy's own.
    pub allowlists: &'a [Allowlist],
    /// Blind spots the user accepts.
    pub allow_blind: &'a [BlindKind],
    /// The instant the verdict holds for.
    pub now: Timestamp,
}

/// Matches, judges and reports. Pure: the same arguments give the same report.
///
/// Distro and packages move out of `folded` into the report. The rest, the files above all, is left to the caller,
/// who can free it when nobody waits any more.
pub fn judge(
    reference: &str,
    image: &Resolved,
    plan: &Plan,
    folded: &mut Folded,
    rules: &Rules<'_>,
) -> Result<Report, Error> {
    let Folded { inventory, layers } = folded;
    let known = Known::of(inventory, rules.knowledge, rules.now)?;
    let mut vulnerabilities = known.vulnerabilities;
    let mut blind_spots = image.blind_spots.clone();
    blind_spots.extend(known.blind_spots);
    blind_spots.extend(unseen::empty(inventory));
    blind_spots.extend(inventory.blind_spots.iter().cloned());
    blind_spots.sort();
    blind_spots.dedup();
    let described = describe(reference, image, plan, layers);
    let evaluation = evaluate(
        rules.policy,
        rules.allowlists,
        &Input {
            inventory,
            vulnerabilities: &vulnerabilities,
            blind_spots: &blind_spots,
            knowledge: &known.ages,
            config: &image.config,
            image: &described,
            now: rules.now,
            allow_blind: rules.allow_blind,
        },
    );
    vulnerabilities.sort_by(|a, b| (&a.id, &a.package_id).cmp(&(&b.id, &b.package_id)));
    Ok(Report {
        schema: SCHEMA.to_owned(),
        image: Some(described),
        distro: inventory.distro.take(),
        packages: std::mem::take(&mut inventory.packages),
        vulnerabilities,
        coverage: Coverage { blind_spots },
        verdict: Verdict {
            status: evaluation.status,
            exit_code: evaluation.status.exit_code(),
            reasons: evaluation.reasons,
            policy_digest: Some(judged_by(rules.policy, rules.allowlists)),
            knowledge_digest: rules.knowledge.map(Snapshot::digest),
            evaluated_at: rules.now.to_string(),
        },
        error: None,
        timings: BTreeMap::new(),
    })
}

/// The report of an image whose deadline came before all of its layers were known, and `why` for a person.
pub fn not_judged_in_time(
    reference: &str,
    image: &Resolved,
    plan: &Plan,
    rules: &Rules<'_>,
    why: String,
) -> Report {
    let verified = |layer: &PlannedLayer| layer.link.map(|link| (link.diff_id, link.uncompressed_size));
    let verified: Vec<_> = plan.layers.iter().map(verified).collect();
    let mut blind_spots = image.blind_spots.clone();
    blind_spots.sort();
    let status = VerdictStatus::NotJudged;
    Report {
        schema: SCHEMA.to_owned(),
        image: Some(describe(reference, image, plan, &verified)),
        distro: None,
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        coverage: Coverage { blind_spots },
        verdict: Verdict {
            status,
            exit_code: status.exit_code(),
            reasons: Vec::new(),
            policy_digest: Some(judged_by(rules.policy, rules.allowlists)),
            knowledge_digest: rules.knowledge.map(Snapshot::digest),
            evaluated_at: rules.now.to_string(),
        },
        error: Some(ReportError { kind: "deadline".to_owned(), retryable: true, message: why }),
        timings: BTreeMap::new(),
    }
}

fn describe(
    reference: &str,
    image: &Resolved,
    plan: &Plan,
    verified: &[Option<(plimsoll_types::Digest, u64)>],
) -> Image {
    let history = image.config.layer_history(plan.layers.len());
    let layers = plan.layers.iter().zip(verified).zip(history).enumerate().map(
        |(index, ((layer, verified), line))| Layer {
            index: index as u32,
            digest: layer.descriptor.digest,
            diff_id: verified.map(|(diff_id, _)| diff_id),
            media_type: layer.descriptor.media_type.clone(),
            size: layer.descriptor.size,
            uncompressed_size: verified.map(|(_, size)| size),
            created_by: line.and_then(|line| line.created_by.clone()),
            known: matches!(layer.state, LayerState::Known | LayerState::Unverified),
        },
    );
    Image {
        reference: reference.to_owned(),
        digest: Some(image.digest),
        platform: Some(image.platform.clone()),
        other_platforms: image.other_platforms.clone(),
        config_digest: Some(image.manifest.config.digest),
        layers: layers.collect(),
    }
}
