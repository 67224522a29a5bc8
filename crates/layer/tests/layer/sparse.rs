//! Sparse files in every format.

use plimsoll_layer::{Error, LimitKind, Limits, TarFault};

use crate::support::{Header, Kept, Tar, read, read_with, refuse};

/// Two parts, a hole before, between and after: 4 + "abc" + 5 + "defg" + 8.
const EXPANDED: &[u8] = b"\0\0\0\0abc\0\0\0\0\0defg\0\0\0\0\0\0\0\0";
const DATA: &[u8] = b"abcdefg";

fn assert_expanded(kept: &Kept, name: &str) {
    let (entry, content) = &kept.entries[0];
    assert_eq!(content, EXPANDED);
    assert_eq!((entry.path.to_string().as_str(), entry.size), (name, EXPANDED.len() as u64));
    assert_eq!(kept.names()[1].1, "/after");
}

fn octal(value: u64) -> Vec<u8> {
    format!("{value:011o}\0").into_bytes()
}

/// An old GNU header with up to four parts.
fn old_gnu(parts: &[(u64, u64)], real_size: u64, data: u64) -> Header {
    let mut header = Header::gnu("sparse", b'S', data).put(483, &octal(real_size));
    for (at, (offset, length)) in parts.iter().enumerate() {
        header = header.put(386 + at * 24, &octal(*offset)).put(398 + at * 24, &octal(*length));
    }
    header
}

fn version_1(map: &str, size: &str, data: &[u8]) -> Tar {
    let mut content = map.as_bytes().to_vec();
    content.resize(content.len().next_multiple_of(512), 0);
    content.extend(data);
    let records = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.realsize", size.as_bytes()),
    ];
    Tar::default().pax(b'x', &records).file("GNUSparseFile.0/sparse", &content).file("after", b"")
}

fn version_0(numblocks: &str, map: &str, size: &str, data: &[u8]) -> Tar {
    let records = [
        ("GNU.sparse.size", size.as_bytes()),
        ("GNU.sparse.numblocks", numblocks.as_bytes()),
        ("GNU.sparse.map", map.as_bytes()),
        ("GNU.sparse.name", b"sparse"),
    ];
    Tar::default().pax(b'x', &records).file("x", data).file("after", b"")
}

/// The lines of a map of `count` parts of a byte.
fn every_other_byte(count: u32) -> String {
    (0..count).map(|n| (n * 2).to_string() + "\n1\n").collect()
}

#[test]
fn old_gnu_entries_expand() {
    let tar =
        Tar::default().entry(old_gnu(&[(4, 3), (12, 4), (24, 0)], 24, 7), DATA).file("after", b"").end();
    assert_expanded(&read(&tar), "/sparse");
}

#[test]
fn old_gnu_extension_blocks_expand_and_are_not_counted_as_data() {
    let mut extension = [0; 512];
    extension[..24].copy_from_slice(&[octal(12), octal(4)].concat());
    let mut tar = Tar::default().header(old_gnu(&[(4, 3)], 24, 7).put(482, &[1]));
    tar.0.extend(extension);
    assert_expanded(&read(&tar.data(DATA).file("after", b"").end()), "/sparse");
}

#[test]
fn pax_0_0_expands() {
    let records = [
        ("GNU.sparse.size", &b"24"[..]),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.offset", b"4"),
        ("GNU.sparse.numbytes", b"3"),
        ("GNU.sparse.offset", b"12"),
        ("GNU.sparse.numbytes", b"4"),
    ];
    let tar = Tar::default().pax(b'x', &records).file("sparse", DATA).file("after", b"").end();
    assert_expanded(&read(&tar), "/sparse");
}

#[test]
fn pax_0_1_expands() {
    assert_expanded(&read(&version_0("2", "4,3,12,4", "24", DATA).end()), "/sparse");
}

#[test]
fn pax_1_0_expands() {
    assert_expanded(&read(&version_1("2\n4\n3\n12\n4\n", "24", DATA).end()), "/sparse");
}

#[test]
fn a_map_may_be_longer_than_a_block() {
    let map = every_other_byte(300);
    let kept = read(&version_1(&format!("300\n{map}"), "600", &[7; 300]).end());
    assert_eq!(kept.entries[0].1, [7, 0].repeat(300));
}

#[test]
fn a_file_may_be_all_hole() {
    for map in ["0\n", "1\n24\n0\n"] {
        assert_eq!(read(&version_1(map, "24", b"").end()).entries[0].1, [0; 24], "{map:?}");
    }
}

