use plimsoll_types::report::{FindingStatus, Severity, Vulnerability};
use plimsoll_types::{BlindClass, BlindKind, BlindSpot, NestedRoot, Package, PackageType};

use crate::fixture::{Built, built, deb, distro, image, package, record, rpm};
use crate::source::MARKER;

fn ids(found: &[Vulnerability]) -> Vec<&str> {
    found.iter().map(|found| found.id.as_str()).collect()
}

fn spots(blind: &[BlindSpot]) -> Vec<(BlindKind, &str)> {
    blind.iter().map(|spot| (spot.kind, spot.subject.as_str())).collect()
}

/// Ids found for one package in an image of a distribution.
fn found(built: &Built, distribution: (&str, &str), package: Package) -> Vec<Vulnerability> {
    built.matches(&image(Some(distro(distribution.0, distribution.1)), vec![package])).vulnerabilities
}

const DEBIAN: (&str, &str) = ("debian", "12");
const ALMA: (&str, &str) = ("almalinux", "9.3");
const CRITICAL: &str =
    r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#;

#[test]
fn a_debian_package_is_matched_by_its_source_and_the_sources_version() {
    let built = built(&[&record("DEBIAN-CVE-2023-1", "", "Debian:12", "openssl", "..3.0.9-1+deb12u1")]);
    let hit = found(&built, DEBIAN, deb("libssl3", "3.0.9-1", "openssl", None));
    assert_eq!(ids(&hit), ["CVE-2023-1"]);
    assert_eq!(hit[0].fixed_versions, ["3.0.9-1+deb12u1"]);
    assert_eq!((hit[0].status, hit[0].layer), (FindingStatus::Fixed, Some(1)));
    assert_eq!(hit[0].matched.rule, "Debian:12 source package openssl, version 3.0.9-1, deb order");
    assert_eq!(hit[0].matched.record, "DEBIAN-CVE-2023-1");
    assert!(found(&built, DEBIAN, deb("libssl3", "3.0.9-1+deb12u1", "openssl", None)).is_empty());
    assert!(found(&built, DEBIAN, deb("libssl3", "1:1", "openssl", Some("3.0.9-2"))).is_empty());
    assert_eq!(
        ids(&found(&built, DEBIAN, deb("libssl3", "9:1", "openssl", Some("3.0.8-1")))),
        ["CVE-2023-1"]
    );
    assert!(found(&built, DEBIAN, package(PackageType::Deb, "libssl3", "3.0.9-1")).is_empty());
    assert!(found(&built, DEBIAN, package(PackageType::Npm, "openssl", "3.0.9-1")).is_empty());
}

#[test]
fn an_almalinux_package_is_matched_by_its_own_name_with_its_epoch() {
    let built = built(&[&record(
        "ALSA-2023:1",
        r#""summary":"Important: x","related":["CVE-2023-1","CVE-2023-2"]"#,
        "AlmaLinux:9",
        "perl-Errno",
        "..1:1.30-481.el9",
    )]);
    let hit = found(&built, ALMA, rpm("perl-Errno", Some(1), "1.30-480.el9"));
    assert_eq!(ids(&hit), ["CVE-2023-1", "CVE-2023-2"]);
    assert_eq!(hit[0].advisories, ["ALSA-2023:1"]);
    assert_eq!(
        (hit[0].severity, hit[0].severity_source.as_deref()),
        (Severity::High, Some("ALSA-2023:1 summary"))
    );
    assert!(hit[0].aliases.is_empty());
    assert!(found(&built, ALMA, rpm("perl-Errno", Some(2), "1.30-480.el9")).is_empty());
    assert_eq!(found(&built, ALMA, rpm("perl-Errno", None, "1.30-490.el9")).len(), 2);
    let mut other = rpm("perl-base", Some(1), "1.30-480.el9");
    other.source = Some(plimsoll_types::SourcePackage { name: "perl-Errno".into(), version: None });
    assert!(found(&built, ALMA, other).is_empty());
}

