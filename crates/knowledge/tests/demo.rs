//! The advisories the repository ships: whole, right, and enough to fail a demonstration image.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_knowledge::advisory::{Advisory, Affected, Event};
use plimsoll_knowledge::{
    BuildOptions, BuildReport, Completeness, EcosystemInfo, Snapshot, build, feeds, match_inventory,
};
use plimsoll_types::report::{FindingStatus, Severity, Vulnerability};
use plimsoll_types::{BlindClass, Distro, Inventory, Package, PackageType, SourcePackage};
use plimsoll_version::{Range, Scheme, Version, compare, range};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo")
}

fn built() -> (tempfile::TempDir, BuildReport, Snapshot) {
    let temporary = tempfile::tempdir().unwrap();
    let out = temporary.path().join("demo.db");
    let report = build(&[folder()], &out, &BuildOptions::default()).unwrap();
    let snapshot = Snapshot::open(&out).unwrap();
    (temporary, report, snapshot)
}

fn read(name: &str, bytes: &[u8]) -> Advisory {
    let feed = feeds::ALL.iter().find(|feed| feed.wants(name)).unwrap();
    feed.read(name, bytes).unwrap().remove(0)
}

fn advisories() -> Vec<Advisory> {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let records = files.iter().filter(|file| !file.ends_with(plimsoll_knowledge::MARKER));
    records.map(|file| read(&file.to_string_lossy(), &std::fs::read(file).unwrap())).collect()
}

#[test]
fn every_record_is_used_and_marked_a_demonstration() {
    let (_folder, report, snapshot) = built();
    assert!((50..80).contains(&report.records), "{} records", report.records);
    assert_eq!(report.records as usize, advisories().len());
    assert!(report.skipped.is_empty(), "{:?}", report.skipped);
    assert_eq!(report.withdrawn + report.not_security + report.duplicates, 0);
    let info = snapshot.info();
    assert!(info.ecosystems.iter().all(|info| info.completeness == Completeness::Demonstration));
    let keys: Vec<_> = info.ecosystems.iter().map(EcosystemInfo::key).collect();
    assert_eq!(keys, ["Debian:12", "Go", "Maven", "PyPI", "crates.io", "npm"]);
}

#[test]
fn every_record_has_a_summary_and_is_named_as_its_file() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with(plimsoll_knowledge::MARKER) {
            let advisory = read("x.json", &std::fs::read(&path).unwrap());
            assert_eq!(format!("{}.json", advisory.id), path.file_name().unwrap().to_string_lossy());
            assert!(advisory.summary.is_some_and(|summary| summary.len() < 120), "{}", path.display());
        }
    }
}

fn package(package_type: PackageType, name: &str, version: &str) -> Package {
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
        layer: None,
        locations: Vec::new(),
        analyzer: "test".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    }
}

