//! CycloneDX 1.6 (ECMA-424) with vulnerabilities.

mod component;
mod vulnerability;

use std::io::{self, Write};

use plimsoll_types::report::Report;
use serde::Serialize;

use crate::hash::uuid;
use component::Component;
use vulnerability::Vulnerability;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: &'a str,
    tools: Tools,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Component<'a>>,
    properties: Vec<Property<'a>>,
}

#[derive(Serialize)]
struct Tools {
    components: [Tool; 1],
}

#[derive(Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    version: &'static str,
}

/// Facts CycloneDX has no field for, under names of our own.
#[derive(Serialize)]
struct Property<'a> {
    name: &'static str,
    value: std::borrow::Cow<'a, str>,
}

impl<'a> Property<'a> {
    fn new(name: &'static str, value: impl Into<std::borrow::Cow<'a, str>>) -> Self {
        Self { name, value: value.into() }
    }
}

pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &bom(report))?;
    out.write_all(b"\n")
}

fn bom(report: &Report) -> Bom<'_> {
    let tool = Tool { kind: "application", name: "plimsoll", version: env!("CARGO_PKG_VERSION") };
    let by_id = report.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let packages = report.packages.iter().map(|package| Component::package(package, report));
    Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        format: "CycloneDX",
        spec_version: "1.6",
        serial_number: serial_number(report),
        version: 1,
        metadata: Metadata {
            timestamp: &report.verdict.evaluated_at,
            tools: Tools { components: [tool] },
            component: report.image.as_ref().map(Component::image),
            properties: properties(report),
        },
        components: report.distro.iter().map(Component::distro).chain(packages).collect(),
        vulnerabilities: report
            .vulnerabilities
            .iter()
            .map(|found| Vulnerability::of(found, &by_id))
            .collect(),
    }
}

/// The same judgement of the same image has the same serial number, whoever writes it down again.
fn serial_number(report: &Report) -> String {
    let digest = |digest: Option<plimsoll_types::Digest>| digest.map(|d| d.to_string()).unwrap_or_default();
    let image = report.image.as_ref();
    let id = uuid(&[
        "cyclonedx",
        &report.schema,
        image.map_or("", |image| &image.reference),
        &digest(image.and_then(|image| image.digest)),
        &digest(report.verdict.policy_digest),
        &digest(report.verdict.knowledge_digest),
        &report.verdict.evaluated_at,
    ]);
    format!("urn:uuid:{id}")
}

fn properties(report: &Report) -> Vec<Property<'_>> {
    let mut properties = vec![Property::new("plimsoll:verdict", report.verdict.status.as_str())];
    let digests = [
        ("plimsoll:policy:digest", report.verdict.policy_digest),
        ("plimsoll:knowledge:digest", report.verdict.knowledge_digest),
    ];
    for (name, digest) in digests {
        properties.extend(digest.map(|digest| Property::new(name, digest.to_string())));
    }
    for spot in &report.coverage.blind_spots {
        properties.push(Property::new("plimsoll:blind_spot", format!("{} {}", spot.kind, spot.subject)));
    }
    if let Some(error) = &report.error {
        properties.push(Property::new("plimsoll:error", error.message.as_str()));
    }
    properties
}

#[cfg(test)]
mod tests;
