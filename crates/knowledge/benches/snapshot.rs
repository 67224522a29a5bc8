//! Builds a snapshot of every OSV feed of the test data, and times opening it and matching an image of 2,500
//! packages against it: `PLIMSOLL_TEST_DATA=… cargo bench -p plimsoll-knowledge`.
//!
//! `PLIMSOLL_BENCH_SOURCES` adds sources (separated by colons). `PLIMSOLL_BENCH_SYNTHETIC` sets the number of
//! advisories of a second, generated snapshot (default 500,000; 0 leaves it out).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plimsoll_knowledge::{BuildOptions, Snapshot, build, match_inventory};
use plimsoll_types::{Distro, Inventory, Package, PackageType};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    match std::env::var_os("PLIMSOLL_TEST_DATA") {
        None => eprintln!("skipped: PLIMSOLL_TEST_DATA is not set"),
        Some(data) => {
            let mut sources = vec![Path::new(&data).join("feeds/osv")];
            let more = std::env::var("PLIMSOLL_BENCH_SOURCES").unwrap_or_default();
            sources.extend(more.split(':').filter(|source| !source.is_empty()).map(PathBuf::from));
            measure("real feeds", &sources, folder.path());
        }
    }
    let number = std::env::var("PLIMSOLL_BENCH_SYNTHETIC").ok().and_then(|text| text.parse().ok());
    let number = number.unwrap_or(500_000);
    if number > 0 {
        let source = folder.path().join("synthetic.zip");
        synthetic(&source, number);
        measure(&format!("{number} generated advisories"), &[source], folder.path());
    }
}

fn measure(title: &str, sources: &[PathBuf], folder: &Path) {
    let out = folder.join("snapshot");
    let start = Instant::now();
    let report = build(sources, &out, &BuildOptions::default()).expect("a snapshot");
    let took = start.elapsed();
    let size = std::fs::metadata(&out).expect("the snapshot").len();
    println!(
        "{title}: {} records, {} skipped, built in {took:.2?}, {size} bytes",
        report.records,
        report.skipped.len()
    );
    println!("  {}", report.digest);
    println!("  open          {:?}", median(|| drop(Snapshot::open(&out).expect("it opens"))));
    let snapshot = Snapshot::open(&out).expect("it opens");
    for (name, inventory) in [("npm", node()), ("rpm", alma()), ("go", go()), ("pypi", python())] {
        let found = match_inventory(&inventory, &snapshot).expect("it matches").vulnerabilities.len();
        let took = median(|| drop(match_inventory(&inventory, &snapshot).expect("it matches")));
        println!("  match {name:6} {} packages, {found} findings: {took:?}", inventory.packages.len());
    }
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..15)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// One advisory for every fifth name of `package-N`, over npm, PyPI and Debian.
fn synthetic(path: &Path, number: u32) {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::BufWriter::new(std::fs::File::create(path).expect("a file")));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for n in 0..number {
        let ecosystem = ["npm", "PyPI", "Debian:12"][n as usize % 3];
        let record = format!(
            r#"{{"id":"GHSA-{n:08}","modified":"2024-01-02T03:04:05Z","aliases":["CVE-2024-{n}"],"summary":"Generated number {n} of the benchmark",
                "severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],
                "affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"package-{}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2.0.0"}}]}}]}}]}}"#,
            n / 5
        );
        zip.start_file(format!("{n}.json"), options).expect("an entry");
        zip.write_all(record.as_bytes()).expect("its bytes");
    }
    zip.finish().expect("a zip");
}

fn package(package_type: PackageType, name: &str, version: &str) -> Package {
    Package {
        id: format!("{package_type}:{name}@{version}"),
        name: name.to_owned(),
        version: version.to_owned(),
        package_type,
        arch: None,
        epoch: None,
        purl: None,
        source: None,
        origin: Some("AlmaLinux".to_owned()),
        maintainer: None,
        licenses: Vec::new(),
        layer: None,
        locations: Vec::new(),
        analyzer: "bench".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    }
}

/// 2,000 modules that have generated advisories or none, a Debian below them.
fn node() -> Inventory {
    let debian = Distro { id: "debian".to_owned(), version_id: Some("12".to_owned()), ..Distro::default() };
    let modules = (0..2_000).map(|n| package(PackageType::Npm, &format!("package-{}", n * 49), "1.0.0"));
    let debs = (0..500).map(|n| package(PackageType::Deb, &format!("package-{}", n * 101), "3.0.0"));
    Inventory { distro: Some(debian), packages: modules.chain(debs).collect(), ..Inventory::default() }
}

fn alma() -> Inventory {
    let distro =
        Distro { id: "almalinux".to_owned(), version_id: Some("9.3".to_owned()), ..Distro::default() };
    let names = [
        "kernel",
        "kernel-core",
        "openssl",
        "openssl-libs",
        "curl",
        "libcurl",
        "glibc",
        "expat",
        "python3",
        "bind",
    ];
    let known = names.iter().map(|name| package(PackageType::Rpm, name, "1.0-1.el9"));
    let others = (0..2_490).map(|n| package(PackageType::Rpm, &format!("library-{n}"), "1.0-1.el9"));
    Inventory { distro: Some(distro), packages: known.chain(others).collect(), ..Inventory::default() }
}

fn go() -> Inventory {
    let known = [
        ("stdlib", "go1.20.4"),
        ("golang.org/x/net", "v0.10.0"),
        ("golang.org/x/crypto", "v0.9.0"),
        ("google.golang.org/grpc", "v1.50.0"),
    ];
    let known = known.iter().map(|(name, version)| package(PackageType::Golang, name, version));
    let others =
        (0..2_496).map(|n| package(PackageType::Golang, &format!("example.org/module/{n}"), "v1.0.0"));
    Inventory { packages: known.chain(others).collect(), ..Inventory::default() }
}

fn python() -> Inventory {
    let known = [
        ("django", "3.2.0"),
        ("flask", "0.12.2"),
        ("requests", "2.19.1"),
        ("urllib3", "1.23"),
        ("jinja2", "2.10"),
    ];
    let known = known.iter().map(|(name, version)| package(PackageType::Pypi, name, version));
    let others = (0..2_495).map(|n| package(PackageType::Pypi, &format!("package-{}", n * 41), "1.0"));
    Inventory { packages: known.chain(others).collect(), ..Inventory::default() }
}
