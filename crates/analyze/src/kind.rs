//! What kind of content a file has, by its first bytes.

use plimsoll_types::ContentKind;

/// Magic numbers at offset zero, in the order they are tried.
const MAGIC: &[(&[u8], ContentKind)] = &[
    (b"\x7fELF", ContentKind::Elf),
    (b"MZ", ContentKind::Pe),
    (b"\xfe\xed\xfa\xce", ContentKind::MachO),
    (b"\xfe\xed\xfa\xcf", ContentKind::MachO),
    (b"\xce\xfa\xed\xfe", ContentKind::MachO),
    (b"\xcf\xfa\xed\xfe", ContentKind::MachO),
    (b"PK\x03\x04", ContentKind::Zip),
    (b"PK\x05\x06", ContentKind::Zip),
    (b"\x1f\x8b", ContentKind::Compressed),
    (b"BZh", ContentKind::Compressed),
    (b"\xfd7zXZ\0", ContentKind::Compressed),
    (b"\x28\xb5\x2f\xfd", ContentKind::Compressed),
    (b"SQLite format 3\0", ContentKind::Sqlite),
    (b"#!", ContentKind::Script),
];

/// The kind of a regular file of which `head` are the first bytes, up to [`crate::HEAD_BYTES`].
pub(crate) fn content_kind(head: &[u8]) -> ContentKind {
    if head.is_empty() {
        return ContentKind::Empty;
    }
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if is_universal_binary(head) {
        return ContentKind::MachO;
    }
    if head.contains(&0) { ContentKind::Binary } else { ContentKind::Text }
}

/// Universal binaries share their magic with Java classes. What follows is a count of architectures in the
/// one and a version, at least 45, in the other.
fn is_universal_binary(head: &[u8]) -> bool {
    matches!(head, [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, count, ..] if *count < 45)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_the_first_bytes() {
        for (head, kind) in [
            (&b""[..], ContentKind::Empty),
            (b"\x7fELF\x02", ContentKind::Elf),
            (b"MZ\x90", ContentKind::Pe),
            (b"\xcf\xfa\xed\xfe\x07", ContentKind::MachO),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", ContentKind::MachO),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", ContentKind::Binary),
            (b"PK\x03\x04", ContentKind::Zip),
            (b"PK\x05\x06", ContentKind::Zip),
            (b"\x28\xb5\x2f\xfd", ContentKind::Compressed),
            (b"SQLite format 3\0\x10", ContentKind::Sqlite),
            (b"SQLite format 3", ContentKind::Text),
            (b"#!/bin/sh", ContentKind::Script),
            (b"plain", ContentKind::Text),
            (b"nul\0", ContentKind::Binary),
        ] {
            assert_eq!(content_kind(head), kind, "{}", head.escape_ascii());
        }
    }
}
