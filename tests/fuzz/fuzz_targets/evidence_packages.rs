//! The stored packages of a layer: any bytes, any message in a whole envelope, and a message with changes. What comes
//! out goes in and out again unchanged.

#![no_main]

mod evidence;

use libfuzzer_sys::fuzz_target;
use plimsoll_proto::{decode_packages, encode_packages};
use plimsoll_types::{
    DatabaseState, Digest, LicenseClaim, OsRelease, OwnedPaths, PackageRecord, PackageType, PackagesEvidence,
    PathBytes, Payload, Record, Section, SourcePackage,
};

fuzz_target!(|data: &[u8]| {
    let Some(packages) = evidence::decode(data, sample, decode_packages) else { return };
    for section in &packages.sections {
        assert!(section.records.len() as u64 <= evidence::LIMITS.entries);
        assert!(section.records.iter().all(|record| record.path == PathBytes::clean(record.path.as_bytes())));
    }
    let stored = encode_packages(&packages);
    assert_eq!(decode_packages(&stored, &Default::default()).expect("what was encoded decodes"), packages);
});

fn sample() -> Vec<u8> {
    let some = |text: &str| Some(text.to_owned());
    let license = LicenseClaim {
        value: "GPL-2+".to_owned(),
        spdx: some("GPL-2.0-or-later"),
        source: "dpkg".to_owned(),
    };
    let package = PackageRecord {
        package_type: PackageType::Deb,
        name: "a".to_owned(),
        version: "1-1".to_owned(),
        epoch: Some(1),
        arch: some("amd64"),
        source: Some(SourcePackage { name: "b".to_owned(), version: some("2") }),
        licenses: vec![license.clone()],
        maintainer: some("m"),
        vendor: some("v"),
        status: some("install ok installed"),
        owned_paths: vec![PathBytes::from("usr/bin/a"), PathBytes::from("usr/bin/b")],
        nested_in: "c".to_owned(),
        extra: vec![("key".to_owned(), "value".to_owned())],
    };
    let payloads = [
        Payload::Package(Box::new(package)),
        Payload::Database(DatabaseState::Read { format: "dpkg".to_owned(), packages: 1 }),
        Payload::Owned(OwnedPaths {
            package: "a".to_owned(),
            arch: None,
            paths: vec![PathBytes::from("etc/a")],
        }),
        Payload::Diversion { from: PathBytes::from("a"), to: PathBytes::from("b"), by: "c".to_owned() },
        Payload::Licenses { package: "a".to_owned(), licenses: vec![license] },
        Payload::OsRelease(OsRelease { id: "debian".to_owned(), ..OsRelease::default() }),
        Payload::Unreadable { limit: true, message: "too large".to_owned() },
    ];
    let mut section = Section::new("debian/dpkg-status", 1);
    section.records = payloads
        .into_iter()
        .map(|payload| Record { path: PathBytes::from("var/lib/dpkg/status"), payload })
        .collect();
    encode_packages(&PackagesEvidence { diff_id: Digest::from_bytes([1; 32]), sections: vec![section] })
}
