//! What a layer that is no tar is instead, where its first bytes tell.

/// The compression `head` starts like. Asked only when it is no tar header: a tar may begin with any name.
pub(super) fn compression(head: &[u8]) -> Option<&'static str> {
    Some(match head {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2",
        [0x04, 0x22, 0x4d, 0x18, ..] => "lz4",
        [b'L', b'Z', b'I', b'P', ..] => "lzip",
        [0x5d, 0, 0, _, ..] => "lzma",
        [0x1f, 0x9d, ..] => "compress (.Z)",
        // Layers are told by content, so these are what came out of another compression.
        [0x1f, 0x8b, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        for (head, expected) in [
            (&b"\xfd7zXZ\0\0\x04"[..], Some("xz")),
            (b"BZh91AY&SY", Some("bzip2")),
            (b"BZh0", None),
            (b"\x04\x22\x4d\x18", Some("lz4")),
            (b"\x5d\0\0\x80\0", Some("lzma")),
            (b"\x1f\x9d\x90", Some("compress (.Z)")),
            (b"\x1f\x8b\x08", Some("gzip")),
            (b"PK\x03\x04", None),
            (b"", None),
        ] {
            assert_eq!(compression(head), expected, "{}", head.escape_ascii());
        }
    }
}
