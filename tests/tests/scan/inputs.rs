//! What a verdict is given by: policy, allowlists, snapshot. What cannot be read is an answer; what changes, changes the
//! verdict on an image that is known already.

use plimsoll_tests::image::Layer;

use crate::workshop::{AMD64, Workshop, image, installs, removes};

const ALLOWS: &str = "
schema: plimsoll.allowlist/v1
items:
  - gate: vulnerabilities
    trigger_id: CVE-2023-90001+harbour
    reason: the harbour is closed
    expires: 2024-01-31
";

/// A policy that stops nothing.
const LENIENT: &str = "
schema: plimsoll.policy/v1
name: lenient
rules:
  - gate: vulnerabilities
    trigger: package
    action: go
    params: {severity: high}
";

fn vulnerable(workshop: &Workshop) -> String {
    workshop.registry.push("app", "1", &image(&[installs("harbour", "1.9")]))
}

#[test]
fn what_cannot_be_read_is_named_and_not_judged() {
    let workshop = Workshop::new();
    let reference = vulnerable(&workshop);
    let broken = workshop.write("broken", "\u{1}not a policy, a list or a snapshot");
    let broken = broken.to_str().unwrap();
    for (option, file, kind) in [
        ("--policy", "/no/such/file", "policy_unreadable"),
        ("--policy", broken, "policy_invalid"),
        ("--allowlist", "/no/such/file", "allowlist_unreadable"),
        ("--allowlist", broken, "allowlist_invalid"),
        ("--allowlist", "s3://bucket/list.yaml", "allowlist_unreadable"),
    ] {
        let line = workshop.scan(&reference, &[AMD64, &[option, file]].concat()).expect_error(kind);
        assert!(line.contains(file), "{line}");
    }
    for file in ["/no/such/file", broken] {
        let outcome = workshop.scan_blind(&reference, &[AMD64, &["--db", file]].concat());
        let line = outcome.expect_error("db_unreadable");
        assert!(line.contains(file), "{line}");
    }
    assert!(workshop.registry.requests().is_empty(), "nothing is pulled for a scan that cannot be judged");
}

#[test]
fn mistakes_of_a_policy_are_named_by_line_and_field() {
    let workshop = Workshop::new();
    let policy = workshop.write("policy.yaml", LENIENT.replace("severity: high", "severity: hihg"));
    let policy = policy.to_str().unwrap();
    let reference = vulnerable(&workshop);
    let line =
        workshop.scan(&reference, &[AMD64, &["--policy", policy]].concat()).expect_error("policy_invalid");
    assert!(line.contains("severity") && line.contains('8') && line.contains("high"), "{line}");

    let check = workshop.command().args(["policy", "check", policy]).output().unwrap();
    assert!(!check.status.success());
}

#[test]
fn the_default_policy_is_the_one_that_is_printed() {
    let workshop = Workshop::new();
    let reference = vulnerable(&workshop);
    let printed = workshop.command().args(["policy", "default"]).output().unwrap();
    let policy = workshop.write("default.yaml", printed.stdout);
    let policy = policy.to_str().unwrap();
    assert!(workshop.command().args(["policy", "check", policy]).output().unwrap().status.success());
    let ours = workshop.scan(&reference, AMD64).expect(1);
    let given = workshop.scan(&reference, &[AMD64, &["--policy", policy]].concat()).expect(1);
    assert_eq!(ours.report["verdict"], given.report["verdict"]);
}

#[test]
fn an_allowlist_excuses_until_it_expires() {
    let workshop = Workshop::new();
    let reference = vulnerable(&workshop);
    let list = workshop.write("list.yaml", ALLOWS);
    let outcome =
        workshop.scan(&reference, &[AMD64, &["--allowlist", list.to_str().unwrap()]].concat()).expect(0);
    assert_eq!(outcome.vulnerabilities(), ["CVE-2023-90001"], "it is excused, not hidden");
    assert!(!outcome.report["verdict"]["reasons"][0]["allowlisted"].is_null());

    let list = workshop.write("list.yaml", ALLOWS.replace("2024-01-31", "2023-12-31"));
    workshop.scan(&reference, &[AMD64, &["--allowlist", list.to_str().unwrap()]].concat()).expect(1);
}

