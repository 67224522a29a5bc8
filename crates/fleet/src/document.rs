//! The verdict document: what a verdict is, byte for byte.

use bytes::Bytes;
use plimsoll_oci::digest_of;
use plimsoll_types::Digest;
use plimsoll_types::report::Report;
use serde_json::{Value, json};

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
    let mut value = serde_json::to_value(report)?;
    if let Some(report) = value.as_object_mut() {
        report.remove("timings");
        if let Some(layers) = report.get_mut("image").and_then(|image| image.get_mut("layers")) {
            for layer in layers.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                layer.remove("known");
            }
        }
        report.insert("inputs".to_owned(), inputs(image, plan, rules));
    }
    let mut bytes = Vec::new();
    canonical(&value, &mut bytes)?;
    let bytes = Bytes::from(bytes);
    Ok(Document { digest: digest_of(&bytes), bytes })
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

/// Writes `value` with sorted keys, however the library keeps them.
fn canonical(value: &Value, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                canonical(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (at, (name, field)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, name)?;
                out.push(b':');
                canonical(field, out)?;
            }
            out.push(b'}');
        }
        scalar => serde_json::to_writer(&mut *out, scalar)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let mut inner = Map::new();
        inner.insert("z".to_owned(), json!(1.5));
        inner.insert("a".to_owned(), json!([null, true, "x\n"]));
        let mut bytes = Vec::new();
        canonical(&json!({"b": Value::Object(inner), "B": {}}), &mut bytes).unwrap();
        assert_eq!(bytes, br#"{"B":{},"b":{"a":[null,true,"x\n"],"z":1.5}}"#);
    }
}
