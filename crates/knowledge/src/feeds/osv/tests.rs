use plimsoll_types::report::Severity;

use super::*;

fn read(json: &str) -> Advisory {
    Osv.read("x.json", json.as_bytes()).unwrap().remove(0)
}

#[test]
fn a_record_of_a_distribution() {
    let advisory = read(
        r#"{"id":"ALSA-2023:1","modified":"2023-06-23T18:28:21Z","summary":"Important: texlive security update",
            "related":["CVE-2023-1"],"affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"texlive"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9:2020-26.el9_2"}]}]}]}"#,
    );
    assert_eq!(advisory.rating.severity, Some((Severity::High, "summary".to_owned())));
    assert_eq!(advisory.related, ["CVE-2023-1"]);
    assert_eq!(advisory.modified.unwrap().to_string(), "2023-06-23T18:28:21Z");
    let affected = &advisory.affected[0];
    assert_eq!(
        (affected.ecosystem.to_string().as_str(), affected.package.as_str()),
        ("AlmaLinux:9", "texlive")
    );
    assert_eq!(affected.ranges, [[Event::Introduced("0".into()), Event::Fixed("9:2020-26.el9_2".into())]]);
}

#[test]
fn yaml_is_the_same_record() {
    let yaml = "id: PYSEC-1\nmodified: '2021-07-08T03:14:19Z'\ndetails: |\n  It breaks. Badly.\naffected:\n- package:\n    name: Django\n    ecosystem: PyPI\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: '3.1'\n    - fixed: 3.1.13\n  versions:\n  - '3.1'\n  - 3.10\n";
    let advisory = Osv.read("x.yaml", yaml.as_bytes()).unwrap().remove(0);
    assert_eq!(advisory.summary.as_deref(), Some("It breaks."));
    assert_eq!(advisory.affected[0].versions, ["3.1", "3.10"]);
}

#[test]
fn commits_are_ignored_and_an_empty_entry_is_a_problem() {
    let entry = |ranges: &str| {
        read(&format!(
            r#"{{"id":"A","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"ranges":{ranges}}}]}}"#
        ))
    };
    let commits = entry(r#"[{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}]"#);
    assert!(commits.affected.is_empty() && commits.problems.is_empty());
    let empty = entry("null");
    assert!(empty.affected.is_empty());
    assert_eq!(empty.problems, ["npm a has neither ranges nor versions"]);
}

#[test]
fn unknown_ecosystems_are_named() {
    let advisory =
        read(r#"{"id":"A","affected":[{"package":{"ecosystem":"GHC","name":"ghc"},"versions":["1"]}]}"#);
    assert_eq!(advisory.unsupported, ["GHC"]);
}

#[test]
fn severity_is_sought_from_the_record_downwards() {
    for (record, entry, expected) in [
        (
            r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"database_specific":{"severity":"LOW"}"#,
            "",
            Some((Severity::Critical, "severity")),
        ),
        (
            r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"type":"Ubuntu","score":"low"}]"#,
            "",
            Some((Severity::Low, "severity[Ubuntu]")),
        ),
        (
            r#""database_specific":{"severity":"MODERATE"}"#,
            "",
            Some((Severity::Medium, "database_specific.severity")),
        ),
        (r#""database_specific":null"#, "", None),
    ] {
        let advisory = read(&format!(
            r#"{{"id":"A",{record},"affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"versions":["1"]{entry}}}]}}"#
        ));
        assert_eq!(advisory.rating.severity, expected.map(|(severity, field)| (severity, field.to_owned())));
    }
}

#[test]
fn an_entry_has_a_rating_of_its_own() {
    for (entry, expected) in [
        (
            r#""severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:C/I:C/A:C"}]"#,
            (Severity::Critical, "affected.severity"),
        ),
        (
            r#""ecosystem_specific":{"urgency":"low**"}"#,
            (Severity::Low, "affected.ecosystem_specific.urgency"),
        ),
        (
            r#""database_specific":{"cvss":"CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}"#,
            (Severity::Medium, "affected.database_specific.cvss"),
        ),
    ] {
        let advisory = read(&format!(
            r#"{{"id":"A","affected":[{{"package":{{"ecosystem":"Debian:12","name":"a"}},"versions":["1"],{entry}}}]}}"#
        ));
        assert_eq!(advisory.affected[0].rating.severity, Some((expected.0, expected.1.to_owned())));
    }
}

#[test]
fn the_binaries_of_suse_are_named_with_their_own_versions() {
    let advisory = read(
        r#"{"id":"SUSE-SU-1","affected":[{"package":{"ecosystem":"SUSE:Linux Enterprise Server 12","name":"libqt4"},
            "ecosystem_specific":{"binaries":[{"libqt4-x11":"4.8.6-7.1"}]},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"4.8.6-7"}]}]}]}"#,
    );
    assert_eq!(advisory.affected.len(), 1);
    assert_eq!(advisory.affected[0].package, "libqt4-x11");
    assert_eq!(advisory.affected[0].names, NameRule::Binary);
    assert_eq!(advisory.affected[0].ranges[0][1], Event::Fixed("4.8.6-7.1".into()));
}

#[test]
fn what_an_interest_group_rebuilt_is_not_the_releases() {
    let of = |distro: &str| {
        read(&format!(
            r#"{{"id":"RLSA-1","affected":[{{"package":{{"ecosystem":"Rocky Linux:8","name":"kernel","purl":"pkg:rpm/rocky-linux/kernel?distro={distro}&epoch=0"}},"versions":["1"]}}]}}"#
        ))
        .affected
        .len()
    };
    assert_eq!((of("rocky-linux-8"), of("rocky-linux-8-sig-cloud")), (1, 0));
}

#[test]
fn a_module_stream_is_read_off_the_title() {
    assert_eq!(
        stream("Important: nodejs:18 security update"),
        Some(Stream { module: "nodejs".into(), stream: "18".into() })
    );
    assert_eq!(stream("Important: curl security update"), None);
    assert_eq!(stream("nodejs:18"), None);
}

#[test]
fn hostile_yaml_is_refused_and_not_expanded() {
    let level = |level: u32| match level {
        0 => "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned(),
        _ => format!("x{level}: &x{level} [{}]\n", vec![format!("*x{}", level - 1); 10].join(", ")),
    };
    let levels: String = (0..12).map(level).collect();
    let bomb = format!("id: a\n{levels}database_specific: *x11\n");
    assert!(Osv.read("x.yaml", bomb.as_bytes()).is_err());
    assert!(Osv.read("x.yaml", "[".repeat(100_000).as_bytes()).is_err());
    assert!(Osv.read("x.json", "[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn records_without_an_id_say_so() {
    for json in ["{}", r#"{"id":" "}"#, "[]", "null", ""] {
        assert!(Osv.read("x.json", json.as_bytes()).is_err(), "{json}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_an_error_or_advisories(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _either = Osv.read("x.json", &bytes);
        let _or = Osv.read("x.yaml", &bytes);
    }
}
