//! The same image gives the same packages, wherever it comes from.

use std::fs;
use std::path::Path;

use plimsoll_tests::image::{Image, docker_archive, docker_archive_old, oci_archive, oci_layout};

use crate::workshop::{AMD64, Workshop, image, installs, python_files, removes};

fn three() -> Image {
    image(&[
        installs("quay", "1.0"),
        installs("jetty", "1.2"),
        removes("jetty", "1.2"),
        installs("crane", "3.1"),
    ])
}

/// What is in the merged image, written as files.
fn unpacked(root: &Path) {
    for (name, version) in [("quay", "1.0"), ("crane", "3.1")] {
        for (path, content) in python_files(name, version) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a path below the root")).expect("a directory");
            fs::write(path, content).expect("a file");
        }
    }
}

#[test]
fn a_registry_a_layout_an_archive_and_a_directory_give_the_same_packages() {
    let workshop = Workshop::new();
    let image = three();
    let expected = workshop.scan(&workshop.registry.push("app", "1", &image), AMD64).expect(0).packages();
    assert_eq!(expected.len(), 2, "{expected:?}");

    let path = |name: &str| workshop.path(name);
    oci_layout(&path("layout"), &[("1", &image)]).unwrap();
    oci_archive(&path("oci.tar"), &[("1", &image)]).unwrap();
    docker_archive(&path("docker.tar"), &[("app:1", &image)]).unwrap();
    docker_archive_old(&path("docker-old.tar"), &[("app:1", &image)]).unwrap();
    unpacked(&path("root"));
    for (scheme, name) in [
        ("oci", "layout"),
        ("oci-archive", "oci.tar"),
        ("docker-archive", "docker.tar"),
        ("docker-archive", "docker-old.tar"),
        ("rootfs", "root"),
    ] {
        let source = format!("{scheme}:{}", path(name).display());
        // A directory is of no platform but the machine's own.
        let platform = if scheme == "rootfs" { &[] } else { AMD64 };
        let outcome = workshop.scan(&source, platform);
        assert_eq!(outcome.report["error"], serde_json::Value::Null, "{source}: {}", outcome.stderr);
        assert_eq!(outcome.packages(), expected, "{source}");
    }
}

#[test]
fn a_layer_known_from_a_registry_is_known_in_a_layout() {
    let workshop = Workshop::new();
    let image = three();
    workshop.scan(&workshop.registry.push("app", "1", &image), AMD64).expect(0);
    oci_layout(&workshop.path("layout"), &[("1", &image)]).unwrap();
    let outcome = workshop.scan(&format!("oci:{}:1", workshop.path("layout").display()), AMD64).expect(0);
    assert_eq!(outcome.known(), [true; 4]);
}

#[test]
fn a_tag_picks_one_image_of_several_and_none_is_guessed() {
    let workshop = Workshop::new();
    let (one, two) = (image(&[installs("quay", "1.0")]), image(&[installs("crane", "3.1")]));
    oci_layout(&workshop.path("layout"), &[("1", &one), ("2", &two)]).unwrap();
    let layout = workshop.path("layout").display().to_string();
    let outcome = workshop.scan(&format!("oci:{layout}:2"), AMD64).expect(0);
    assert_eq!(outcome.packages()[0].0, "pkg:pypi/crane@3.1");
    workshop.scan(&format!("oci:{layout}"), AMD64).expect_error("ambiguous_reference");
    workshop.scan(&format!("oci:{layout}:3"), AMD64).expect_error("not_found");
}
