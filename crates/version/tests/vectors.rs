//! Published version order vectors, and our own.
//!
//! Ours are in `tests/vectors/`, each checked with the ecosystem's tool. The published ones are read from the
//! folder that `PLIMSOLL_TEST_DATA` names; `exceptions.txt` lists the few we differ from, with the reason.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plimsoll_version::{Scheme, Version, compare};

/// One comparison a file demands.
struct Vector {
    line: String,
    a: String,
    expected: Ordering,
    b: String,
}

fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}

fn meaningful(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#') && !line.starts_with("//")
}

/// Lines of the form `a < b`; `=` may be doubled, and spaces repeated.
fn relations(text: &str) -> Vec<Vector> {
    let read = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [a, operator, b] = words[..] else { panic!("not a vector: {line}") };
        let expected = match operator {
            "<" => Ordering::Less,
            "=" | "==" => Ordering::Equal,
            ">" => Ordering::Greater,
            other => panic!("{other} is not a relation: {line}"),
        };
        Vector { line: line.to_owned(), a: a.to_owned(), expected, b: b.to_owned() }
    };
    text.lines().filter(|line| meaningful(line)).map(read).collect()
}

/// Lines of the form `a b -1`, perhaps with a comment.
fn numbers(text: &str) -> Vec<Vector> {
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let (Some(a), Some(b), Some(number)) = (words.next(), words.next(), words.next()) else {
            panic!("not a vector: {line}")
        };
        let expected = number.parse::<i32>().expect("-1, 0 or 1").cmp(&0);
        Vector { line: line.to_owned(), a: a.to_owned(), expected, b: b.to_owned() }
    };
    text.lines().filter(|line| meaningful(line)).map(read).collect()
}

/// Both ways round; `None` if one of the two does not parse.
fn both_ways(scheme: Scheme, vector: &Vector) -> Option<Ordering> {
    let order = compare(scheme, &vector.a, &vector.b).ok()?;
    let (a, b) = (Version::parse(scheme, &vector.a).ok()?, Version::parse(scheme, &vector.b).ok()?);
    assert_eq!(a.compare(&b), order, "{scheme}: {}", vector.line);
    assert_eq!(b.compare(&a), order.reverse(), "{scheme}: {} the other way round", vector.line);
    Some(order)
}

/// An rpm package, `name-epoch:version-release.arch`, of which all but version and release may be missing.
struct Nevra<'t> {
    name: Option<&'t str>,
    evr: &'t str,
    arch: Option<&'t str>,
}

fn nevra(text: &str) -> Nevra<'_> {
    let (rest, arch) = match text.rsplit_once('.') {
        Some((rest, arch @ ("aarch64" | "noarch" | "riscv"))) => (rest, Some(arch)),
        _ => (text, None),
    };
    let release = rest.rfind('-').expect("a release");
    match rest[..release].rfind('-') {
        Some(version) => Nevra { name: Some(&rest[..version]), evr: &rest[version + 1..], arch },
        None => Nevra { name: None, evr: rest, arch },
    }
}

fn compare_nevra(vector: &Vector) -> Option<Ordering> {
    let (a, b) = (nevra(&vector.a), nevra(&vector.b));
    let versions = compare(Scheme::Rpm, a.evr, b.evr).ok()?;
    Some(a.name.cmp(&b.name).then(versions).then(a.arch.cmp(&b.arch)))
}

/// How a published file is read.
#[derive(Clone, Copy)]
enum Format {
    Relations(Scheme),
    Numbers(Scheme),
    Nevra,
}

const PUBLISHED: [(&str, Format); 13] = [
    ("apt/versions.lst", Format::Numbers(Scheme::Deb)),
    ("claircore/internal/maven/testdata/compare.list", Format::Relations(Scheme::Maven)),
    ("claircore/internal/rpmver/testdata/compare", Format::Nevra),
    ("claircore/internal/rpmver/testdata/rpmvercmp", Format::Relations(Scheme::Rpm)),
    ("osv-scalibr-semantic/alpine-versions.txt", Format::Relations(Scheme::Apk)),
    ("osv-scalibr-semantic/debian-versions.txt", Format::Relations(Scheme::Deb)),
    ("osv-scalibr-semantic/maven-versions.txt", Format::Relations(Scheme::Maven)),
    ("osv-scalibr-semantic/nuget-versions.txt", Format::Relations(Scheme::NuGet)),
    ("osv-scalibr-semantic/packagist-versions.txt", Format::Relations(Scheme::Packagist)),
    ("osv-scalibr-semantic/pypi-versions.txt", Format::Relations(Scheme::Pep440)),
    ("osv-scalibr-semantic/redhat-versions.txt", Format::Relations(Scheme::Rpm)),
    ("osv-scalibr-semantic/rubygems-versions.txt", Format::Relations(Scheme::RubyGems)),
    ("osv-scalibr-semantic/semver-versions.txt", Format::Relations(Scheme::Semver)),
];

/// The folder with published vectors, or a line that says why the test does not run.
fn published() -> Option<PathBuf> {
    let Some(data) = std::env::var_os("PLIMSOLL_TEST_DATA") else {
        println!("skipped: PLIMSOLL_TEST_DATA is not set");
        return None;
    };
    Some(Path::new(&data).join("versions"))
}

