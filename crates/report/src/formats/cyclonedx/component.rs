//! What is in the image, and the image itself.

use std::borrow::Cow;
use std::collections::BTreeSet;

use plimsoll_types::report::{Image, Layer, Report};
use plimsoll_types::{Distro, LicenseClaim, Package, PackageType};
use serde::Serialize;

use super::Property;

#[derive(Serialize)]
pub(super) struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

/// Either one expression or any number of names. Ids are not used: the schema has a list of those it knows, and
/// an expression of one licence says the same.
#[derive(Serialize)]
#[serde(untagged)]
enum License<'a> {
    Expression { expression: &'a str, acknowledgement: &'static str },
    Named { license: Named<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    acknowledgement: &'static str,
}

#[derive(Serialize)]
struct Evidence<'a> {
    occurrences: Vec<Occurrence<'a>>,
}

#[derive(Serialize)]
struct Occurrence<'a> {
    location: &'a str,
}

/// The most characters the schema allows a version.
const MAX_VERSION: usize = 1024;

impl<'a> Component<'a> {
    fn new(kind: &'static str, bom_ref: impl Into<Cow<'a, str>>, name: &'a str) -> Self {
        Self {
            kind,
            bom_ref: bom_ref.into(),
            group: None,
            name,
            version: None,
            licenses: Vec::new(),
            purl: None,
            evidence: None,
            properties: Vec::new(),
        }
    }

    pub(super) fn image(image: &'a Image) -> Self {
        let platform = image.platform.as_ref();
        let platform = platform.map(|platform| Property::new("plimsoll:platform", platform.to_string()));
        let config =
            image.config_digest.map(|digest| Property::new("plimsoll:config:digest", digest.to_string()));
        let layer = |layer: &Layer| Property::new("plimsoll:layer:digest", layer.digest.to_string());
        let digest = image.digest.map(|digest| digest.to_string());
        let bom_ref = format!("image:{}", digest.as_deref().unwrap_or("unresolved"));
        Self {
            version: digest.map(Cow::Owned),
            properties: platform.into_iter().chain(config).chain(image.layers.iter().map(layer)).collect(),
            ..Self::new("container", bom_ref, &image.reference)
        }
    }

    pub(super) fn distro(distro: &'a Distro) -> Self {
        let version = distro.version_id.as_deref();
        let properties = distro.pretty_name.iter();
        Self {
            version: version.map(cut),
            properties: properties.map(|name| Property::new("plimsoll:pretty_name", name.as_str())).collect(),
            ..Self::new("operating-system", format!("os:{}", distro.id), &distro.id)
        }
    }

    pub(super) fn package(package: &'a Package, report: &'a Report) -> Self {
        let (group, name) = split_name(package);
        let occurrences: Vec<_> = package.locations.iter().map(|location| Occurrence { location }).collect();
        Self {
            group,
            version: Some(cut(&package.version)),
            licenses: licenses(&package.licenses),
            purl: package.purl.as_ref().map(ToString::to_string),
            evidence: (!occurrences.is_empty()).then_some(Evidence { occurrences }),
            properties: properties(package, report),
            ..Self::new("library", package.id.as_str(), name)
        }
    }
}

/// Maven's group and npm's scope are groups; Go's and others' paths are names.
fn split_name(package: &Package) -> (Option<&str>, &str) {
    let split = match package.package_type {
        PackageType::Maven => package.name.split_once(':'),
        PackageType::Npm => package.name.split_once('/').filter(|(scope, _)| scope.starts_with('@')),
        _ => None,
    };
    split.map_or((None, package.name.as_str()), |(group, name)| (Some(group), name))
}

fn cut(version: &str) -> Cow<'_, str> {
    match version.char_indices().nth(MAX_VERSION) {
        Some((at, _)) => Cow::Borrowed(&version[..at]),
        None => Cow::Borrowed(version),
    }
}

fn licenses(claims: &[LicenseClaim]) -> Vec<License<'_>> {
    let texts: BTreeSet<&str> =
        claims.iter().map(|claim| claim.spdx.as_deref().unwrap_or(&claim.value)).collect();
    match claims.first().and_then(|claim| claim.spdx.as_deref()) {
        Some(expression) if texts.len() == 1 => {
            vec![License::Expression { expression, acknowledgement: "declared" }]
        }
        _ => texts
            .into_iter()
            .map(|name| License::Named { license: Named { name, acknowledgement: "declared" } })
            .collect(),
    }
}

fn properties<'a>(package: &'a Package, report: &'a Report) -> Vec<Property<'a>> {
    let mut properties = vec![Property::new("plimsoll:package:type", package.package_type.as_str())];
    if let Some(source) = &package.source {
        properties.push(Property::new("plimsoll:package:source", source.name.as_str()));
    }
    if let Some(owner) = &package.owned_by {
        properties.push(Property::new("plimsoll:package:owned_by", owner.as_str()));
    }
    if let Some(layer) = package.layer {
        properties.push(Property::new("plimsoll:layer:index", layer.to_string()));
        let layers = report.image.as_ref().map(|image| image.layers.as_slice()).unwrap_or_default();
        if let Some(diff_id) = layers.get(layer as usize).and_then(|layer| layer.diff_id) {
            properties.push(Property::new("plimsoll:layer:diff_id", diff_id.to_string()));
        }
    }
    properties
}