#[test]
fn unknown_sparse_versions_are_plain_files() {
    let records = [("GNU.sparse.major", &b"2"[..]), ("GNU.sparse.minor", b"0"), ("GNU.sparse.map", b"4,3")];
    let kept = read(&Tar::default().pax(b'x', &records).file("a", DATA).end());
    assert_eq!(kept.entries[0].1, DATA);
}

#[test]
fn malformed_maps_are_refused() {
    for (what, tar) in [
        ("overlap", version_0("2", "4,3,6,4", "24", DATA)),
        ("order", version_0("2", "12,4,4,3", "24", DATA)),
        ("beyond the end", version_0("2", "4,3,21,4", "24", DATA)),
        ("overflow", version_0("2", "4,3,9223372036854775807,4", "24", DATA)),
        ("negative offset", version_0("2", "-4,3,12,4", "24", DATA)),
        ("negative length", version_0("2", "4,-3,12,4", "24", DATA)),
        ("negative size", version_0("2", "4,3,12,4", "-24", DATA)),
        ("fewer parts than said", version_0("3", "4,3,12,4", "24", DATA)),
        ("more parts than said", version_0("1", "4,3,12,4", "24", DATA)),
        ("odd", version_0("2", "4,3,12", "24", DATA)),
        ("no number", version_0("2", "4,3,12,x", "24", DATA)),
        ("a number of parts that is none", version_0("x", "4,3,12,4", "24", DATA)),
        ("less data than the map", version_0("2", "4,3,12,4", "24", b"abcdef")),
        ("more data than the map", version_0("2", "4,3,12,4", "24", b"abcdefgh")),
        ("a map longer than the data", version_1("900\n1\n1\n", "24", b"")),
        ("a negative number of parts", version_1("-1\n", "24", b"")),
        ("an endless line", version_1(&"0".repeat(4096), "24", b"")),
    ] {
        assert!(
            matches!(
                refuse(&tar.end()),
                Error::Tar { what: TarFault::Sparse(_) | TarFault::NegativeSize, .. }
            ),
            "{what}"
        );
    }
}

#[test]
fn sparse_entries_that_are_no_files_or_no_gnu_format_are_refused() {
    let star = Tar::default().header(Header::ustar("a", b'S', 0)).end();
    let records =
        [("GNU.sparse.numblocks", &b"0"[..]), ("GNU.sparse.major", b"0"), ("GNU.sparse.minor", b"1")];
    let dir = Tar::default().pax(b'x', &records).dir("d/").end();
    for tar in [star, dir] {
        assert!(matches!(refuse(&tar), Error::Tar { what: TarFault::Sparse(_), .. }));
    }
}

#[test]
fn a_whiteout_that_is_sparse_is_a_whiteout() {
    let tar = Tar::default().entry(old_gnu(&[(4, 3), (12, 4)], 24, 7).put(0, b".wh.a\0"), DATA);
    let kept = read(&tar.file("after", b"").end());
    assert_eq!((kept.entries[0].0.size, kept.entries.len()), (0, 2));
}

#[test]
fn holes_cost_no_memory_and_are_limited() {
    let bomb = |size: u64| version_0("1", "0,7", &size.to_string(), DATA).end();
    let limits = Limits { max_hole_bytes: 1 << 20, ..Limits::default() };
    let (result, kept) = read_with(&bomb((1 << 20) + 7), &limits);
    assert_eq!(result.map(|layer| layer.entries).unwrap(), 2);
    assert_eq!(kept.entries[0].1.len(), (1 << 20) + 7);
    let (result, kept) = read_with(&bomb((1 << 20) + 8), &limits);
    assert!(matches!(result, Err(Error::Limit { limit: LimitKind::HoleBytes, .. })));
    assert!(kept.entries.is_empty());
    let exabytes = read_with(&bomb(i64::MAX as u64), &Limits::default()).0;
    assert!(matches!(exabytes, Err(Error::Limit { limit: LimitKind::HoleBytes, .. })));
}

#[test]
fn parts_are_limited() {
    let map = every_other_byte(10);
    let tar = version_1(&format!("10\n{map}"), "20", &[7; 10]).end();
    let at = |max| read_with(&tar, &Limits { max_sparse_segments: max, ..Limits::default() }).0;
    assert!(at(10).is_ok());
    assert!(matches!(at(9), Err(Error::Limit { limit: LimitKind::SparseSegments, .. })));
    let claimed = version_1("9223372036854775807\n", "20", b"").end();
    assert!(matches!(refuse(&claimed), Error::Limit { limit: LimitKind::SparseSegments, .. }));
}
