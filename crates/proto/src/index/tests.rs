use plimsoll_types::{ContentKind, Digest, EntryKind, PathBytes};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const KINDS: &[EntryKind] = &[
    EntryKind::File,
    EntryKind::Directory,
    EntryKind::Symlink,
    EntryKind::HardLink,
    EntryKind::CharDevice,
    EntryKind::BlockDevice,
    EntryKind::Fifo,
    EntryKind::Whiteout,
    EntryKind::Opaque,
];
const CONTENTS: &[ContentKind] = &[
    ContentKind::None,
    ContentKind::Empty,
    ContentKind::Elf,
    ContentKind::Pe,
    ContentKind::MachO,
    ContentKind::Zip,
    ContentKind::Compressed,
    ContentKind::Sqlite,
    ContentKind::Script,
    ContentKind::Text,
    ContentKind::Binary,
];

fn bytes(most: usize) -> impl Strategy<Value = Box<[u8]>> {
    vec(any::<u8>(), 0..most).prop_map(Vec::into_boxed_slice)
}

fn path() -> impl Strategy<Value = PathBytes> {
    let part = prop_oneof![Just(b"usr".to_vec()), Just(b"lib".to_vec()), vec(any::<u8>(), 0..4)];
    vec(part, 0..5).prop_map(|parts| PathBytes::clean(&parts.join(&b'/')))
}

prop_compose! {
    fn entry()(
        path in path(),
        kind in prop::sample::select(KINDS),
        content in prop::sample::select(CONTENTS),
        (link_target, xattrs) in (bytes(6), vec((bytes(4), bytes(4)), 0..3)),
        (mode, uid, gid) in (0_u16..=0o7777, any::<u32>(), any::<u32>()),
        (mtime, size) in (any::<i64>(), any::<u64>()),
        (rdev, link_group, sha256) in (any::<Option<(u32, u32)>>(), 0_u32..3, any::<Option<[u8; 32]>>()),
    ) -> FileEntry {
        FileEntry {
            path, kind, link_target, mode, uid, gid, mtime, rdev, size, xattrs, link_group, content, sha256,
        }
    }
}

prop_compose! {
    fn index()(
        diff_id in any::<[u8; 32]>(),
        uncompressed_size in any::<u64>(),
        entries in vec(entry(), 0..12),
        kept in vec((path(), bytes(20)), 0..3),
        ambiguities in vec("[a-zé]{0,9}", 0..3),
    ) -> IndexEvidence {
        let kept = kept.into_iter().map(|(path, bytes)| KeptFile { path, bytes: bytes.into() }).collect();
        IndexEvidence { diff_id: Digest::from_bytes(diff_id), uncompressed_size, entries, kept, ambiguities }
    }
}

fn limits() -> DecodeLimits {
    DecodeLimits { message_bytes: 1 << 20, ..DecodeLimits::default() }
}

