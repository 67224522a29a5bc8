use plimsoll_types::{Digest, PathBytes};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const TYPES: &[PackageType] = &[
    PackageType::Deb,
    PackageType::Apk,
    PackageType::Rpm,
    PackageType::Pypi,
    PackageType::Npm,
    PackageType::Maven,
    PackageType::Golang,
    PackageType::Cargo,
    PackageType::Gem,
    PackageType::Nuget,
    PackageType::Composer,
    PackageType::Generic,
];

fn text() -> impl Strategy<Value = String> {
    "[a-z0-9.:é/ -]{0,8}"
}

fn path() -> impl Strategy<Value = PathBytes> {
    vec(any::<u8>(), 0..9).prop_map(|raw| PathBytes::clean(&raw))
}

fn license() -> impl Strategy<Value = LicenseClaim> {
    (text(), option::of(text()), text()).prop_map(|(value, spdx, source)| LicenseClaim {
        value,
        spdx,
        source,
    })
}

prop_compose! {
    fn package()(
        package_type in prop::sample::select(TYPES),
        (name, version, nested_in) in (text(), text(), text()),
        (epoch, arch) in (any::<Option<u32>>(), option::of(text())),
        source in option::of((text(), option::of(text()))),
        licenses in vec(license(), 0..3),
        (maintainer, vendor, status) in (option::of(text()), option::of(text()), option::of(text())),
        owned_paths in vec(path(), 0..4),
        extra in vec((text(), text()), 0..3),
    ) -> PackageRecord {
        let source = source.map(|(name, version)| SourcePackage { name, version });
        PackageRecord {
            package_type, name, version, epoch, arch, source, licenses, maintainer, vendor, status,
            owned_paths, nested_in, extra,
        }
    }
}

fn database() -> impl Strategy<Value = DatabaseState> {
    prop_oneof![
        (text(), any::<u64>()).prop_map(|(format, packages)| DatabaseState::Read { format, packages }),
        (text(), text()).prop_map(|(format, message)| DatabaseState::Unreadable { format, message }),
        text().prop_map(|format| DatabaseState::Unsupported { format }),
    ]
}

fn os_release() -> impl Strategy<Value = OsRelease> {
    let optional = || option::of(text());
    (text(), vec(text(), 0..3), optional(), optional(), optional(), optional()).prop_map(
        |(id, id_like, version_id, codename, pretty_name, variant_id)| OsRelease {
            id,
            id_like,
            version_id,
            codename,
            pretty_name,
            variant_id,
        },
    )
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        package().prop_map(|package| Payload::Package(Box::new(package))),
        database().prop_map(Payload::Database),
        (text(), option::of(text()), vec(path(), 0..4))
            .prop_map(|(package, arch, paths)| Payload::Owned(OwnedPaths { package, arch, paths })),
        (path(), path(), text()).prop_map(|(from, to, by)| Payload::Diversion { from, to, by }),
        (text(), vec(license(), 0..3))
            .prop_map(|(package, licenses)| Payload::Licenses { package, licenses }),
        os_release().prop_map(Payload::OsRelease),
        (any::<bool>(), text()).prop_map(|(limit, message)| Payload::Unreadable { limit, message }),
        path().prop_map(Payload::ReadFrom),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    let status =
        option::of(text()).prop_map(|failure| failure.map_or(SectionStatus::Complete, SectionStatus::Failed));
    let records = vec((path(), payload()).prop_map(|(path, payload)| Record { path, payload }), 0..6);
    (text(), any::<u32>(), status, records).prop_map(|(analyzer, version, status, records)| Section {
        analyzer,
        version,
        status,
        records,
    })
}

fn packages() -> impl Strategy<Value = PackagesEvidence> {
    (any::<[u8; 32]>(), vec(section(), 0..4))
        .prop_map(|(diff_id, sections)| PackagesEvidence { diff_id: Digest::from_bytes(diff_id), sections })
}

fn limits() -> DecodeLimits {
    DecodeLimits { message_bytes: 1 << 20, ..DecodeLimits::default() }
}

proptest! {
    #[test]
    fn any_packages_round_trip_to_the_same_bytes(packages in packages()) {
        let stored = encode_packages(&packages);
        prop_assert_eq!(&encode_packages(&packages), &stored);
        prop_assert_eq!(decode_packages(&stored, &limits()).unwrap(), packages);
    }

    #[test]
    fn cut_packages_are_an_error(packages in packages(), cut in any::<prop::sample::Index>()) {
        let stored = encode_packages(&packages);
        prop_assert!(decode_packages(&stored[..cut.index(stored.len())], &limits()).is_err());
    }

    #[test]
    fn a_damaged_message_never_panics(
        packages in packages(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let sections = packages.sections.iter().map(section_message).collect();
        let message = pb::Packages { diff_id: packages.diff_id.as_bytes().to_vec().into(), sections };
        let mut message = prost::Message::encode_to_vec(&message);
        let at = at.index(message.len());
        message[at] = byte;
        if let Ok(message) = <pb::Packages as prost::Message>::decode(&message[..]) {
            let _outcome = decode_packages(&seal(Kind::Packages, &message), &limits());
        }
    }
}

fn decode_facts(facts: Vec<pb::Fact>, paths: usize) -> Result<PackagesEvidence, CodecError> {
    let paths = vec![PathBytes::from("a"); paths];
    let section = pb::Section { facts, paths: Some(paths::encode(paths.iter())), ..Default::default() };
    let message = pb::Packages { diff_id: vec![0; 32].into(), sections: vec![section] };
    decode_packages(&seal(Kind::Packages, &message), &limits())
}

#[test]
fn what_this_version_does_not_know_is_refused_not_dropped() {
    use pb::fact::Payload as Message;
    let unknown_type = pb::Package { package_type: "hex".into(), ..Default::default() };
    let unknown_state = pb::Database { state: 9, ..Default::default() };
    for (payload, column) in [
        (None, "facts.payload"),
        (Some(Message::Package(Box::new(unknown_type))), "package.package_type"),
        (Some(Message::Database(unknown_state)), "database.state"),
    ] {
        match decode_facts(vec![pb::Fact { payload }], 1) {
            Err(CodecError::Column { column: named, .. }) => assert_eq!(named, column),
            other => panic!("{column}: {other:?}"),
        }
    }
}

#[test]
fn every_fact_has_a_path() {
    assert!(matches!(decode_facts(Vec::new(), 1), Err(CodecError::Column { column: "sections.paths", .. })));
}
