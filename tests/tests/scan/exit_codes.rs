//! The exit codes are a contract: 0 pass, 1 fail, 2 warn, 3 not judged, 64 usage.

use std::process::Stdio;

use plimsoll_tests::image::Blob;
use plimsoll_tests::registry::{Fault, Misdeed};

use crate::workshop::{AMD64, Workshop, image, installs};

#[test]
fn nothing_known_against_an_image_is_0() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("harbour", "2.0")]));
    let outcome = workshop.scan(&reference, AMD64).expect(0);
    assert_eq!(outcome.report["verdict"]["status"], "pass");
    assert!(outcome.vulnerabilities().is_empty() && outcome.stderr.is_empty());
}

#[test]
fn a_critical_vulnerability_with_a_fix_is_1() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("harbour", "1.9")]));
    let outcome = workshop.scan(&reference, AMD64).expect(1);
    assert_eq!(outcome.report["verdict"]["status"], "fail");
    assert_eq!(outcome.vulnerabilities(), ["CVE-2023-90001"]);
    assert_eq!(outcome.report["verdict"]["reasons"][0]["trigger_id"], "CVE-2023-90001+harbour");
}

#[test]
fn warnings_are_2_or_what_the_user_wants_them_to_be() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("quay", "1.0")]));
    let policy = workshop.write("policy.yaml", WARNS);
    let policy = policy.to_str().unwrap();
    let scan = |more: &[&str]| workshop.scan(&reference, &[AMD64, &["--policy", policy], more].concat());
    assert_eq!(scan(&[]).expect(2).report["verdict"]["status"], "warn");
    scan(&["--warn-exit-code", "0"]).expect(0);
    scan(&["--warn-exit-code", "42"]).expect(42);
}

/// A policy that warns of the package every image here has.
const WARNS: &str = "
schema: plimsoll.policy/v1
name: warns
rules:
  - gate: packages
    trigger: denied
    action: warn
    params: {names: [quay]}
";

#[test]
fn without_a_snapshot_it_is_3_and_no_warning_code_changes_that() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("quay", "1.0")]));
    let outcome = workshop.scan_blind(&reference, &[AMD64, &["--warn-exit-code", "0"]].concat()).expect(3);
    assert_eq!(outcome.report["verdict"]["status"], "not_judged");
    assert_eq!(outcome.report["coverage"]["blind_spots"][0]["kind"], "no_knowledge");
    assert_eq!(outcome.packages().len(), 1, "what was found is reported all the same");
}

#[test]
fn a_command_line_that_makes_no_sense_is_64_and_one_line() {
    let output = std::process::Command::new(plimsoll_tests::binary::plimsoll().unwrap())
        .args(["scan", "app:1", "--warn-exit-code", "many"])
        .output()
        .unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{line}");
    assert!(line.starts_with("plimsoll: invalid value 'many'") && line.lines().count() == 1, "{line}");
}

#[test]
fn what_cannot_be_reached_or_found_is_3() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("quay", "1.0")]));
    workshop.scan("127.0.0.1:1/app:1", AMD64).expect_error("unreachable");
    let none = workshop.registry.reference("app", "none");
    let outcome = workshop.scan(&none, AMD64);
    assert_eq!(outcome.report["image"]["reference"], none, "whoever scans many can tell which one failed");
    let line = outcome.expect_error("not_found");
    assert!(line.contains("check the name"), "{line}");
    workshop.scan(&format!("oci:{}", workshop.path("none").display()), AMD64).expect_error("io");

    workshop.registry.fault(Fault::always("/manifests/", Misdeed::Status(500)));
    workshop.scan(&reference, AMD64).expect_error("registry_error");
}

#[test]
fn what_is_not_an_image_is_3_and_never_clean() {
    let workshop = Workshop::new();
    let chart = r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
        "layers": []}"#;
    let manifest = Blob::new("application/vnd.oci.image.manifest.v1+json", chart);
    let reference = workshop.registry.push_manifest("chart", "1", manifest);
    let line = workshop.scan(&reference, AMD64).expect_error("not_an_image");
    assert!(line.contains("Helm chart"), "{line}");

    let broken = Blob::new("application/vnd.oci.image.manifest.v1+json", "{\"schemaVersion\": 2");
    let reference = workshop.registry.push_manifest("broken", "1", broken);
    workshop.scan(&reference, AMD64).expect_error("bad_manifest");
}

#[test]
fn a_report_that_cannot_be_written_is_3_and_named_as_it_was_asked_for() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("harbour", "2.0")]));
    let file = workshop.path("missing/report.json");
    let format = format!("--format=json={}", file.display());
    let outcome = workshop.scan(&reference, &[AMD64, &[&format]].concat());
    assert_eq!(outcome.code, 3, "{outcome:?}");
    let expected = format!("cannot write {}: ", file.display());
    assert!(outcome.stderr.contains(&expected) && !outcome.stderr.contains(".plimsoll-"), "{outcome:?}");

    let feed = workshop.path("feed");
    let built = workshop.command().args(["db", "build", "--out"]).arg(&file).arg(feed).output().unwrap();
    let stderr = String::from_utf8_lossy(&built.stderr);
    assert!(stderr.contains(&expected) && !stderr.contains("missing/.tmp"), "{stderr}");
}

#[test]
fn a_reader_that_has_seen_enough_changes_no_verdict() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("harbour", "1.9")]));
    let mut command = workshop.command();
    command.args(["scan", &reference, "--format", "json", "--db"]).arg(workshop.database()).args(AMD64);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_report_goes_through_a_link_and_leaves_it_a_link() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("harbour", "2.0")]));
    let (link, target) = (workshop.path("link.json"), workshop.write("target.json", "old"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let format = format!("--format=json={}", link.display());
    workshop.scan(&reference, &[AMD64, &[&format]].concat()).expect(0);
    assert!(link.is_symlink() && std::fs::read_to_string(&target).unwrap().starts_with('{'));
}

#[test]
fn a_mistake_on_the_command_line_is_64() {
    let workshop = Workshop::new();
    for arguments in [
        &["scan"][..],
        &["scan", "app:1", "--no-such-option"],
        &["scan", "app:1", "--allow-blind", "everything"],
        &["scan", "app:1", "--format", "xml"],
        &["scan", "app:1", "--format", "json", "--format", "table"],
        &["scan", "app:1", "--format", "json=same", "--document", "same"],
        &["scan", "app:1", "--clock", "yesterday"],
        &["scan", "./image.tar"],
        &["scan", "app:1", "--warn-exit-code", "1000"],
        &["scan", "UPPER CASE"],
        &["no-such-command"],
    ] {
        let output = workshop.command().args(arguments).output().expect("plimsoll runs");
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}
