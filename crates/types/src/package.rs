//! Packages: as one analyzer records them, and as an inventory lists them.

use serde::{Deserialize, Serialize};

use crate::{PathBytes, Purl};

/// The package formats Plimsoll tells apart. Text forms are the purl type where one exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PackageType {
    /// Debian packages.
    Deb,
    /// Alpine packages.
    Apk,
    /// RPM packages.
    Rpm,
    /// Python distributions.
    Pypi,
    /// Node packages.
    Npm,
    /// Java artifacts; names are `group:artifact`.
    Maven,
    /// Go modules.
    Golang,
    /// Rust crates.
    Cargo,
    /// Ruby gems.
    Gem,
    /// .NET packages.
    Nuget,
    /// PHP packages.
    Composer,
    /// Anything without an ecosystem of its own.
    Generic,
}

impl PackageType {
    /// The purl type, which is also the text form in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pypi => "pypi",
            Self::Npm => "npm",
            Self::Maven => "maven",
            Self::Golang => "golang",
            Self::Cargo => "cargo",
            Self::Gem => "gem",
            Self::Nuget => "nuget",
            Self::Composer => "composer",
            Self::Generic => "generic",
        }
    }

    /// True for packages of an operating system's package manager.
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm)
    }
}

impl std::fmt::Display for PackageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The source package a binary package was built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Source name.
    pub name: String,
    /// Source version.
    pub version: Option<String>,
}

/// A licence as some file states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LicenseClaim {
    /// The text as stated.
    pub value: String,
    /// The SPDX expression it means, where that is certain.
    pub spdx: Option<String>,
    /// Absolute path of the file that states it.
    pub source: String,
}

/// One package as an analyzer read it from one file of one layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageRecord {
    /// Format.
    pub package_type: PackageType,
    /// Name in the ecosystem's canonical spelling (`group:artifact` for Maven).
    pub name: String,
    /// Version text without the epoch for rpm, with it for deb (as each tool prints it).
    pub version: String,
    /// Epoch where the format has one and the package states it.
    pub epoch: Option<u32>,
    /// Architecture as the format spells it.
    pub arch: Option<String>,
    /// Source package.
    pub source: Option<SourcePackage>,
    /// Licences the metadata states: value as stated; `spdx` only where certain.
    pub licenses: Vec<LicenseClaim>,
    /// Maintainer or author.
    pub maintainer: Option<String>,
    /// Vendor (rpm) or origin (apk, deb `Origin`).
    pub vendor: Option<String>,
    /// Installation status as the database states it (dpkg's third word), if it has one.
    pub status: Option<String>,
    /// Paths this package owns, cleaned, relative to the root that holds its database.
    pub owned_paths: Vec<PathBytes>,
    /// For packages inside an archive: the way from the file inwards, for example
    /// `WEB-INF/lib/a.jar!/b.jar`. Empty for the file itself.
    pub nested_in: String,
    /// More facts worth keeping, sorted by key (rpm `modularitylabel`, `sourcerpm`, Go `h1`, …).
    pub extra: Vec<(String, String)>,
}

impl PackageRecord {
    /// A record with every optional field empty.
    pub fn new(package_type: PackageType, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            package_type,
            name: name.into(),
            version: version.into(),
            epoch: None,
            arch: None,
            source: None,
            licenses: Vec::new(),
            maintainer: None,
            vendor: None,
            status: None,
            owned_paths: Vec::new(),
            nested_in: String::new(),
            extra: Vec::new(),
        }
    }
}

/// One package of an inventory. The serde shape is part of `plimsoll.report/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Stable within a report and across reports of the same image.
    pub id: String,
    /// Name (`group:artifact` for Maven).
    pub name: String,
    /// Version; empty, and null in a report, if its metadata states none.
    #[serde(serialize_with = "null_if_empty", deserialize_with = "empty_if_null")]
    pub version: String,
    /// Format.
    #[serde(rename = "type")]
    pub package_type: PackageType,
    /// Architecture.
    pub arch: Option<String>,
    /// Epoch.
    pub epoch: Option<u32>,
    /// Package URL.
    pub purl: Option<Purl>,
    /// Source package.
    pub source: Option<SourcePackage>,
    /// Vendor or origin as the database states it.
    pub origin: Option<String>,
    /// Maintainer as the database states it.
    #[serde(default)]
    pub maintainer: Option<String>,
    /// Licences.
    pub licenses: Vec<LicenseClaim>,
    /// Index into `image.layers` of the layer that brought it.
    pub layer: Option<u32>,
    /// Sorted absolute paths in the merged image (`/a.jar!/b.jar` for nested archives).
    pub locations: Vec<String>,
    /// Id of the analyzer that read it.
    pub analyzer: String,
    /// Id of the OS package that owns the file this package was read from.
    pub owned_by: Option<String>,
    /// Root of the tree whose database lists it; `/` for the image's own.
    #[serde(default = "image_root", skip_serializing_if = "is_image_root")]
    pub root: String,
}

fn null_if_empty<S: serde::Serializer>(text: &String, serializer: S) -> Result<S::Ok, S::Error> {
    Some(text).filter(|text| !text.is_empty()).serialize(serializer)
}

fn empty_if_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn image_root() -> String {
    "/".to_owned()
}

fn is_image_root(root: &str) -> bool {
    root == "/"
}