#[test]
fn a_module_and_a_package_outside_it_are_two_things() {
    let built = built(&[
        &record(
            "ALSA-1",
            r#""summary":"Low: nodejs:18 security update""#,
            "AlmaLinux:9",
            "nodejs",
            "..1:18.2.0-1.module_el9.2.0+1",
        ),
        &record("ALSA-2", "", "AlmaLinux:9", "nodejs", "..1:16.20.0-1.el9"),
    ]);
    let ids_of = |version: &str| {
        found(&built, ALMA, rpm("nodejs", Some(1), version))
            .into_iter()
            .map(|found| found.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids_of("16.1.0-1.el9"), ["ALSA-2"]);
    assert_eq!(ids_of("18.1.0-1.module_el9.2.0+1"), ["ALSA-1"]);
    assert!(ids_of("16.1.0-1.module_el9.1.0+1").is_empty());
}

#[test]
fn a_suse_package_is_matched_by_the_binaries_its_source_lists() {
    let built = built(&[
        r#"{"id":"SUSE-SU-1","related":["CVE-2024-1"],"affected":[{"package":{"ecosystem":"openSUSE:Leap 15.5","name":"qt"},
            "ecosystem_specific":{"binaries":[{"libqt":"2-1","qt-tools":"2-1"}]},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2-1"}]}]}]}"#,
    ]);
    let leap = ("opensuse-leap", "15.5");
    let of = |name: &str| {
        let source = plimsoll_types::SourcePackage { name: "qt".into(), version: Some("1-1".into()) };
        found(&built, leap, Package { source: Some(source), ..rpm(name, None, "1-1") }).len()
    };
    assert_eq!((of("libqt"), of("qt-tools"), of("qt-doc")), (1, 1, 0));
}

#[test]
fn language_names_are_compared_as_their_ecosystem_does() {
    let built = built(&[
        &record("PYSEC-1", r#""aliases":["CVE-2024-1"]"#, "PyPI", "zope-interface", "..2.0"),
        &record("GO-1", r#""aliases":["CVE-2024-2"]"#, "Go", "stdlib", "..1.20.5"),
        &record("GHSA-m", r#""aliases":["CVE-2024-3"]"#, "Maven", "org.x:y", "..2.0"),
    ]);
    let packages = vec![
        package(PackageType::Pypi, "Zope.Interface", "1.9"),
        package(PackageType::Golang, "stdlib", "go1.20.4"),
        package(PackageType::Maven, "org.x:y", "1.0"),
        package(PackageType::Maven, "com.x:y", "1.0"),
    ];
    let matches = built.matches(&image(None, packages));
    assert_eq!(ids(&matches.vulnerabilities), ["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"]);
    assert!(matches.blind_spots.is_empty(), "{:?}", matches.blind_spots);
}

#[test]
fn listed_versions_last_affected_and_limit_count() {
    let entry = |id: &str, rest: &str| {
        format!(r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"PyPI","name":"a"}},{rest}}}]}}"#)
    };
    let built = built(&[
        &entry("LISTED", r#""versions":["1.0","9.9"]"#),
        &entry(
            "LAST",
            r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.0"},{"last_affected":"1.2"}]}]"#,
        ),
        &entry("LIMIT", r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"limit":"1.1"}]}]"#),
        &entry(
            "BOTH",
            r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.1"},{"fixed":"1.2"}]}],"versions":["1.1","7"]"#,
        ),
    ]);
    for (version, expected) in [
        ("1.0", &["LAST", "LIMIT", "LISTED"][..]),
        ("1.0.0", &["LAST", "LIMIT", "LISTED"]),
        ("1.1", &["BOTH", "LAST"]),
        ("1.2", &["LAST"]),
        ("1.3", &[]),
        ("7.0", &["BOTH"]),
        ("9.9", &["LISTED"]),
    ] {
        let matches = built.matches(&image(None, vec![package(PackageType::Pypi, "a", version)]));
        assert_eq!(ids(&matches.vulnerabilities), expected, "{version}");
    }
}

