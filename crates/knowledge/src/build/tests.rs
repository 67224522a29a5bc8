use std::fs;

use crate::fixture::{Built, built, record};
use crate::snapshot::Completeness;
use crate::source::MARKER;
use crate::{BuildOptions, Error, Snapshot, build};

fn key(built: &Built, key: &str) -> Completeness {
    built.report.ecosystems.iter().find(|info| info.key() == key).unwrap().completeness
}

#[test]
fn the_same_records_make_the_same_bytes_whatever_the_order_of_sources() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let a = record("GHSA-a", r#""aliases":["CVE-2024-1"]"#, "npm", "a", "..1.0.0");
    let b = record("GHSA-b", "", "npm", "b", "1.0.0..2.0.0");
    for (name, text) in [("x.json", &a), ("y.json", &b), ("z.json", &a)] {
        fs::write(path(name), text).unwrap();
    }
    let make = |sources: &[&str], out: &str| {
        let sources: Vec<_> = sources.iter().map(|name| path(name)).collect();
        build(&sources, &path(out), &BuildOptions::default()).unwrap()
    };
    let one = make(&["x.json", "y.json"], "1");
    let two = make(&["y.json", "z.json", "x.json"], "2");
    assert_eq!(fs::read(path("1")).unwrap(), fs::read(path("2")).unwrap());
    assert_eq!((one.digest, one.records, one.duplicates), (two.digest, 2, 0));
    assert_eq!(two.duplicates, 1);
    assert_ne!(make(&["x.json"], "3").digest, one.digest);
}

#[test]
fn of_two_records_of_one_id_the_last_changed_counts() {
    let old = record("A", r#""summary":"old""#, "npm", "a", "..1.0.0").replace("2024-01-02", "2023-01-02");
    let new = record("A", r#""summary":"new""#, "npm", "a", "..2.0.0");
    let one = built(&[&old, &new]);
    assert_eq!(one.report.digest, built(&[&new]).report.digest);
    assert_eq!(one.report.duplicates, 1);
}

#[test]
fn a_withdrawal_outdoes_the_record_it_withdraws() {
    let old = record("A", "", "npm", "a", "..1.0.0").replace("2024-01-02", "2023-01-02");
    let new = record("A", r#""withdrawn":"2024-01-01T00:00:00Z""#, "npm", "a", "..1.0.0");
    let other = record("B", "", "npm", "b", "..1.0.0");
    for records in [[&old, &new, &other], [&new, &other, &old]] {
        let built = built(&records.map(String::as_str));
        assert_eq!((built.report.records, built.report.withdrawn, built.report.duplicates), (1, 1, 1));
    }
}

#[test]
fn nothing_is_left_out_in_silence() {
    let built = built(&[
        &record("A", "", "npm", "a", "..1.0.0"),
        "no json",
        r#"{"id":"B","affected":[{"package":{"ecosystem":"npm","name":"b"}}]}"#,
        &record("C", "", "npm", "c", "..one"),
        &record("D", r#""withdrawn":"2024-01-01T00:00:00Z""#, "npm", "d", "..1.0.0"),
        &record("ALBA-2024:1", "", "AlmaLinux:9", "e", "..1-1"),
        &record("F", "", "GHC", "f", "..1"),
    ]);
    let report = &built.report;
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|skipped| (skipped.file.rsplit('/').next().unwrap(), skipped.why.as_str()))
        .collect();
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert!(skipped[0].0 == "1.json" && skipped[0].1.starts_with("not a record of feed osv"), "{skipped:?}");
    assert_eq!(skipped[1], ("2.json", "npm b has neither ranges nor versions"));
    assert!(
        skipped[2].0 == "3.json" && skipped[2].1.starts_with("npm c: range not understood"),
        "{skipped:?}"
    );
    assert_eq!((report.withdrawn, report.not_security), (1, 1));
    assert_eq!(report.unsupported, [("GHC".to_owned(), 1)]);
    assert_eq!(report.records, 4);
}

#[test]
fn an_erratum_that_names_a_cve_is_kept_whatever_its_kind() {
    let erratum = record("ALBA-2024:1", r#""related":["CVE-2024-1"]"#, "AlmaLinux:9", "e", "..1-1");
    assert_eq!(built(&[&erratum]).report.not_security, 0);
}

#[test]
fn no_advisory_at_all_is_an_error_that_says_why() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), "{}").unwrap();
    let out = folder.path().join("out");
    let error = build(&[folder.path().to_owned()], &out, &BuildOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NoAdvisories { .. }));
    assert!(error.to_string().contains("a.json: not a record of feed osv: missing field `id`"), "{error}");
    assert!(!out.exists());
}

#[test]
fn nothing_is_left_behind_when_the_target_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), record("A", "", "npm", "a", "..1.0.0")).unwrap();
    let out = folder.path().join("none/out");
    assert!(matches!(
        build(&[folder.path().join("a.json")], &out, &BuildOptions::default()),
        Err(Error::Io { action: "write", .. })
    ));
    fs::create_dir_all(&out).unwrap();
    assert!(build(&[folder.path().join("a.json")], &out, &BuildOptions::default()).is_err());
    assert_eq!(fs::read_dir(folder.path().join("none")).unwrap().count(), 1);
}

