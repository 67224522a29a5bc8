//! An index is several images; one of them is judged, and the report says which others there are.

use crate::workshop::{Workshop, image_for, installs};

fn index(workshop: &Workshop) -> String {
    let amd64 = image_for("amd64", &[installs("quay", "1.0")]);
    let arm64 = image_for("arm64", &[installs("crane", "3.1")]);
    workshop.registry.push_index("app", "1", &[&amd64, &arm64], true)
}

#[test]
fn the_platform_asked_for_is_judged_and_the_others_are_listed() {
    let workshop = Workshop::new();
    let reference = index(&workshop);
    for (platform, package, other) in [
        ("linux/amd64", "pkg:pypi/quay@1.0", "linux/arm64"),
        ("linux/arm64", "pkg:pypi/crane@3.1", "linux/amd64"),
    ] {
        let outcome = workshop.scan(&reference, &["--platform", platform]).expect(0);
        assert_eq!(outcome.packages()[0].0, package);
        assert_eq!(outcome.report["image"]["platform"], platform);
        assert_eq!(outcome.report["image"]["other_platforms"], serde_json::json!([other]));
    }
}

#[test]
fn a_platform_that_is_not_there_is_answered_with_those_that_are() {
    let workshop = Workshop::new();
    let reference = index(&workshop);
    let line = workshop.scan(&reference, &["--platform", "linux/s390x"]).expect_error("no_such_platform");
    assert!(line.contains("linux/amd64") && line.contains("linux/arm64"), "{line}");
    assert!(!line.contains("unknown/unknown"), "attestations are no platforms: {line}");
}

#[test]
fn an_image_of_one_platform_is_judged_as_what_it_is() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image_for("s390x", &[installs("crane", "3.1")]));
    let outcome = workshop.scan(&reference, &[]).expect(0);
    assert_eq!(outcome.report["image"]["platform"], "linux/s390x");
}
