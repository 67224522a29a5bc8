//! Java archives: any bytes, and an archive put together from them so that what is inside gets read.

#![no_main]

mod analyzer;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::{ContentKind, Payload};

const NAMES: [&str; 4] =
    ["META-INF/MANIFEST.MF", "META-INF/maven/g/a/pom.properties", "META-INF/maven/g/a/pom.xml", "b.jar"];

fuzz_target!(|data: &[u8]| {
    check(data);
    let mut parts = data.splitn(NAMES.len(), |byte| *byte == 0xff);
    check(&archive(NAMES.map(|name| (name, parts.next().unwrap_or_default()))));
});

fn check(bytes: &[u8]) {
    for record in analyzer::read("java/archive", "a-1.jar", ContentKind::Zip, bytes) {
        if let Payload::Package(package) = record.payload {
            assert!(package.name.contains(':') && package.name.len() <= 512 && package.version.len() <= 512);
        }
    }
}

/// A zip file of these entries, stored.
fn archive(entries: [(&str, &[u8]); 4]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut common = [0; 26];
        common[14..18].copy_from_slice(&(content.len() as u32).to_le_bytes());
        common[18..22].copy_from_slice(&(content.len() as u32).to_le_bytes());
        common[22..24].copy_from_slice(&(name.len() as u16).to_le_bytes());
        let offset = bytes.len() as u32;
        directory.extend(
            [&b"PK\x01\x02\0\0"[..], &common, &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat(),
        );
        bytes.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), content].concat());
    }
    let (offset, size) = (bytes.len() as u32, directory.len() as u32);
    let end = [&b"PK\x05\x06"[..], &[0; 8], &size.to_le_bytes(), &offset.to_le_bytes(), &[0; 2]].concat();
    [bytes, directory, end].concat()
}