#[test]
fn records_of_one_cve_merge_and_borrow_from_each_other() {
    let built = built(&[
        &record("PYSEC-1", r#""aliases":["CVE-2024-1","GHSA-1"]"#, "PyPI", "a", "..1.5"),
        &record(
            "GHSA-1",
            &format!(r#""aliases":["CVE-2024-1"],"summary":"It breaks",{CRITICAL}"#),
            "PyPI",
            "A",
            "..1.5.0",
        ),
        &record("GHSA-2", r#""database_specific":{"severity":"LOW"}"#, "PyPI", "a", ".."),
        &record("PYSEC-2", r#""aliases":["GHSA-2"]"#, "PyPI", "a", ".."),
    ]);
    let matches = built.matches(&image(None, vec![package(PackageType::Pypi, "a", "1.0")]));
    assert_eq!(ids(&matches.vulnerabilities), ["CVE-2024-1", "GHSA-2"]);
    let first = &matches.vulnerabilities[0];
    assert_eq!(first.advisories, ["GHSA-1", "PYSEC-1"]);
    assert_eq!(first.aliases, ["GHSA-1", "PYSEC-1"]);
    assert_eq!(
        (first.severity, first.severity_source.as_deref()),
        (Severity::Critical, Some("GHSA-1 severity"))
    );
    assert_eq!(first.cvss[0].score, Some(9.8));
    assert_eq!(first.summary.as_deref(), Some("It breaks"));
    assert_eq!(first.fixed_versions, ["1.5", "1.5.0"]);
    let second = &matches.vulnerabilities[1];
    assert_eq!((second.status, second.severity), (FindingStatus::Affected, Severity::Low));
    assert_eq!(second.advisories, ["GHSA-2", "PYSEC-2"]);
}

#[test]
fn a_fix_is_what_no_other_record_still_calls_affected() {
    let fixes = |ranges: &[&str]| {
        let cve = r#""aliases":["CVE-2024-1"]"#;
        let records: Vec<_> = ranges
            .iter()
            .enumerate()
            .map(|(n, range)| record(&format!("R-{n}"), cve, "PyPI", "a", range))
            .collect();
        let built = built(&records.iter().map(String::as_str).collect::<Vec<_>>());
        let mut found = found(&built, DEBIAN, package(PackageType::Pypi, "a", "1.0"));
        assert_eq!(found.len(), 1);
        found.remove(0).fixed_versions
    };
    assert_eq!(fixes(&["..2.0rc1", "..2.0"]), ["2.0"]);
    assert_eq!(fixes(&["..1.5", "..1.5.0"]), ["1.5", "1.5.0"]);
    assert_eq!(
        fixes(&["..1.5", ".."]),
        ["1.5"],
        "a record that knows no fix does not make it one that has none"
    );
}

#[test]
fn the_summary_of_any_record_will_do() {
    let built = built(&[
        &record("GHSA-1", r#""aliases":["CVE-2024-1"]"#, "PyPI", "a", ".."),
        &record("PYSEC-1", r#""aliases":["CVE-2024-1"],"summary":"It breaks""#, "PyPI", "a", ".."),
    ]);
    let matches = built.matches(&image(None, vec![package(PackageType::Pypi, "a", "1.0")]));
    let found = &matches.vulnerabilities[0];
    assert_eq!((found.matched.record.as_str(), found.summary.as_deref()), ("GHSA-1", Some("It breaks")));
}

#[test]
fn severity_is_taken_across_aliases_when_a_record_has_none() {
    let built = built(&[
        &record("DEBIAN-CVE-2024-1", "", "Debian:12", "x", ".."),
        &record("GHSA-1", &format!(r#""aliases":["CVE-2024-1"],{CRITICAL}"#), "npm", "other", ".."),
        &record("DEBIAN-CVE-2024-2", "", "Debian:12", "x", ".."),
    ]);
    let hit = found(&built, DEBIAN, deb("x", "1", "x", None));
    assert_eq!(
        (hit[0].severity, hit[0].severity_source.as_deref()),
        (Severity::Critical, Some("GHSA-1 severity"))
    );
    assert_eq!(hit[0].cvss[0].source, "GHSA-1");
    assert_eq!(hit[0].advisories, ["DEBIAN-CVE-2024-1"]);
    assert_eq!((hit[1].severity, hit[1].severity_source.as_deref()), (Severity::Unknown, None));
}

#[test]
fn a_release_that_is_over_gets_no_fix() {
    let built =
        built(&[r#"{"id":"DEBIAN-CVE-2024-1","affected":[{"package":{"ecosystem":"Debian:12","name":"x"},
            "ecosystem_specific":{"urgency":"end-of-life"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#]);
    assert_eq!(found(&built, DEBIAN, deb("x", "1", "x", None))[0].status, FindingStatus::WillNotFix);
}

#[test]
fn withdrawn_records_say_nothing() {
    let built = built(&[
        &record("A", r#""withdrawn":"2024-01-01T00:00:00Z""#, "npm", "a", ".."),
        &record("B", "", "npm", "b", ".."),
    ]);
    assert!(
        built.matches(&image(None, vec![package(PackageType::Npm, "a", "1.0.0")])).vulnerabilities.is_empty()
    );
}

#[test]
fn ubuntu_pro_speaks_where_the_archive_does_not_or_where_the_package_came_from_it() {
    let both = record("UBUNTU-CVE-2024-1", "", "Ubuntu:22.04:LTS", "x", "..").replace(
        r#""affected":["#,
        r#""affected":[{"package":{"ecosystem":"Ubuntu:Pro:22.04:LTS","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1+esm1"}]}]},"#,
    );
    let pro = record("UBUNTU-CVE-2024-2", "", "Ubuntu:Pro:22.04:LTS", "x", "..1+esm2");
    let built = built(&[&both, &pro]);
    let of = |version: &str| {
        found(&built, ("ubuntu", "22.04"), deb("x", version, "x", None))
            .into_iter()
            .map(|found| (found.id, found.fixed_versions))
            .collect::<Vec<_>>()
    };
    let second = ("CVE-2024-2".to_owned(), vec!["1+esm2".to_owned()]);
    assert_eq!(of("1"), [("CVE-2024-1".to_owned(), vec![]), second.clone()]);
    assert_eq!(of("1+esm1"), [second]);
    assert!(of("1+esm2").is_empty());
}

#[test]
fn what_the_snapshot_lacks_is_a_blind_spot_that_hides() {
    let built = built(&[&record("A", "", "Debian:12", "x", "..")]);
    let packages = vec![deb("x", "1", "x", None), package(PackageType::Npm, "a", "1.0.0")];
    let matches = built.matches(&image(Some(distro("debian", "13")), packages));
    assert_eq!(
        spots(&matches.blind_spots),
        [(BlindKind::DistroUnknown, "debian 13"), (BlindKind::EcosystemUnknown, "npm")]
    );
    assert!(matches.blind_spots.iter().all(|spot| spot.class == BlindClass::Hides));
    assert!(matches.vulnerabilities.is_empty());
    let nothing = built.matches(&image(Some(distro("debian", "13")), vec![]));
    assert!(nothing.blind_spots.is_empty());
}

#[test]
fn an_unparsable_version_is_a_blind_spot_only_where_an_advisory_speaks_of_the_package() {
    let built = built(&[&record("A", "", "Go", "example.org/a", "..1.0.0")]);
    let of = |name: &str| {
        built.matches(&image(None, vec![package(PackageType::Golang, name, "(devel)")])).blind_spots
    };
    let spot = &of("example.org/a")[0];
    assert_eq!((spot.kind, spot.layer), (BlindKind::VersionUnparsable, Some(1)));
    assert!(of("example.org/b").is_empty());
}

#[test]
fn a_python_version_outside_pep_440_is_in_no_range_and_a_blind_spot() {
    let listed =
        r#"{"id":"L","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["2004d"]}]}"#;
    let built =
        built(&[&record("A", "", "PyPI", "a", "1.0..2.0"), &record("B", "", "PyPI", "a", "..2.0"), listed]);
    let of = |name: &str, version: &str| {
        built.matches(&image(None, vec![package(PackageType::Pypi, name, version)]))
    };
    for (version, expected) in [("2004d", &["L"][..]), ("unknown", &[])] {
        let matches = of("a", version);
        assert_eq!(ids(&matches.vulnerabilities), expected, "below everything it would be in B");
        assert_eq!(matches.blind_spots[0].kind, BlindKind::VersionUnparsable);
        assert_eq!(matches.blind_spots[0].class, BlindClass::Hides);
        assert!(of("b", version).blind_spots.is_empty(), "nobody speaks of b");
    }
    assert!(of("a", "1.0+local").blind_spots.is_empty());
}

#[test]
fn a_range_that_is_not_understood_is_a_blind_spot_where_it_matters() {
    let built = built(&[&record("A", "", "npm", "a", "..one")]);
    let of =
        |name: &str| built.matches(&image(None, vec![package(PackageType::Npm, name, "1.0.0")])).blind_spots;
    assert_eq!(spots(&of("a")), [(BlindKind::KnowledgeIncomplete, "npm a")]);
    assert!(of("b").is_empty());
}

#[test]
fn a_demonstration_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), record("A", "", "npm", "a", "..")).unwrap();
    std::fs::write(folder.path().join(MARKER), r#"{"completeness":"demonstration"}"#).unwrap();
    let out = folder.path().join("snapshot");
    crate::build(&[folder.path().to_owned()], &out, &crate::BuildOptions::default()).unwrap();
    let snapshot = crate::Snapshot::open(&out).unwrap();
    let inventory = image(None, vec![package(PackageType::Npm, "a", "1.0.0")]);
    let matches = crate::match_inventory(&inventory, &snapshot).unwrap();
    assert_eq!(spots(&matches.blind_spots), [(BlindKind::KnowledgeIncomplete, "npm")]);
    assert_eq!(matches.blind_spots[0].class, BlindClass::Stale);
    assert_eq!(matches.vulnerabilities.len(), 1);
    assert_eq!(matches.sources.len(), 1);
    assert!(crate::ages(&matches.sources, jiff::Timestamp::MAX).is_empty(), "its age is not what it lacks");
}

#[test]
fn what_spoke_of_the_packages_has_the_age_of_its_newest_record() {
    let dated = |ecosystem: &str, name: &str, day: &str| {
        record(&format!("{name}-{day}"), "", ecosystem, name, "..").replace("2024-01-02", day)
    };
    let built = built(&[
        &dated("Debian:12", "x", "2024-01-02"),
        &dated("Debian:12", "y", "2024-03-01"),
        &dated("Debian:13", "x", "2020-01-01"),
        &dated("npm", "a", "2024-05-01"),
        &dated("PyPI", "a", "2024-06-01"),
        r#"{"id":"U","affected":[{"package":{"ecosystem":"RubyGems","name":"a"},"versions":["1"]}]}"#,
    ]);
    let packages = vec![
        deb("x", "1", "x", None),
        package(PackageType::Npm, "a", "1.0.0"),
        package(PackageType::Gem, "a", "2"),
    ];
    let matches = built.matches(&image(Some(distro("debian", "12")), packages));
    let ages = |now: &str| -> Vec<(String, Option<u64>)> {
        let ages = crate::ages(&matches.sources, now.parse().unwrap());
        ages.into_iter().map(|age| (age.subject, age.days)).collect()
    };
    let expected = |debian, npm| {
        vec![
            ("Debian:12".to_owned(), Some(debian)),
            ("RubyGems".to_owned(), None),
            ("npm".to_owned(), Some(npm)),
        ]
    };
    assert_eq!(ages("2024-05-31T03:04:05Z"), expected(91, 30));
    assert_eq!(ages("2024-05-31T03:04:04Z"), expected(90, 29), "a day that is not over does not count");
    assert_eq!(ages("2024-01-01T00:00:00Z"), expected(0, 0));
}

/// An image whose Python package `a` belongs to the Debian package `owner`.
fn owned(owner: Package, version: &str) -> plimsoll_types::Inventory {
    let mut python = package(PackageType::Pypi, "a", "1.0");
    python.owned_by = Some(owner.id.clone());
    image(Some(distro("debian", version)), vec![owner, python])
}

#[test]
fn a_language_package_of_the_distributions_own_build_is_the_distributions_to_judge() {
    let records =
        [record("PYSEC-1", "", "PyPI", "a", ".."), record("DEBIAN-CVE-2024-1", "", "Debian:12", "x", "..")];
    let built = built(&[&records[0], &records[1]]);
    let own = || deb("python3-a", "1.0-1", "a", None);
    let found = |inventory: &plimsoll_types::Inventory| built.matches(inventory).vulnerabilities.len();
    assert_eq!(found(&owned(own(), "12")), 0);
    // The release is not covered: nobody else speaks for it.
    assert_eq!(found(&owned(own(), "13")), 1);
    // Somebody else built the owner.
    let foreign = Package { maintainer: Some("N <n@nodesource.com>".into()), ..own() };
    let matches = built.matches(&owned(foreign, "12"));
    assert_eq!(matches.vulnerabilities.len(), 1);
    assert_eq!(
        spots(&matches.blind_spots),
        [(BlindKind::KnowledgeIncomplete, "packages not built by debian 12")]
    );
}

#[test]
fn an_owner_excuses_only_what_lies_where_distributions_install() {
    let built = built(&[&record("DEBIAN-CVE-2024-1", "", "Debian:12", "x", "..")]);
    let mut inventory = owned(deb("python3-a", "1.0-1", "a", None), "12");
    for (location, excused) in
        [("/usr/lib/python3/dist-packages/a", true), ("/usr/local/lib/a", false), ("/app/a", false)]
    {
        for package in inventory.packages.iter_mut().filter(|package| !package.package_type.is_os()) {
            package.locations = vec![location.into()];
        }
        assert_eq!(built.matches(&inventory).blind_spots.is_empty(), excused, "{location}");
    }
}

#[test]
fn advisories_for_rpms_say_nothing_of_debs() {
    let built = built(&[&record("ALSA-2024:1", "", "AlmaLinux:9", "x", "..")]);
    let matches = built.matches(&image(Some(distro("almalinux", "9.3")), vec![deb("x", "1", "x", None)]));
    assert_eq!(spots(&matches.blind_spots)[0].0, BlindKind::DistroUnknown);
}

#[test]
fn an_excused_package_needs_no_ecosystem() {
    let built = built(&[&record("DEBIAN-CVE-2024-1", "", "Debian:12", "x", "..")]);
    assert!(built.matches(&owned(deb("python3-a", "1.0-1", "a", None), "12")).blind_spots.is_empty());
}

#[test]
fn a_nested_root_is_judged_by_its_own_distribution() {
    let built = built(&[
        &record("DEBIAN-CVE-2024-1", "", "Debian:12", "x", ".."),
        &record("ALPINE-CVE-2024-2", "", "Alpine:v3.18", "x", ".."),
    ]);
    let mut apk = package(PackageType::Apk, "x", "1-r0");
    apk.root = "/chroot".into();
    let mut lost = package(PackageType::Apk, "x", "2-r0");
    lost.root = "/other".into();
    let mut inventory = image(Some(distro("debian", "12")), vec![deb("x", "1", "x", None), apk, lost]);
    inventory.nested_roots = vec![
        NestedRoot { root: "/chroot".into(), distro: Some(distro("alpine", "3.18.2")) },
        NestedRoot { root: "/other".into(), distro: None },
    ];
    let matches = built.matches(&inventory);
    assert_eq!(ids(&matches.vulnerabilities), ["CVE-2024-1", "CVE-2024-2"]);
    assert_eq!(matches.vulnerabilities[1].package_id, "apk:x@1-r0");
    assert!(matches.blind_spots.is_empty());
}

#[test]
fn a_bitnami_component_is_told_by_its_purl() {
    let built = built(&[&record("BIT-a-1", "", "Bitnami", "a", "..2.0.0")]);
    let mut component = package(PackageType::Generic, "a", "1.0.0");
    assert!(built.matches(&image(None, vec![component.clone()])).vulnerabilities.is_empty());
    component.purl = Some(plimsoll_types::Purl::new("bitnami", None, "a", Some("1.0.0")));
    assert_eq!(built.matches(&image(None, vec![component])).vulnerabilities.len(), 1);
}

#[test]
fn damage_below_a_match_is_an_error_and_not_a_clean_image() {
    let built = built(&[&record("A", "", "npm", "a", "..")]);
    let mut bytes = std::fs::read(built.path()).unwrap();
    bytes[crate::snapshot::format::HEADER as usize + 3] ^= 1;
    std::fs::write(built.path(), bytes).unwrap();
    let snapshot = crate::Snapshot::open(&built.path()).unwrap();
    let inventory = image(None, vec![package(PackageType::Npm, "a", "1.0.0")]);
    assert!(matches!(crate::match_inventory(&inventory, &snapshot), Err(crate::Error::Damaged { .. })));
}
