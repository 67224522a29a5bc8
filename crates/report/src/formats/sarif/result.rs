//! Findings and reasons as results.

use std::collections::BTreeMap;

use plimsoll_types::Package;
use plimsoll_types::report::{Action, FindingStatus, Reason, Vulnerability};

use super::log::{
    ArtifactLocation, Level, Location, LogicalLocation, Message, PhysicalLocation, Region, ResultProperties,
    SarifResult, Suppression,
};
use super::rule::{Rules, level};
use super::{Facts, message, relative_uri};
use crate::hash::fingerprint;
use crate::sanitize::sanitize;

/// The result for a finding; none for what the vendor calls not affected.
pub(super) fn finding(found: &Vulnerability, facts: &Facts<'_>, rules: &mut Rules) -> Option<SarifResult> {
    if found.status == FindingStatus::NotAffected {
        return None;
    }
    let package = facts.packages.get(found.package_id.as_str()).copied();
    let name = package.map_or(found.package_id.as_str(), |package| package.name.as_str());
    let trigger_id = format!("{}+{name}", found.id);
    let reason = facts.reasons.get(trigger_id.as_str()).copied();
    let path = package.and_then(|package| package.locations.first()).map(String::as_str);
    let package_type = package.map_or("", |package| package.package_type.as_str());
    let (rule_id, rule_index) = rules.finding(found);
    Some(SarifResult {
        rule_id,
        rule_index,
        level: level(found.severity),
        message: Message { text: describe(found, package, name) },
        locations: [location(facts, path, &qualified_name(found, package), "package")],
        // Without the version: what is found again after an upgrade that did not help is not a new finding.
        partial_fingerprints: fingerprints(&[&found.id, package_type, name, path.unwrap_or_default()]),
        suppressions: suppressions(reason),
        properties: ResultProperties {
            action: reason.map(|reason| reason.action.as_str()),
            layer: found.layer,
            trigger_id: sanitize(&trigger_id).into_owned(),
        },
    })
}

/// The result for a reason that is not about a vulnerability.
pub(super) fn reason(reason: &Reason, facts: &Facts<'_>, rules: &mut Rules) -> SarifResult {
    let level = match reason.action {
        Action::Stop | Action::NotJudged => Level::Error,
        Action::Warn => Level::Warning,
        Action::Go => Level::Note,
    };
    let (rule_id, rule_index) = rules.trigger(reason, level);
    // The trigger ids of gates about files are paths.
    let path = reason.trigger_id.starts_with('/').then_some(reason.trigger_id.as_str());
    SarifResult {
        rule_id,
        rule_index,
        level,
        message: Message { text: message(&reason.message) },
        locations: [location(facts, path, &reason.trigger_id, "resource")],
        partial_fingerprints: fingerprints(&[&reason.gate, &reason.trigger, &reason.trigger_id]),
        suppressions: suppressions(Some(reason)),
        properties: ResultProperties {
            action: Some(reason.action.as_str()),
            layer: None,
            trigger_id: sanitize(&reason.trigger_id).into_owned(),
        },
    }
}

fn describe(found: &Vulnerability, package: Option<&Package>, name: &str) -> String {
    let version = package.map_or("", |package| package.version.as_str());
    let remedy = match (found.fixed_versions.as_slice(), found.status) {
        ([], FindingStatus::WillNotFix) => "the vendor will not fix it".to_owned(),
        ([], FindingStatus::UnderInvestigation) => "the vendor is still looking into it".to_owned(),
        ([], _) => "no fix is known".to_owned(),
        (versions, _) => format!("fixed in {}", versions.join(", ")),
    };
    message(&format!("{name} {version} has {} ({}): {remedy}", found.id, found.severity))
}

fn qualified_name(found: &Vulnerability, package: Option<&Package>) -> String {
    let purl = found.purl.as_ref().or_else(|| package.and_then(|package| package.purl.as_ref()));
    match (purl, package) {
        (Some(purl), _) => purl.to_string(),
        (None, Some(package)) => format!("{} {}", package.name, package.version),
        (None, None) => found.package_id.clone(),
    }
}

/// A file of the image, or the image itself where there is none.
fn location(facts: &Facts<'_>, path: Option<&str>, name: &str, kind: &'static str) -> Location {
    let image = facts.report.image.as_ref().map_or("image", |image| image.reference.as_str());
    let uri = path.map(relative_uri).filter(|uri| !uri.is_empty()).unwrap_or_else(|| relative_uri(image));
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri },
            region: Region { start_line: 1 },
        },
        logical_locations: [LogicalLocation { fully_qualified_name: sanitize(name).into_owned(), kind }],
    }
}

fn fingerprints(parts: &[&str]) -> BTreeMap<&'static str, String> {
    BTreeMap::from([("plimsollFinding/v1", fingerprint(parts))])
}

fn suppressions(reason: Option<&Reason>) -> Vec<Suppression> {
    let excuse = reason.and_then(|reason| reason.allowlisted.as_ref());
    excuse
        .map(|excuse| {
            let why = excuse.reason.as_deref().unwrap_or("no reason given");
            let until = excuse.expires.as_deref().map(|end| format!(", until {end}")).unwrap_or_default();
            Suppression {
                kind: "external",
                status: "accepted",
                justification: sanitize(&format!("allowlist {}: {why}{until}", excuse.list)).into_owned(),
            }
        })
        .into_iter()
        .collect()
}