fn read(folder: &Path, file: &str) -> String {
    let path = folder.join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The exceptions as `file | vector`.
fn exceptions() -> BTreeSet<String> {
    let read = |line: &str| {
        let parts: Vec<_> = line.split(" | ").collect();
        let [file, vector, reason] = parts[..] else { panic!("not `file | vector | reason`: {line}") };
        assert!(reason.len() > 20, "no reason: {line}");
        format!("{file} | {vector}")
    };
    include_str!("../exceptions.txt").lines().filter(|line| meaningful(line)).map(read).collect()
}

#[test]
fn published_vectors_hold() {
    let Some(folder) = published() else { return };
    let mut unused = exceptions();
    let allowed = unused.len();
    let mut wrong = Vec::new();
    let mut total = 0;
    for (file, format) in PUBLISHED {
        let text = read(&folder, file);
        let (scheme, vectors) = match format {
            Format::Numbers(scheme) => (scheme, numbers(&text)),
            Format::Relations(scheme) => (scheme, relations(&text)),
            Format::Nevra => (Scheme::Rpm, relations(&text)),
        };
        println!("{:>5} {:<10} {file}", vectors.len(), scheme.as_str());
        total += vectors.len();
        for vector in vectors {
            let order = match format {
                Format::Nevra => compare_nevra(&vector),
                _ => both_ways(scheme, &vector),
            };
            let expected = order == Some(vector.expected);
            if !expected && !unused.remove(&format!("{file} | {}", vector.line)) {
                wrong.push(format!("{file}: {} but we say {}", vector.line, order.map_or("nothing", sign)));
            }
        }
    }
    println!("{total:>5} in all, {allowed} exceptions");
    assert!(wrong.is_empty(), "{} vectors do not hold:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unused.is_empty(), "exceptions that hold after all: {unused:?}");
    assert!(allowed * 1000 < total, "{allowed} exceptions of {total} vectors are more than 0.1%");
}

#[test]
fn published_rpm_packages_are_taken_apart() {
    let Some(folder) = published() else { return };
    let text = read(&folder, "claircore/internal/rpmver/testdata/parse");
    let lines: Vec<_> = text.lines().filter(|line| meaningful(line)).collect();
    for line in &lines {
        let words: Vec<_> =
            line.split_whitespace().map(|word| if word == "''" { "" } else { word }).collect();
        let [text, name, epoch, version, release, arch] = words[..] else { panic!("not a vector: {line}") };
        let parsed = nevra(text);
        assert_eq!((parsed.name.unwrap_or(""), parsed.arch.unwrap_or("")), (name, arch), "{line}");
        let rebuilt = format!("{}:{version}-{release}", if epoch.is_empty() { "0" } else { epoch });
        assert_eq!(compare(Scheme::Rpm, parsed.evr, &rebuilt), Ok(Ordering::Equal), "{line}");
    }
    println!("{:>5} rpm        claircore/internal/rpmver/testdata/parse", lines.len());
}

/// npm and Go order as semantic versioning does, in what they read at all.
#[test]
fn published_semver_vectors_hold_for_npm_and_go() {
    let Some(folder) = published() else { return };
    let vectors = relations(&read(&folder, "osv-scalibr-semantic/semver-versions.txt"));
    for scheme in [Scheme::Npm, Scheme::Go] {
        let read: Vec<_> =
            vectors.iter().filter_map(|vector| Some((vector, both_ways(scheme, vector)?))).collect();
        assert!(read.len() + 1 >= vectors.len(), "{scheme} reads only {} of {}", read.len(), vectors.len());
        for (vector, order) in read {
            assert_eq!(order, vector.expected, "{scheme}: {}", vector.line);
        }
    }
}

#[test]
fn own_vectors_hold() {
    const OWN: [(Scheme, &str); 11] = [
        (Scheme::Deb, include_str!("vectors/deb.txt")),
        (Scheme::Apk, include_str!("vectors/apk.txt")),
        (Scheme::Rpm, include_str!("vectors/rpm.txt")),
        (Scheme::Pep440, include_str!("vectors/pep440.txt")),
        (Scheme::Semver, include_str!("vectors/semver.txt")),
        (Scheme::Npm, include_str!("vectors/npm.txt")),
        (Scheme::Go, include_str!("vectors/go.txt")),
        (Scheme::Maven, include_str!("vectors/maven.txt")),
        (Scheme::RubyGems, include_str!("vectors/rubygems.txt")),
        (Scheme::NuGet, include_str!("vectors/nuget.txt")),
        (Scheme::Packagist, include_str!("vectors/packagist.txt")),
    ];
    for (scheme, text) in OWN {
        let vectors = relations(text);
        assert!(vectors.len() >= 10, "{scheme} has only {} vectors", vectors.len());
        for vector in vectors {
            let order = both_ways(scheme, &vector);
            assert_eq!(order.map(sign), Some(sign(vector.expected)), "{scheme}: {}", vector.line);
        }
    }
}