/// What the demonstration image contains, as far as advisories are concerned.
fn image() -> Inventory {
    let deb = |name: &str, source: &str, version: &str| Package {
        source: Some(SourcePackage { name: source.to_owned(), version: None }),
        ..package(PackageType::Deb, name, version)
    };
    let packages = vec![
        deb("libssl3", "openssl", "3.0.9-1"),
        deb("libcurl4", "curl", "7.88.1-10"),
        deb("libwebp7", "libwebp", "1.2.4-0.2"),
        deb("libnghttp2-14", "nghttp2", "1.52.0-1"),
        deb("libc6", "glibc", "2.36-9"),
        deb("zlib1g", "zlib", "1:1.2.13.dfsg-1"),
        deb("tar", "tar", "1.34+dfsg-1.2"),
        package(PackageType::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1"),
        package(PackageType::Maven, "org.springframework:spring-beans", "5.3.17"),
        package(PackageType::Maven, "org.apache.commons:commons-text", "1.9"),
        package(PackageType::Npm, "lodash", "4.17.10"),
        package(PackageType::Npm, "minimist", "1.2.0"),
        package(PackageType::Pypi, "Django", "3.2.0"),
        package(PackageType::Pypi, "Flask", "0.12.2"),
        package(PackageType::Pypi, "requests", "2.19.1"),
        package(PackageType::Pypi, "urllib3", "1.23"),
        package(PackageType::Golang, "golang.org/x/net", "v0.10.0"),
        package(PackageType::Golang, "stdlib", "go1.20.4"),
        package(PackageType::Cargo, "time", "0.1.43"),
        package(PackageType::Cargo, "chrono", "0.4.19"),
    ];
    let distro = Distro { id: "debian".to_owned(), version_id: Some("12".to_owned()), ..Distro::default() };
    Inventory { distro: Some(distro), packages, ..Inventory::default() }
}

#[test]
fn a_demonstration_image_of_2023_has_what_everybody_knows() {
    let (_folder, _, snapshot) = built();
    let matches = match_inventory(&image(), &snapshot).unwrap();
    let find = |id: &str, package: &str| -> &Vulnerability {
        let found =
            matches.vulnerabilities.iter().find(|found| found.id == id && found.package_id.contains(package));
        found.unwrap_or_else(|| panic!("{id} of {package} is missing"))
    };
    for (id, package, severity, fixed) in [
        ("CVE-2021-44228", "log4j-core", Severity::Critical, "2.15.0"),
        ("CVE-2022-22965", "spring-beans", Severity::Critical, "5.3.18"),
        ("CVE-2022-42889", "commons-text", Severity::Critical, "1.10.0"),
        ("CVE-2019-10744", "lodash", Severity::Critical, "4.17.12"),
        ("CVE-2021-44906", "minimist", Severity::Critical, "1.2.6"),
        ("CVE-2021-35042", "Django", Severity::Critical, "3.2.5"),
        ("CVE-2023-30861", "Flask", Severity::High, "2.2.5"),
        ("CVE-2018-18074", "requests", Severity::High, "2.20.0"),
        ("CVE-2019-11324", "urllib3", Severity::High, "1.24.2"),
        ("CVE-2023-39325", "x/net", Severity::High, "0.17.0"),
        ("CVE-2023-39325", "stdlib", Severity::High, "1.20.10"),
        ("CVE-2020-26235", "time", Severity::Medium, "0.2.0"),
        ("RUSTSEC-2020-0159", "chrono", Severity::Unknown, "0.4.20"),
        ("CVE-2023-5363", "libssl3", Severity::High, "3.0.11-1~deb12u2"),
        ("CVE-2023-38545", "libcurl4", Severity::Critical, "7.88.1-10+deb12u4"),
        ("CVE-2023-4863", "libwebp7", Severity::High, "1.2.4-0.2+deb12u1"),
        ("CVE-2023-44487", "libnghttp2-14", Severity::High, "1.52.0-1+deb12u1"),
        ("CVE-2023-4911", "libc6", Severity::High, "2.36-9+deb12u3"),
    ] {
        let found = find(id, package);
        assert_eq!(found.severity, severity, "{id}");
        assert_eq!(
            (found.status, found.fixed_versions.as_slice()),
            (FindingStatus::Fixed, &[fixed.to_owned()][..]),
            "{id}"
        );
    }
    assert_eq!(find("CVE-2023-45853", "zlib1g").status, FindingStatus::Affected);
    assert_eq!(find("CVE-2005-2541", "tar").severity, Severity::Negligible);
    assert_eq!(matches.blind_spots.len(), 6);
    assert!(matches.blind_spots.iter().all(|spot| spot.class == BlindClass::Stale));
}

/// The folder of real data, or a line that says why a test does nothing.
fn data() -> Option<PathBuf> {
    let data = std::env::var_os("PLIMSOLL_TEST_DATA").map(PathBuf::from);
    if data.is_none() {
        eprintln!("skipped: PLIMSOLL_TEST_DATA is not set");
    }
    data
}

fn events(affected: &Affected) -> impl Iterator<Item = Vec<range::Event>> {
    affected.ranges.iter().map(|events| {
        let event = |event: &Event| match event.clone() {
            Event::Introduced(version) => range::Event::Introduced(version),
            Event::Fixed(version) => range::Event::Fixed(version),
            Event::LastAffected(version) => range::Event::LastAffected(version),
            Event::Limit(version) => range::Event::Limit(version),
        };
        events.iter().map(event).collect()
    })
}

/// The versions an entry names. Affectedness changes at no other.
fn named(affected: &Affected) -> impl Iterator<Item = &str> {
    affected.ranges.iter().flatten().map(|event| match event {
        Event::Introduced(version)
        | Event::Fixed(version)
        | Event::LastAffected(version)
        | Event::Limit(version) => version.as_str(),
    })
}

fn affects(affected: &Affected, version: &str) -> bool {
    let scheme = affected.ecosystem.kind.scheme;
    let version = Version::parse(scheme, version).unwrap();
    events(affected).any(|events| Range::new(scheme, events).unwrap().contains(&version))
}

/// Both records must agree on every version either of them names. Feeds open stretches a moment before a
/// release (`1.21.0-0`); those are no releases.
fn assert_agree(ours: &Advisory, theirs: &Advisory) -> usize {
    let names: BTreeSet<_> = theirs.aliases.iter().chain([&theirs.id]).collect();
    assert!(
        ours.aliases.iter().all(|alias| names.contains(alias)),
        "{}: {:?} {names:?}",
        ours.id,
        ours.aliases
    );
    let mut compared = 0;
    for part in &ours.affected {
        let same = |other: &&Affected| other.package.eq_ignore_ascii_case(&part.package);
        let other =
            theirs.affected.iter().find(same).unwrap_or_else(|| panic!("{} {}", ours.id, part.package));
        for version in named(part).chain(named(other)).filter(|version| !version.contains('-')) {
            assert_eq!(
                affects(part, version),
                affects(other, version),
                "{} {} {version}",
                ours.id,
                part.package
            );
            compared += 1;
        }
    }
    compared
}

#[test]
fn go_and_rust_records_agree_with_their_databases() {
    let Some(data) = data() else { return };
    let mut compared = 0;
    for (prefix, feed) in [("GO-", "Go"), ("RUSTSEC-", "crates.io")] {
        let file = std::fs::File::open(data.join(format!("feeds/osv/{feed}/all.zip"))).unwrap();
        let mut archive = zip::ZipArchive::new(file).unwrap();
        for ours in advisories().iter().filter(|advisory| advisory.id.starts_with(prefix)) {
            let name = format!("{}.json", ours.id);
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut archive.by_name(&name).unwrap(), &mut bytes).unwrap();
            compared += assert_agree(ours, &read(&name, &bytes));
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn python_records_agree_with_pypa() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let archive = data.join("feeds/native/pypa-advisory-database.tar.gz");
    let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(status.success());
    let mut compared = 0;
    for ours in advisories().iter().filter(|advisory| advisory.id.starts_with("PYSEC-")) {
        let name = format!("{}.yaml", ours.id);
        let path = folder.path().join("vulns").join(&ours.affected[0].package).join(&name);
        compared += assert_agree(ours, &read(&name, &std::fs::read(path).unwrap()));
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn debian_fixes_agree_with_the_changelogs() {
    let Some(data) = data() else { return };
    let table = std::fs::read_to_string(data.join("feeds/debian12/DERIVED-cve-mentions.tsv")).unwrap();
    let mut fixes: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        if columns[2].starts_with("bookworm") {
            fixes.entry((columns[0], columns[5])).or_default().push(columns[1]);
        }
    }
    let mut compared = 0;
    for ours in
        advisories().iter().filter(|advisory| advisory.affected[0].ecosystem.to_string() == "Debian:12")
    {
        let part = &ours.affected[0];
        let ours_fixed = part.ranges[0].iter().find_map(|event| match event {
            Event::Fixed(version) => Some(version.as_str()),
            _ => None,
        });
        for cve in &ours.upstream {
            let Some(known) = fixes.get(&(part.package.as_str(), cve.as_str())) else { continue };
            let first = known.iter().min_by(|a, b| compare(Scheme::Deb, a, b).unwrap()).copied();
            assert_eq!(ours_fixed, first, "{} {cve}", ours.id);
            compared += 1;
        }
    }
    assert!(compared >= 15, "{compared}");
}
