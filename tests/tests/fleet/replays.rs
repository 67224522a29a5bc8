//! A verdict is computed again from what was stored with it.

use serde_json::Value;

use crate::fleet::{Fleet, Settings, image, installs};

/// Without a name: in a verdict it is called by its digest, wherever it lay.
const ALLOWS: &str = "
schema: plimsoll.allowlist/v1
items:
  - gate: vulnerabilities
    trigger_id: TEST-9+quay
    reason: the quay is closed
";

const STRICT: &str = "
schema: plimsoll.policy/v1
name: strict
rules:
  - gate: vulnerabilities
    trigger: package
    action: stop
    params: {severity: low}
";

#[test]
fn a_verdict_is_replayed_where_there_is_nothing_but_the_store() {
    let files = vec![("--policy", "strict.yaml", STRICT), ("--allowlist", "allows.yaml", ALLOWS)];
    let fleet = Fleet::start_with(Settings { files, ..Settings::default() });
    let reference = fleet.registry.push("harbour/app", "1", &image("amd64", &[installs("quay", "1.0")]));
    let answer = fleet.judge(&reference);
    assert_eq!(answer.code, 0, "excused: {answer:?}");
    let digest = answer.documents()[0].to_owned();
    let document: Value = serde_json::from_slice(&fleet.document(&digest)).expect("JSON");
    assert_eq!(document["inputs"]["allowlists"].as_array().map(Vec::len), Some(1), "{document}");
    let called = &document["verdict"]["reasons"][0]["allowlisted"]["list"];
    assert_eq!(*called, document["inputs"]["allowlists"][0]);

    fleet.lose_rules();
    let replayed = fleet.replay(&digest);
    assert_eq!(replayed.code, 0, "{replayed:?}");
}

#[test]
fn what_is_missing_for_a_replay_is_named() {
    let fleet = Fleet::start();
    let reference = fleet.registry.push("harbour/app", "1", &image("amd64", &[installs("jetty", "1.0")]));
    let answer = fleet.judge(&reference);
    let digest = answer.documents()[0].to_owned();
    std::fs::remove_dir_all(fleet.store().join("snapshots")).expect("snapshots are in the store");
    let replayed = fleet.replay(&digest);
    assert_eq!(replayed.code, 3, "{replayed:?}");
    assert!(replayed.stderr.contains("knowledge snapshot sha256:"), "{replayed:?}");
}