#[test]
fn a_snapshot_replaces_snapshots_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let source = path("a.json");
    fs::write(&source, record("A", "", "npm", "a", "..1.0.0")).unwrap();
    let make = |out: &std::path::Path| build(std::slice::from_ref(&source), out, &BuildOptions::default());

    let error = make(&source).unwrap_err();
    assert!(matches!(error, Error::OverSource { .. }), "{error}");
    assert!(fs::read_to_string(&source).unwrap().starts_with('{'));

    let socket = path("socket");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = make(&socket).unwrap_err();
    assert!(matches!(error, Error::NoRegularFile { .. }), "{error}");

    let (target, link) = (path("dated"), path("current"));
    make(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    fs::write(&target, "old").unwrap();
    make(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    Snapshot::open(&target).unwrap();
}

#[test]
fn info_counts_by_release_and_dates_by_the_records() {
    let built = built(&[
        &record("A", "", "Debian:12", "x", "..1"),
        &record("B", "", "Debian:12", "x", "..2").replace("2024-", "2025-"),
        &record("C", "", "Go", "y", "..1.0.0").replace("2024-01-02T03:04:05Z", "0001-01-01T00:00:00Z"),
    ]);
    let info = built.snapshot.info();
    assert_eq!(info.ecosystems, built.report.ecosystems);
    assert_eq!(info.created.as_deref(), Some("2025-01-02T03:04:05Z"));
    let debian = &info.ecosystems[0];
    assert_eq!((debian.key().as_str(), debian.records, debian.packages), ("Debian:12", 2, 1));
    assert_eq!(debian.oldest_modified.as_deref(), Some("2024-01-02T03:04:05Z"));
    assert_eq!(info.ecosystems[1].newest_modified, None);
}

#[test]
fn markers_make_demonstrations_and_a_whole_feed_outdoes_them() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    fs::create_dir(&demo).unwrap();
    fs::write(demo.join(MARKER), r#"{"completeness":"demonstration"}"#).unwrap();
    fs::write(demo.join("a.json"), record("A", "", "npm", "a", "..1.0.0")).unwrap();
    fs::write(folder.path().join("b.json"), record("B", "", "npm", "b", "..1.0.0")).unwrap();
    let out = folder.path().join("out");
    let completeness = |sources: &[std::path::PathBuf]| {
        build(sources, &out, &BuildOptions::default()).unwrap();
        Snapshot::open(&out).unwrap().info().ecosystems[0].completeness
    };
    assert_eq!(completeness(std::slice::from_ref(&demo)), Completeness::Demonstration);
    assert_eq!(completeness(&[demo, folder.path().join("b.json")]), Completeness::Complete);
}

#[test]
fn a_source_with_a_record_nobody_could_read_is_no_whole_feed() {
    let good = record("A", "", "npm", "a", "..1.0.0");
    assert_eq!(key(&built(&[&good]), "npm"), Completeness::Complete);
    assert_eq!(key(&built(&[&good, "{ cut sho"]), "npm"), Completeness::Incomplete);
}

#[test]
fn a_record_of_a_feed_counts_before_the_demonstrations_of_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    fs::create_dir(&demo).unwrap();
    fs::write(demo.join(MARKER), r#"{"completeness":"demonstration"}"#).unwrap();
    let old = record("A", "", "npm", "a", "..1.0.0").replace("2024-01-02T03:04:05Z", "0001-01-01T00:00:00Z");
    fs::write(demo.join("a.json"), record("A", "", "npm", "a", "..2.0.0")).unwrap();
    fs::write(folder.path().join("a.json"), &old).unwrap();
    let out = folder.path().join("out");
    let real = folder.path().join("a.json");
    let report = build(&[demo, real], &out, &BuildOptions::default()).unwrap();
    assert_eq!((report.duplicates, report.digest), (1, built(&[&old]).report.digest));
}

#[test]
fn by_catch_of_another_release_is_no_feed() {
    let both = |id: &str| {
        let nine = record(id, "", "AlmaLinux:9", "a", "..1-1");
        let eight = r#""affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"a"},"versions":["1-0"]},"#;
        nine.replace(r#""affected":["#, eight)
    };
    let alone = |id: &str| record(id, "", "AlmaLinux:8", "a", "..1-1");
    let by_catch = built(&[&both("ALSA-1"), &alone("ALSA-2"), &alone("ALSA-3")]);
    assert_eq!(key(&by_catch, "AlmaLinux:9"), Completeness::Incomplete);
    assert_eq!(key(&by_catch, "AlmaLinux:8"), Completeness::Complete);
    let own = record("ALSA-4", "", "AlmaLinux:9", "a", "..1-1");
    let whole = built(&[&both("ALSA-1"), &alone("ALSA-2"), &alone("ALSA-3"), &own]);
    assert_eq!(key(&whole, "AlmaLinux:9"), Completeness::Complete);
}

#[test]
fn a_damaged_snapshot_is_named_and_never_believed() {
    let built = built(&[&record("A", "", "npm", "a", "..1.0.0")]);
    let good = fs::read(built.path()).unwrap();
    built.snapshot.verify().unwrap();
    let damaged = built.folder.path().join("damaged");
    let open = |bytes: &[u8]| {
        fs::write(&damaged, bytes).unwrap();
        Snapshot::open(&damaged).and_then(|snapshot| snapshot.verify())
    };
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x41;
        assert!(open(&bytes).is_err(), "byte {at}");
        assert!(open(&good[..at]).is_err(), "cut at {at}");
    }
    assert!(matches!(open(b"PK"), Err(Error::NotASnapshot { .. })));
    let mut newer = good;
    newer[8] = 2;
    assert!(matches!(open(&newer), Err(Error::FormatVersion { found: 2, .. })));
}
