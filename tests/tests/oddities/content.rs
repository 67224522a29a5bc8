//! Small pieces of real formats.

use std::io::{Cursor, Write};

use plimsoll_tests::image::Layer;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An os-release.
pub(crate) fn os_release(id: &str, version: &str) -> String {
    format!("ID={id}\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"{id} {version}\"\n")
}

/// dpkg's status with installed packages of these names and versions.
pub(crate) fn dpkg_status(packages: &[(&str, &str)]) -> String {
    let paragraph = |(name, version): &(&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nMaintainer: Harbour Master <master@example.org>\n\
             Architecture: amd64\nSource: {name}-source ({version}+src)\nVersion: {version}\n\
             Description: test package\n\n"
        )
    };
    packages.iter().map(paragraph).collect()
}

/// apk's database with one package that owns `usr/bin/NAME`.
pub(crate) fn apk_installed(name: &str, version: &str) -> String {
    format!("P:{name}\nV:{version}\nA:x86_64\no:{name}-origin\nL:MIT\nF:usr/bin\nR:{name}\n\n")
}

/// rpm's NDB with one package (rpm, `lib/backend/ndb/rpmpkg.c`): a page of slots, then the blob in its frame.
pub(crate) fn rpm_ndb(name: &str, version: &str, release: &str) -> Vec<u8> {
    const PAGE: usize = 4096;
    const TAIL: usize = 12;
    let blob = rpm_header(&[(1000, name), (1001, version), (1002, release), (1022, "x86_64")]);
    let length = (blob.len() as u32).to_le_bytes();
    let blocks = (16 + blob.len() + TAIL).div_ceil(16);
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };

    let mut bytes = [b"RpmP".as_slice(), &words(&[0, 1, 1, 0, 0, 0, 0])].concat();
    bytes.extend([b"Slot".as_slice(), &words(&[1, (PAGE / 16) as u32, blocks as u32])].concat());
    while bytes.len() < PAGE {
        bytes.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
    }
    bytes.extend([b"BlbS".as_slice(), &words(&[1, 0]), &length, &blob].concat());
    bytes.resize(PAGE + blocks * 16 - TAIL, 0);
    bytes.extend([[0; 4].as_slice(), &length, b"BlbE"].concat());
    bytes
}

/// An rpm header of strings: the index, then the data, in big endian.
fn rpm_header(tags: &[(u32, &str)]) -> Vec<u8> {
    const STRING: u32 = 6;
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, text) in tags {
        index.extend([*tag, STRING, data.len() as u32, 1].iter().flat_map(|word| word.to_be_bytes()));
        data.extend([text.as_bytes(), b"\0"].concat());
    }
    let counts = [tags.len() as u32, data.len() as u32].map(u32::to_be_bytes).concat();
    [counts, index, data].concat()
}

/// Adds the files of an installed Python package, and no directories.
pub(crate) fn python(layer: Layer, place: &str, name: &str, version: &str) -> Layer {
    let info = format!("{name}-{version}.dist-info");
    layer
        .file(
            &format!("{place}/{info}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n"),
        )
        .file(
            &format!("{place}/{info}/RECORD"),
            format!("{name}/__init__.py,,\n{info}/METADATA,,\n{info}/RECORD,,\n"),
        )
        .file(&format!("{place}/{name}/__init__.py"), "")
}

/// Adds the files of an installed Node package, and no directories.
pub(crate) fn node(layer: Layer, place: &str, name: &str, version: &str) -> Layer {
    let manifest = format!(r#"{{"name": "{name}", "version": "{version}", "license": "MIT"}}"#);
    layer
        .file(&format!("{place}/{name}/package.json"), manifest)
        .file(&format!("{place}/{name}/index.js"), "module.exports = 1;\n")
}

/// A jar as Maven builds it.
pub(crate) fn jar(group: &str, artifact: &str, version: &str) -> Vec<u8> {
    let properties = format!("version={version}\ngroupId={group}\nartifactId={artifact}\n");
    archive(&[
        ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n\r\n"),
        (&format!("META-INF/maven/{group}/{artifact}/pom.properties"), properties.as_bytes()),
    ])
}

/// A zip without times.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).expect("zip writes into memory");
        zip.write_all(content).expect("zip writes into memory");
    }
    zip.finish().expect("zip writes into memory").into_inner()
}

/// A Debian system of one package.
pub(crate) fn debian() -> Layer {
    Layer::new("FROM debian")
        .directories("var/lib/dpkg/info")
        .directories("etc")
        .directories("usr/lib")
        .file("etc/os-release", os_release("debian", "12"))
        .file("var/lib/dpkg/status", dpkg_status(&[("bash", "5.2-1")]))
        .file("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n")
        .directories("bin")
        .file("bin/bash", "#!/bin/true\n")
}
