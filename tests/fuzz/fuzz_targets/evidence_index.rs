//! The stored file index of a layer: any bytes, any message in a whole envelope, and a message with changes. What comes
//! out is within the limits, and goes in and out again unchanged.

#![no_main]

mod evidence;

use libfuzzer_sys::fuzz_target;
use plimsoll_proto::{decode_index, encode_index};
use plimsoll_types::{ContentKind, Digest, EntryKind, FileEntry, IndexEvidence, KeptFile, PathBytes};

fuzz_target!(|data: &[u8]| {
    let Some(index) = evidence::decode(data, sample, decode_index) else { return };
    let paths: usize = index.entries.iter().map(|entry| entry.path.as_bytes().len()).sum();
    assert!(index.entries.len() as u64 <= evidence::LIMITS.entries);
    assert!(paths as u64 <= evidence::LIMITS.path_bytes);
    for entry in &index.entries {
        assert_eq!(entry.path, PathBytes::clean(entry.path.as_bytes()));
        assert!(entry.mode <= 0o7777);
    }
    let stored = encode_index(&index);
    assert_eq!(decode_index(&stored, &Default::default()).expect("what was encoded decodes"), index);
});

fn sample() -> Vec<u8> {
    let hashed = FileEntry {
        sha256: Some([7; 32]),
        link_group: 1,
        xattrs: vec![((*b"user.a").into(), (*b"1").into())],
        ..entry("usr/bin/a", EntryKind::File)
    };
    let link = FileEntry { link_target: (*b"a").into(), ..entry("usr/bin/b", EntryKind::Symlink) };
    let device = FileEntry { rdev: Some((1, 3)), ..entry("dev/null", EntryKind::CharDevice) };
    encode_index(&IndexEvidence {
        diff_id: Digest::from_bytes([1; 32]),
        uncompressed_size: 10_240,
        entries: vec![entry("usr", EntryKind::Directory), hashed, link, device],
        kept: vec![KeptFile { path: PathBytes::from("etc/passwd"), bytes: (*b"root").into() }],
        ambiguities: vec!["a name comes twice".to_owned()],
    })
}

/// An entry with nothing special about it.
fn entry(path: &str, kind: EntryKind) -> FileEntry {
    FileEntry {
        path: PathBytes::from(path),
        kind,
        link_target: Box::default(),
        mode: 0o644,
        uid: 0,
        gid: 1000,
        mtime: 1_700_000_000,
        rdev: None,
        size: 5,
        xattrs: Vec::new(),
        link_group: 0,
        content: ContentKind::Text,
        sha256: None,
    }
}
