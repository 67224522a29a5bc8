//! Every limit at its bound and one beyond.

use plimsoll_layer::{Error, Fault, LimitKind, Limits, Position, read_layer};
use plimsoll_types::Retry;

use crate::support::{Counting, Header, Tar, expected, gzip, read_with, zstd};

/// Reads `blob` with `kind`'s bound at `max`, which must do, and at one less, which must not.
fn assert_bound(blob: &[u8], kind: LimitKind, max: u64, set: impl Fn(&mut Limits, u64)) -> Position {
    let with = |max| {
        let mut limits = Limits::default();
        set(&mut limits, max);
        read_with(blob, &limits).0
    };
    with(max).unwrap();
    let error = with(max - 1).unwrap_err();
    assert_eq!((error.kind(), error.retry(), error.fault()), ("layer_limit", Retry::Never, Fault::Layer));
    match error {
        Error::Limit { limit, max: bound, at, .. } => {
            assert_eq!((limit, bound), (kind, max - 1));
            at
        }
        other => panic!("{other}"),
    }
}

#[test]
fn blob_bytes() {
    let tar = Tar::default().file("a", b"").end();
    assert_bound(&tar, LimitKind::BlobBytes, 1536, |limits, max| limits.max_blob_bytes = max);
}

#[test]
fn blob_bytes_of_unknown_size() {
    let tar = Tar::default().file("a", b"").end();
    let mut unknown = expected(&tar);
    unknown.size = None;
    let with = |max| {
        let limits = Limits { max_blob_bytes: max, ..Limits::default() };
        read_layer(&tar[..], &unknown, &limits, &mut Counting::default())
    };
    assert!(with(1536).is_ok());
    assert!(matches!(with(1535), Err(Error::Limit { limit: LimitKind::BlobBytes, .. })));
}

#[test]
fn uncompressed_bytes() {
    let tar = Tar::default().file("a", &vec![7; 1 << 20]).end();
    for blob in [tar.clone(), gzip(&tar), zstd(&tar)] {
        let size = tar.len() as u64;
        let set = |limits: &mut Limits, max| limits.max_uncompressed_bytes = max;
        let at = assert_bound(&blob, LimitKind::UncompressedBytes, size, set);
        assert_eq!(at, Position::Uncompressed(size - 1));
    }
}

#[test]
fn ratio_once_enough_came_out() {
    let tar = Tar::default().file("a", &vec![0; 8 << 20]).end();
    for blob in [gzip(&tar), zstd(&tar)] {
        let with = |ratio_after_bytes, max_ratio| {
            read_with(&blob, &Limits { ratio_after_bytes, max_ratio, ..Limits::default() }).0
        };
        assert!(with(16 << 20, 200).is_ok(), "too little came out to judge");
        assert!(with(1 << 20, 100_000).is_ok());
        assert!(matches!(with(1 << 20, 200), Err(Error::Limit { limit: LimitKind::Ratio, .. })));
    }
}

#[test]
fn entries_count_skipped_ones_too() {
    let tar = Tar::default().file("a", b"").header(Header::ustar("v", b'V', 0)).file(".wh.b", b"").end();
    let at = assert_bound(&tar, LimitKind::Entries, 3, |limits, max| limits.max_entries = max);
    assert_eq!(at, Position::Uncompressed(1024), "the header of the third");
}

#[test]
fn a_million_entries_and_one() {
    let blob = zstd(&Header::ustar("a", b'0', 0).block().repeat(1_000_001));
    let limits = Limits { max_ratio: u64::MAX, ..Limits::default() };
    let mut sink = Counting::default();
    let error = read_layer(&blob[..], &expected(&blob), &limits, &mut sink).unwrap_err();
    let Error::Limit { limit: LimitKind::Entries, max, at, .. } = error else { panic!("{error}") };
    assert_eq!((sink.0, max, at), (1_000_000, 1_000_000, Position::Uncompressed(512_000_000)));
}

#[test]
fn path_and_link_bytes() {
    let path = "a/".repeat(2048);
    for tar in [
        Tar::default().long(b'L', path.as_bytes()).file("x", b""),
        Tar::default().pax(b'x', &[("path", path.as_bytes())]).file("x", b""),
    ] {
        assert_bound(&tar.end(), LimitKind::PathBytes, 4096, |limits, max| limits.max_path_bytes = max);
    }
    for flag in [b'1', b'2'] {
        let tar = Tar::default().long(b'K', path.as_bytes()).header(Header::gnu("x", flag, 0)).end();
        assert_bound(&tar, LimitKind::LinkBytes, 4096, |limits, max| limits.max_link_bytes = max);
    }
}

#[test]
fn pax_bytes() {
    let tar = Tar::default().pax(b'x', &[("comment", &[b'c'; 5000])]).file("x", b"").end();
    assert_bound(&tar, LimitKind::PaxBytes, 5014, |limits, max| limits.max_pax_bytes = max);
    let claimed = Tar::default().header(Header::gnu("x", b'L', (1 << 20) + 1)).end();
    let error = read_with(&claimed, &Limits::default()).0.unwrap_err();
    assert!(
        matches!(error, Error::Limit { limit: LimitKind::PaxBytes, .. }),
        "before it is allocated: {error}"
    );
}

#[test]
fn xattr_and_metadata_bytes() {
    let records = [("SCHILY.xattr.user.a", &b"12345"[..]), ("SCHILY.xattr.user.b", b"1")];
    let tar = Tar::default().pax(b'x', &records).file("abc", b"");
    assert_bound(&tar.clone().end(), LimitKind::XattrBytes, 18, |limits, max| limits.max_xattr_bytes = max);
    let tar = tar.header(Header::ustar("s", b'2', 0).link("target")).end();
    // abc and its attributes, s and its target.
    assert_bound(&tar, LimitKind::MetadataBytes, 28, |limits, max| limits.max_metadata_bytes = max);
}

#[test]
fn file_bytes() {
    let tar = Tar::default().file("a", &[1; 700]).end();
    assert_bound(&tar, LimitKind::FileBytes, 700, |limits, max| limits.max_file_bytes = max);
}
