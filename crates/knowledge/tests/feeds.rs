//! The real feeds of the test data, whole.

use std::path::PathBuf;

use plimsoll_knowledge::{BuildOptions, Completeness, Snapshot, build, match_inventory};
use plimsoll_types::report::Severity;
use plimsoll_types::{Distro, Inventory, Package, PackageType};

fn rpm(name: &str, epoch: Option<u32>, version: &str) -> Package {
    Package {
        id: format!("rpm:{name}@{version}"),
        name: name.to_owned(),
        version: version.to_owned(),
        package_type: PackageType::Rpm,
        arch: None,
        epoch,
        purl: None,
        source: None,
        origin: Some("AlmaLinux".to_owned()),
        maintainer: None,
        licenses: Vec::new(),
        layer: None,
        locations: Vec::new(),
        analyzer: "test".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    }
}

#[test]
fn every_osv_feed_builds_and_matches() {
    let Some(data) = std::env::var_os("PLIMSOLL_TEST_DATA").map(PathBuf::from) else {
        eprintln!("skipped: PLIMSOLL_TEST_DATA is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("snapshot");
    let report = build(&[data.join("feeds/osv")], &out, &BuildOptions::default()).unwrap();
    eprintln!(
        "{:#?}",
        (&report.skipped, &report.unsupported, report.withdrawn, report.not_security, report.duplicates)
    );
    assert!(report.records > 16_000, "{}", report.records);
    assert!(report.skipped.len() * 1_000 < report.records as usize, "{:?}", report.skipped);
    let snapshot = Snapshot::open(&out).unwrap();
    snapshot.verify().unwrap();
    let info = snapshot.info();
    eprintln!("{info}");
    let complete = |key: &str| info.ecosystems.iter().find(|info| info.key() == key).unwrap().completeness;
    for key in ["AlmaLinux:8", "AlmaLinux:9", "AlmaLinux:10", "Bitnami", "Go", "crates.io"] {
        assert_eq!(complete(key), Completeness::Complete, "{key}");
    }
    let alma = Distro { id: "almalinux".to_owned(), version_id: Some("9.2".to_owned()), ..Distro::default() };
    let packages = vec![rpm("texlive", Some(9), "20200406-25.el9"), rpm("bash", None, "999-1.el9")];
    let inventory = Inventory { distro: Some(alma), packages, ..Inventory::default() };
    let matches = match_inventory(&inventory, &snapshot).unwrap();
    let found = matches.vulnerabilities.iter().find(|found| found.id == "CVE-2023-32700").unwrap();
    assert_eq!(
        (found.severity, found.fixed_versions.as_slice()),
        (Severity::High, &["9:20200406-26.el9_2".to_owned()][..])
    );
    assert!(found.advisories.contains(&"ALSA-2023:3661".to_owned()));
    assert!(matches.vulnerabilities.iter().all(|found| found.package_id.contains("texlive")));
    assert!(matches.blind_spots.is_empty(), "{:?}", matches.blind_spots);
    assert_eq!(match_inventory(&inventory, &snapshot).unwrap(), matches);
}

#[test]
fn a_feed_of_one_release_is_no_feed_of_the_next() {
    let Some(data) = std::env::var_os("PLIMSOLL_TEST_DATA").map(PathBuf::from) else {
        eprintln!("skipped: PLIMSOLL_TEST_DATA is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("snapshot");
    let report =
        build(&[data.join("feeds/osv/AlmaLinux-10/all.zip")], &out, &BuildOptions::default()).unwrap();
    let of = |key: &str| report.ecosystems.iter().find(|info| info.key() == key).unwrap().completeness;
    assert_eq!(of("AlmaLinux:10"), Completeness::Complete);
    assert_eq!(of("AlmaLinux:9"), Completeness::Incomplete);
}
