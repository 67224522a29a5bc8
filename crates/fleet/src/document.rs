//! The verdict document: what a verdict is, byte for byte.

use bytes::Bytes;
use plimsoll_oci::digest_of;
use plimsoll_types::report::{Coverage, Image, Report, ReportError, Verdict, Vulnerability};
use plimsoll_types::{Digest, Distro, Package};
use serde::Serialize;
use serde_json::{Value, json};

use crate::canonical;
use crate::judge::Rules;
use crate::plan::{Plan, PlannedLayer};
use crate::resolve::Resolved;

/// A verdict document and what it is stored by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Canonical JSON: keys sorted, no white space, in UTF-8.
    pub bytes: Bytes,
}

/// The document of a report: all of it but what depends on who judged, when and where, and an object `inputs` that
/// names everything the verdict was computed from by its hash.
///
/// Two processes that judge the same inputs for the same instant write the same bytes, so the first of them wins
/// and nothing is lost. What was known beforehand and how long it took are not in it.
pub fn document(
    image: &Resolved,
    plan: &Plan,
    rules: &Rules<'_>,
    report: &Report,
) -> Result<Document, serde_json::Error> {
    // Named one by one, so that whoever adds a field decides whether it is part of what a verdict is.
    let Report { schema, image: of, distro, packages, vulnerabilities, coverage, verdict, error, timings: _ } =
        report;
    let content = Content {
        schema,
        image: of.as_ref().map(unattributed).transpose()?,
        distro,
        packages,
        vulnerabilities,
        coverage,
        verdict,
        error,
        inputs: inputs(image, plan, rules),
    };
    let bytes = Bytes::from(canonical::to_vec(&content)?);
    Ok(Document { digest: digest_of(&bytes), bytes })
}

/// What a document has.
#[derive(Serialize)]
struct Content<'a> {
    schema: &'a str,
    image: Option<Value>,
    distro: &'a Option<Distro>,
    packages: &'a [Package],
    vulnerabilities: &'a [Vulnerability],
    coverage: &'a Coverage,
    verdict: &'a Verdict,
    error: &'a Option<ReportError>,
    inputs: Value,
}

/// An image without what was known of its layers beforehand.
fn unattributed(image: &Image) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(image)?;
    let layers = value.get_mut("layers").and_then(Value::as_array_mut);
    for layer in layers.into_iter().flatten().filter_map(Value::as_object_mut) {
        layer.remove("known");
    }
    Ok(value)
}

fn inputs(image: &Resolved, plan: &Plan, rules: &Rules<'_>) -> Value {
    let evidence = |layer: &PlannedLayer| {
        json!({
            "index": layer.fingerprints.index.to_string(),
            "packages": layer.fingerprints.packages.to_string(),
        })
    };
    json!({
        "index": image.index.map(|digest| digest.to_string()),
        "manifest": image.digest.to_string(),
        "config": image.manifest.config.digest.to_string(),
        "evidence": plan.layers.iter().map(evidence).collect::<Vec<_>>(),
        "knowledge": rules.knowledge.map(|snapshot| snapshot.digest().to_string()),
        "policy": rules.policy.digest().to_string(),
        "allowlists": rules.allowlists.iter().map(|list| list.digest().to_string()).collect::<Vec<_>>(),
        "allow_blind": rules.allow_blind.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "engine": env!("CARGO_PKG_VERSION"),
    })
}
