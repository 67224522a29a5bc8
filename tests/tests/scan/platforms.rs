//! An index is several images; one of them is judged, and the report says which others there are.

use crate::workshop::{AMD64, Workshop, image, image_for, installs};

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
fn of_two_images_for_one_platform_the_first_is_judged_and_that_is_said() {
    let workshop = Workshop::new();
    let (first, second) = (image(&[installs("quay", "1.0")]), image(&[installs("harbour", "1.9")]));
    let reference = workshop.registry.push_index("app", "1", &[&first, &second], true);
    let outcome = workshop.scan(&reference, AMD64).expect(2);
    assert_eq!(outcome.packages()[0].0, "pkg:pypi/quay@1.0");
    let spots = &outcome.report["coverage"]["blind_spots"];
    assert_eq!(
        (&spots[0]["kind"], &spots[0]["subject"]),
        (&"ambiguous_platform".into(), &"linux/amd64".into())
    );
    assert!(spots[0]["message"].as_str().unwrap().contains(&second.manifest.digest), "{spots}");

    let twice = workshop.registry.push_index("app", "2", &[&first, &first], true);
    workshop.scan(&twice, AMD64).expect(0);
}

#[test]
fn an_image_of_one_platform_is_judged_as_what_it_is() {
    let workshop = Workshop::new();
    let reference = workshop.registry.push("app", "1", &image_for("s390x", &[installs("crane", "3.1")]));
    let outcome = workshop.scan(&reference, &[]).expect(0);
    assert_eq!(outcome.report["image"]["platform"], "linux/s390x");
}
