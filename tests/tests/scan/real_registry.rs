//! The registry and the tools that people use, in place of ours.

use std::process::{Command, Stdio};

use plimsoll_tests::docker_registry::{DockerRegistry, free_host};
use plimsoll_tests::image::{Compression, Image, oci_layout};

use crate::workshop::{AMD64, Workshop, image, installs, removes};

fn lacking(programs: &[&str]) -> bool {
    let lacks = |program: &&&str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    };
    let Some(program) = programs.iter().find(lacks) else { return false };
    println!("skipped: {program} is not installed");
    true
}

fn skopeo(arguments: &[&str]) {
    let output =
        Command::new("skopeo").args(["--insecure-policy", "copy", "--quiet"]).args(arguments).output();
    let output = output.expect("skopeo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn app(compression: Compression) -> Image {
    image(&[
        installs("quay", "1.0"),
        installs("jetty", "1.2").compression(compression),
        removes("jetty", "1.2"),
        installs("crane", "3.1"),
    ])
}

#[test]
fn what_skopeo_copies_gives_the_same_packages() {
    if lacking(&["docker-registry", "skopeo"]) {
        return;
    }
    let workshop = Workshop::new();
    let zstd = app(Compression::Zstd);
    let expected = workshop.scan(&workshop.registry.push("app", "1", &zstd), AMD64).expect(0).packages();

    // Docker's own formats know no zstd.
    let gzip = app(Compression::Gzip);
    let layout = workshop.path("layout");
    oci_layout(&layout, &[("zstd", &zstd), ("gzip", &gzip)]).unwrap();
    let layout = layout.display();
    let host = free_host().expect("a free port");
    let registry = DockerRegistry::start(&workshop.path("."), &host, None).expect("docker-registry starts");
    let pushed = |tag: &str| format!("{}/app:{tag}", registry.host());
    let archive = format!("docker-archive:{}", workshop.path("docker.tar").display());

    let push = |options: &[&str], from: &str, tag: &str| {
        let target = format!("docker://{}", pushed(tag));
        let source = format!("oci:{layout}:{from}");
        skopeo(&[&["--dest-tls-verify=false"], options, &[&source, &target]].concat());
    };
    push(&["--preserve-digests"], "zstd", "zstd");
    push(&["--format=v2s2"], "gzip", "schema2");
    skopeo(&[&format!("oci:{layout}:gzip"), &format!("{archive}:app:1")]);
    for source in [pushed("zstd"), pushed("schema2"), archive] {
        assert_eq!(workshop.scan(&source, AMD64).expect(0).packages(), expected, "{source}");
    }
}
