//! Two ways into a snapshot. Any bytes behind a valid header: opened, checked and matched without more than an
//! error. And any record built into a snapshot: it verifies, and a match is sorted and twice the same.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use plimsoll_knowledge::{BuildOptions, Snapshot, build, match_inventory};
use plimsoll_types::{Distro, Inventory, Package, PackageType};
use sha2::Digest as _;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("snapshot");
    if *kind < 128 {
        contents(&path, bytes);
    } else {
        record(folder.path(), &path, bytes);
    }
});

/// `bytes` is the table of contents, and every block there could be.
fn contents(path: &Path, bytes: &[u8]) {
    let mut file = b"PLIMSOLL\x01\0\0\0".to_vec();
    file.extend(60_u64.to_le_bytes());
    file.extend((bytes.len() as u64).to_le_bytes());
    file.extend(sha2::Sha256::digest(bytes));
    file.extend(bytes);
    std::fs::write(path, file).expect("a file");
    if let Ok(snapshot) = Snapshot::open(path) {
        let _shown = snapshot.info().to_string();
        let _checked = snapshot.verify();
        let _matched = match_inventory(&inventory(), &snapshot);
    }
}

fn record(folder: &Path, path: &Path, bytes: &[u8]) {
    let source = folder.join("record.json");
    std::fs::write(&source, bytes).expect("a file");
    let Ok(report) = build(std::slice::from_ref(&source), path, &BuildOptions::default()) else { return };
    let snapshot = Snapshot::open(path).expect("what was built opens");
    snapshot.verify().expect("and is whole");
    assert_eq!(report.digest, snapshot.digest());
    let inventory = inventory();
    let matches = match_inventory(&inventory, &snapshot).expect("and matches");
    assert_eq!(match_inventory(&inventory, &snapshot).expect("twice"), matches);
    assert!(matches.blind_spots.is_sorted());
    assert!(matches.vulnerabilities.is_sorted_by(|a, b| (&a.id, &a.package_id) < (&b.id, &b.package_id)));
}

/// Packages called `a`, of every type that has advisories.
fn inventory() -> Inventory {
    let types = [
        (PackageType::Deb, "1.0-1"),
        (PackageType::Pypi, "1.0"),
        (PackageType::Npm, "1.0.0"),
        (PackageType::Maven, "1.0"),
        (PackageType::Golang, "v1.0.0"),
        (PackageType::Cargo, "1.0.0"),
        (PackageType::Gem, "1.0"),
        (PackageType::Nuget, "1.0.0"),
        (PackageType::Composer, "1.0.0"),
    ];
    let packages = types.into_iter().map(|(package_type, version)| Package {
        id: package_type.to_string(),
        name: "a".to_owned(),
        version: version.to_owned(),
        package_type,
        arch: None,
        epoch: None,
        purl: None,
        source: None,
        origin: None,
        maintainer: None,
        licenses: Vec::new(),
        layer: None,
        locations: Vec::new(),
        analyzer: "fuzz".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    });
    let distro = Distro { id: "debian".to_owned(), version_id: Some("12".to_owned()), ..Distro::default() };
    Inventory { distro: Some(distro), packages: packages.collect(), ..Inventory::default() }
}
