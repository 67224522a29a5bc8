//! A scan from its submission to its end.

use plimsoll_tests::registry::{Fault, Misdeed};
use serde_json::Value;

use crate::fleet::{Fleet, image, installs};

#[test]
fn a_fleet_and_a_scan_by_hand_write_the_same_document() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("quay", "1.0"), installs("jetty", "1.2")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);

    let answer = fleet.judge(&reference);
    assert_eq!(answer.code, 1, "{answer:?}");
    let document = fleet.document(answer.documents()[0]);
    let parsed: Value = serde_json::from_slice(&document).expect("the document is JSON");
    assert_eq!(parsed["verdict"]["status"], "fail");
    assert_eq!(parsed["vulnerabilities"][0]["id"], "TEST-9");
    let clock = parsed["verdict"]["evaluated_at"].as_str().expect("an instant");

    let by_hand = fleet.document_by_hand(&reference, clock);
    assert_eq!(String::from_utf8_lossy(&by_hand), String::from_utf8_lossy(&document));

    let replayed = fleet.replay(answer.documents()[0]);
    assert_eq!(replayed.code, 0, "{replayed:?}");
}

#[test]
fn layers_that_many_scans_wait_for_are_pulled_once() {
    let fleet = Fleet::start();
    let shared: Vec<_> = (0..5).map(|n| installs(&format!("pier{n}"), "1.0")).collect();
    let images: Vec<_> = (0..12)
        .map(|n| image("amd64", &[shared.clone(), vec![installs(&format!("crane{n}"), "3.1")]].concat()))
        .collect();
    let references: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(n, image)| fleet.registry.push(&format!("app{n}"), "1", image))
        .collect();
    let scans: Vec<_> = references.iter().map(|reference| fleet.submit(reference)).collect();
    for scan in &scans {
        let answer = fleet.ask(&["watch", scan]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    for image in &images {
        assert_eq!(fleet.registry.layer_pulls(image), [1; 6]);
    }
}

#[test]
fn every_platform_of_an_index_is_judged() {
    let fleet = Fleet::start();
    let (amd64, arm64) =
        (image("amd64", &[installs("jetty", "1")]), image("arm64", &[installs("quay", "1")]));
    let reference = fleet.registry.push_index("harbour/many", "1", &[&amd64, &arm64], true);
    let answer = fleet.judge(&reference);
    assert_eq!(answer.code, 1, "the worst of them: {answer:?}");
    let platforms: Vec<Value> = answer
        .documents()
        .iter()
        .map(|digest| serde_json::from_slice(&fleet.document(digest)).expect("JSON"))
        .map(|document: Value| document["image"]["platform"].clone())
        .collect();
    assert_eq!(platforms.len(), 2, "{platforms:?}");
}

#[test]
fn what_is_not_there_ends_as_gone_and_by_name() {
    let fleet = Fleet::start();
    let answer = fleet.judge(&fleet.registry.reference("harbour/none", "1"));
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.contains("gone") && answer.stderr.contains("harbour/none"), "{answer:?}");

    let image = image("amd64", &[installs("jetty", "1.2")]);
    let reference = fleet.registry.push("harbour/half", "1", &image);
    fleet.registry.fault(Fault::always("/blobs/sha256:", Misdeed::Status(404)));
    let answer = fleet.judge(&reference);
    assert_eq!(answer.code, 3, "{answer:?}");
}

#[test]
fn a_registry_that_fails_now_and_then_costs_time_and_no_scan() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("jetty", "1.2"), installs("crane", "3.1")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);
    fleet.registry.fault(Fault::times(4, "/blobs/", Misdeed::Status(503)));
    let answer = fleet.judge(&reference);
    assert_eq!(answer.code, 0, "{answer:?}");
}

#[test]
fn an_address_of_the_cloud_teaches_nobody_anything() {
    let fleet = Fleet::start();
    let answer = fleet.judge("169.254.169.254/latest:meta");
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.contains("may not be connected to"), "{answer:?}");
}

#[test]
fn a_repeated_request_with_a_key_is_one_scan() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("jetty", "1.2")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);
    let submit = |reference: &str| fleet.ask(&["submit", reference, "--idempotency-key", "build-7"]);
    let (one, two) = (submit(&reference), submit(&reference));
    assert_eq!((one.code, &one.stdout), (0, &two.stdout), "{one:?} {two:?}");
    let other = submit(&fleet.registry.reference("harbour/other", "1"));
    assert_eq!(other.code, 3, "{other:?}");
}