proptest! {
    #[test]
    fn any_index_round_trips_to_the_same_bytes(index in index()) {
        let stored = encode_index(&index);
        prop_assert_eq!(&encode_index(&index), &stored);
        prop_assert_eq!(decode_index(&stored, &limits()).unwrap(), index);
    }

    #[test]
    fn a_cut_index_is_an_error(index in index(), cut in any::<prop::sample::Index>()) {
        let stored = encode_index(&index);
        prop_assert!(decode_index(&stored[..cut.index(stored.len())], &limits()).is_err());
    }

    /// Damage below the checksum: what a faulty or hostile writer could store.
    #[test]
    fn a_damaged_message_is_an_error_or_another_index_and_never_a_panic(
        index in index(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut message = prost::Message::encode_to_vec(&to_message(&index));
        let at = at.index(message.len());
        message[at] = byte;
        let message = <pb::FileIndex as prost::Message>::decode(&message[..]);
        if let Ok(Ok(damaged)) = message.map(|message| from_message(message, &limits())) {
            prop_assert_eq!(decode_index(&encode_index(&damaged), &limits()).unwrap(), damaged);
        }
    }

    #[test]
    fn arbitrary_bytes_are_an_error(stored in vec(any::<u8>(), 0..64)) {
        prop_assert!(decode_index(&stored, &limits()).is_err());
    }
}

fn sample() -> IndexEvidence {
    let entry = |path: &str, kind, sha256| FileEntry {
        path: path.into(),
        kind,
        link_target: if kind == EntryKind::Symlink { b"b".as_slice().into() } else { Box::default() },
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 1_700_000_000,
        rdev: (kind == EntryKind::CharDevice).then_some((1, 3)),
        size: 3,
        xattrs: vec![(b"security.capability".as_slice().into(), b"\x01".as_slice().into())],
        link_group: 1,
        content: ContentKind::Text,
        sha256,
    };
    IndexEvidence {
        diff_id: Digest::from_bytes([1; 32]),
        uncompressed_size: 10,
        entries: vec![
            entry("a", EntryKind::Symlink, None),
            entry("b", EntryKind::File, Some([2; 32])),
            entry("c", EntryKind::CharDevice, None),
        ],
        kept: vec![KeptFile { path: "etc/passwd".into(), bytes: b"root".to_vec() }],
        ambiguities: Vec::new(),
    }
}

#[test]
fn each_damaged_column_is_named() {
    type Damage = fn(&mut pb::FileIndex);
    let damages: &[(&str, Damage)] = &[
        ("diff_id", |m| m.diff_id = vec![0; 31].into()),
        ("paths", |m| m.paths = None),
        ("kinds", |m| m.kinds = vec![1, 1].into()),
        ("kinds", |m| m.kinds = vec![1, 0, 1].into()),
        ("kinds", |m| m.kinds = vec![1, 10, 1].into()),
        ("contents", |m| m.contents = vec![0, 0, 11].into()),
        ("modes", |m| m.modes.as_mut().unwrap().values[0] = 0o10000),
        ("uids", |m| m.uids.as_mut().unwrap().lengths[0] = 2),
        ("gids", |m| m.gids.as_mut().unwrap().lengths[0] = 4),
        ("gids", |m| m.gids.as_mut().unwrap().values.push(0)),
        ("gids", |m| m.gids = None),
        ("mtime_deltas", |m| m.mtime_deltas.clear()),
        ("sizes", |m| m.sizes.push(0)),
        ("hashed", |m| m.hashed = vec![0, 2, 0].into()),
        ("hashes", |m| m.hashed = vec![0, 0, 0].into()),
        ("hashes", |m| m.hashed = vec![1, 1, 0].into()),
        ("hashes", |m| m.hashes = vec![0; 33].into()),
        ("link_targets", |m| m.link_targets.as_mut().unwrap().gaps = vec![3]),
        ("link_targets", |m| m.link_targets.as_mut().unwrap().lengths = vec![2]),
        ("link_targets", |m| m.link_targets.as_mut().unwrap().lengths = vec![0]),
        ("link_groups", |m| m.link_groups.as_mut().unwrap().gaps[1] = 0),
        ("link_groups", |m| m.link_groups.as_mut().unwrap().values.truncate(1)),
        ("devices", |m| m.devices.as_mut().unwrap().minors.push(0)),
        ("devices", |m| m.devices.as_mut().unwrap().gaps[0] = u32::MAX),
        ("attributes", |m| m.attributes.as_mut().unwrap().name_lengths[0] = u32::MAX),
        ("attributes", |m| m.attributes.as_mut().unwrap().values = vec![0; 4].into()),
        ("attributes", |m| m.attributes.as_mut().unwrap().value_lengths.truncate(1)),
        ("kept.path", |m| m.kept[0].path = "/etc/passwd".into()),
    ];
    for (column, damage) in damages {
        let mut message = to_message(&sample());
        damage(&mut message);
        match from_message(message, &limits()) {
            Err(CodecError::Column { column: named, .. }) => assert_eq!(named, *column),
            other => panic!("{column}: {other:?}"),
        }
    }
    assert_eq!(from_message(to_message(&sample()), &limits()).unwrap(), sample());
}

#[test]
fn entries_are_limited_before_anything_is_allocated_for_them() {
    let stored = encode_index(&sample());
    let at = |entries| decode_index(&stored, &DecodeLimits { entries, ..limits() });
    assert!(at(3).is_ok());
    assert!(matches!(at(2), Err(CodecError::Limit { what: "entries", size: 3, limit: 2 })));
    let huge = pb::FileIndex { entry_count: u64::MAX, ..Default::default() };
    assert!(matches!(from_message(huge, &limits()), Err(CodecError::Limit { .. })));
}

/// Field 1000 is not ours: a newer version's.
#[test]
fn unknown_fields_are_passed_over() {
    let mut message = prost::Message::encode_to_vec(&to_message(&sample()));
    message.extend_from_slice(&[0xc2, 0x3e, 2, b'h', b'i']);
    let message = <pb::FileIndex as prost::Message>::decode(&message[..]).unwrap();
    assert_eq!(from_message(message, &limits()).unwrap(), sample());
}