#[test]
fn an_allowlist_is_checked_as_a_policy_is() {
    let workshop = Workshop::new();
    let check = |name: &str, text: &str| {
        let file = workshop.write(name, text);
        let output = workshop.command().args(["policy", "check"]).arg(file).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = check("list.yaml", ALLOWS);
    assert!(code == Some(0) && said.contains("list.yaml: an allowlist, sha256:"), "{said}");
    let (code, said) = check("wrong.yaml", &ALLOWS.replace("gate: ", "gate: x"));
    assert!(
        code == Some(1) && said.contains("wrong.yaml: line ") && said.contains(".gate: unknown gate"),
        "{said}"
    );
}

#[test]
fn a_blind_spot_is_allowed_by_name_only() {
    let workshop = Workshop::new();
    let reference = vulnerable(&workshop);
    workshop.scan_blind(&reference, AMD64).expect(3);
    workshop.scan_blind(&reference, &[AMD64, &["--allow-blind", "windows"]].concat()).expect(3);
    let outcome =
        workshop.scan_blind(&reference, &[AMD64, &["--allow-blind", "no_knowledge"]].concat()).expect(0);
    assert!(outcome.report["coverage"]["blind_spots"][0]["kind"] == "no_knowledge", "it is still reported");
}

#[test]
fn knowledge_nobody_renewed_for_a_month_warns_and_a_policy_may_want_it_newer() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image(&[installs("harbour", "2.0")]));
    let at = |clock: &str, more: &[&str]| {
        let database = workshop.database();
        let arguments = [AMD64, &["--db", database.to_str().unwrap()], more].concat();
        workshop.scan_at(clock, &reference, &arguments)
    };
    // The records of the feed are of the 15th of December 2023.
    at("2024-01-14T23:59:59Z", &[]).expect(0);
    let outcome = at("2024-01-15T00:00:00Z", &[]).expect(2);
    let spot = &outcome.report["coverage"]["blind_spots"][0];
    assert_eq!(
        (&spot["kind"], &spot["class"], &spot["subject"]),
        (&"knowledge_stale".into(), &"stale".into(), &"PyPI".into())
    );
    assert!(spot["message"].as_str().unwrap().contains("2023-12-15, 31 days"), "{spot}");
    at("2024-01-15T00:00:00Z", &["--allow-blind", "knowledge_stale"]).expect(0);

    let weekly = LENIENT.replace(
        "rules:",
        "rules: [{gate: coverage, trigger: knowledge_age, action: stop, params: {max_days: 7}}]",
    );
    let weekly = workshop.write("weekly.yaml", weekly.split("  - gate").next().unwrap());
    at("2023-12-22T00:00:00Z", &["--policy", weekly.to_str().unwrap()]).expect(0);
    at("2023-12-23T00:00:00Z", &["--policy", weekly.to_str().unwrap()]).expect(1);
}

#[test]
fn an_allowlist_excuses_one_blind_spot_and_never_all() {
    let workshop = Workshop::new();
    let reference = vulnerable(&workshop);
    let list = ALLOWS.replace("gate: vulnerabilities", "gate: coverage");
    let named = workshop.write("named.yaml", list.replace("CVE-2023-90001+harbour", "no_knowledge+snapshot"));
    workshop.scan_blind(&reference, &[AMD64, &["--allowlist", named.to_str().unwrap()]].concat()).expect(0);
    let all = workshop.write("all.yaml", list.replace("CVE-2023-90001+harbour", "'*'"));
    let line = workshop
        .scan_blind(&reference, &[AMD64, &["--allowlist", all.to_str().unwrap()]].concat())
        .expect_error("allowlist_invalid");
    assert!(line.contains("KIND+SUBJECT") && line.contains("--allow-blind"), "{line}");
}

#[test]
fn an_image_without_a_file_is_not_judged() {
    let workshop = Workshop::new();
    let layers = [Layer::new("ADD rootfs /").directories("etc/app")];
    for (tag, layers) in
        [("0", &[][..]), ("1", &layers), ("2", &[installs("harbour", "1.9"), removes("harbour", "1.9")])]
    {
        let reference = workshop.registry.push("empty", tag, &image(layers));
        let outcome = workshop.scan(&reference, AMD64).expect(3);
        let spots = outcome.report["coverage"]["blind_spots"].to_string();
        assert!(spots.contains("image_empty") && spots.contains("--allow-blind image_empty"), "{spots}");
        workshop.scan(&reference, &[AMD64, &["--allow-blind", "image_empty"]].concat()).expect(0);
    }
}

#[test]
fn a_policy_and_a_snapshot_change_the_verdict_on_a_known_image_without_a_pull() {
    let workshop = Workshop::new();
    let image = image(&[installs("harbour", "1.9"), installs("jetty", "1.2")]);
    let reference = workshop.registry.push("app", "1", &image);
    let before = workshop.scan(&reference, AMD64).expect(1);
    assert_eq!(before.vulnerabilities(), ["CVE-2023-90001", "CVE-2023-90002"]);

    let policy = workshop.write("policy.yaml", LENIENT);
    let lenient =
        workshop.scan(&reference, &[AMD64, &["--policy", policy.to_str().unwrap()]].concat()).expect(0);
    assert_ne!(before.report["verdict"]["policy_digest"], lenient.report["verdict"]["policy_digest"]);

    std::fs::remove_file(workshop.path("feed/TEST-1.json")).unwrap();
    let (database, feed) = (workshop.path("less.db"), workshop.path("feed"));
    let built = workshop.command().args(["db", "build", "--out"]).arg(&database).arg(feed).output().unwrap();
    assert!(built.status.success());
    let less = workshop.scan_blind(&reference, &[AMD64, &["--db", database.to_str().unwrap()]].concat());
    assert_eq!(less.vulnerabilities(), ["CVE-2023-90002"]);
    assert_ne!(before.report["verdict"]["knowledge_digest"], less.report["verdict"]["knowledge_digest"]);
    assert_eq!(less.known(), [true, true]);
    assert_eq!(workshop.registry.layer_pulls(&image), [1, 1]);
}
