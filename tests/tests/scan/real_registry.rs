//! The registry and the tools that people use, in place of ours.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_tests::image::{Compression, Image, oci_layout};

use crate::workshop::{AMD64, Workshop, image, installs, removes};

/// `docker-registry` on a free port of loopback; ends when dropped.
struct DockerRegistry {
    process: Child,
    host: String,
}

impl DockerRegistry {
    fn start(directory: &Path) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let host = free.local_addr().expect("an address").to_string();
        drop(free);
        let config = directory.join("registry.yml");
        let storage = directory.join("registry");
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\n",
            storage.display()
        );
        std::fs::write(&config, text).expect("a file");
        let mut command = Command::new("docker-registry");
        let process = command
            .arg("serve")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry starts");
        let started = Self { process, host };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&started.host).is_err() {
            assert!(Instant::now() < deadline, "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        started
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _already_ended = self.process.kill();
        let _status = self.process.wait();
    }
}

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
    let registry = DockerRegistry::start(&workshop.path("."));
    let pushed = |tag: &str| format!("{}/app:{tag}", registry.host);
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
