//! What the tests of several modules need: snapshots of a few handwritten records, and packages.

use std::path::PathBuf;

use plimsoll_types::{Distro, Inventory, Package, PackageType, SourcePackage};

use crate::{BuildOptions, BuildReport, Matches, Snapshot, build, match_inventory};

/// A folder with a snapshot in it.
pub(crate) struct Built {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) report: BuildReport,
    pub(crate) snapshot: Snapshot,
}

impl Built {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("snapshot")
    }

    /// What the snapshot says, which must be the same when it remembers what it said.
    pub(crate) fn matches(&self, inventory: &Inventory) -> Matches {
        let matches = match_inventory(inventory, &self.snapshot).unwrap();
        for _ in 0..2 {
            assert_eq!(match_inventory(inventory, &self.snapshot).unwrap(), matches);
        }
        matches
    }
}

/// A snapshot of records, one file each, in one directory.
pub(crate) fn built(records: &[&str]) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("feed");
    std::fs::create_dir(&source).unwrap();
    for (index, record) in records.iter().enumerate() {
        std::fs::write(source.join(format!("{index}.json")), record).unwrap();
    }
    let out = folder.path().join("snapshot");
    let report = build(&[source], &out, &BuildOptions::default()).unwrap();
    let snapshot = Snapshot::open(&out).unwrap();
    Built { folder, report, snapshot }
}

/// A record: id, more fields, ecosystem, package, events as `introduced..fixed` (either may be empty).
pub(crate) fn record(id: &str, more: &str, ecosystem: &str, package: &str, range: &str) -> String {
    let (introduced, fixed) = range.split_once("..").unwrap();
    let introduced = if introduced.is_empty() { "0" } else { introduced };
    let fixed = if fixed.is_empty() { String::new() } else { format!(r#",{{"fixed":"{fixed}"}}"#) };
    let kind = if matches!(ecosystem, "npm" | "Go" | "crates.io") { "SEMVER" } else { "ECOSYSTEM" };
    let comma = if more.is_empty() { "" } else { "," };
    format!(
        r#"{{"id":"{id}","modified":"2024-01-02T03:04:05Z"{comma}{more},"affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{package}"}},"ranges":[{{"type":"{kind}","events":[{{"introduced":"{introduced}"}}{fixed}]}}]}}]}}"#
    )
}

/// A package with nothing but its identity.
pub(crate) fn package(package_type: PackageType, name: &str, version: &str) -> Package {
    Package {
        id: format!("{package_type}:{name}@{version}"),
        name: name.to_owned(),
        version: version.to_owned(),
        package_type,
        arch: None,
        epoch: None,
        purl: None,
        source: None,
        origin: None,
        maintainer: None,
        licenses: Vec::new(),
        layer: Some(1),
        locations: Vec::new(),
        analyzer: "test".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    }
}

/// A Debian package of a source.
pub(crate) fn deb(name: &str, version: &str, source: &str, source_version: Option<&str>) -> Package {
    let source = SourcePackage { name: source.to_owned(), version: source_version.map(str::to_owned) };
    Package { source: Some(source), ..package(PackageType::Deb, name, version) }
}

/// An rpm of AlmaLinux.
pub(crate) fn rpm(name: &str, epoch: Option<u32>, version: &str) -> Package {
    Package { epoch, origin: Some("AlmaLinux".to_owned()), ..package(PackageType::Rpm, name, version) }
}

/// A distribution release.
pub(crate) fn distro(id: &str, version: &str) -> Distro {
    let version_id = (!version.is_empty()).then(|| version.to_owned());
    Distro { id: id.to_owned(), version_id, ..Distro::default() }
}

/// An image of a distribution.
pub(crate) fn image(distro: Option<Distro>, packages: Vec<Package>) -> Inventory {
    Inventory { distro, packages, ..Inventory::default() }
}
