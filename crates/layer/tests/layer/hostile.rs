//! Layers that mean harm. Each gives a typed error, or the result that is safe.

use plimsoll_layer::{Error, Fault, LimitKind, Limits, TarFault};
use plimsoll_types::{EntryKind, Retry};

use crate::support::{Header, Tar, gzip, read, read_with, refuse, zstd};

/// Something of everything.
fn everything() -> Vec<u8> {
    let sparse = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.realsize", b"9000"),
    ];
    let mut map = b"2\n0\n1000\n8000\n1000\n".to_vec();
    map.resize(512, 0);
    map.extend([7; 2000]);
    let mut extension = [0; 512];
    extension[..24].copy_from_slice(b"00000001000\x0000000001000\0");
    let old = Header::gnu("old-sparse", b'S', 512)
        .put(386, b"00000002000\x0000000000000\0")
        .put(482, &[1])
        .put(483, b"00000004000\0");
    let mut tar = Tar::default()
        .dir("etc/")
        .file("etc/passwd", &[b'p'; 1300])
        .pax(b'x', &[("path", &[b'n'; 700]), ("SCHILY.xattr.user.a", &[0; 600])])
        .file("x", &[b'x'; 512])
        .long(b'L', &[b'l'; 600])
        .long(b'K', &[b'k'; 600])
        .header(Header::gnu("x", b'2', 0))
        .pax(b'x', &sparse)
        .file("x", &map)
        .header(old.put(386, &[0; 24]));
    tar.0.extend(extension);
    tar.data(&[9; 512]).file(".wh.gone", b"").pax(b'g', &[("comment", b"c")]).file("last", b"end").end()
}

/// A cut archive is an error, or all that stands before the cut if that is where an archive may end.
#[test]
fn archives_cut_at_every_block_give_an_error_or_a_prefix() {
    let tar = everything();
    let whole = read(&tar);
    let mut outcomes = [0, 0];
    for cut in (0..tar.len()).step_by(512).chain((0..tar.len()).step_by(509)) {
        let part = &tar[..cut];
        for blob in [part.to_vec(), gzip(part), zstd(part)] {
            let (result, kept) = read_with(&blob, &Limits::default());
            match result {
                Ok(layer) => {
                    assert_eq!(kept.entries, whole.entries[..kept.entries.len()], "cut at {cut}");
                    assert_eq!(layer.uncompressed_size, cut as u64);
                    outcomes[0] += 1;
                }
                Err(Error::Tar { what: TarFault::Truncated(_), .. }) => outcomes[1] += 1,
                Err(other) => panic!("cut at {cut}: {other}"),
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 20), "{outcomes:?}");
}

/// A cut blob never passes, even with a digest to match, except where a stream may end.
#[test]
fn compressed_blobs_cut_anywhere_are_corrupt() {
    let tar = everything();
    for blob in [gzip(&tar), zstd(&tar)] {
        for cut in 4..blob.len() {
            let error = refuse(&blob[..cut]);
            assert!(matches!(error, Error::Corrupt { .. }), "cut at {cut}: {error}");
            assert_eq!((error.fault(), error.retry()), (Fault::Layer, Retry::Never));
        }
    }
}

/// Every byte of every header, with the bits turned: nothing panics, nothing hangs.
#[test]
fn archives_with_turned_bytes_do_not_panic() {
    let tar = everything();
    let limits = Limits { max_hole_bytes: 1 << 20, ..Limits::default() };
    for at in (0..tar.len()).step_by(7) {
        for mask in [0xff, 0x80, 0x01] {
            let mut bad = tar.clone();
            bad[at] ^= mask;
            let start = at / 512 * 512;
            if let Ok(block) = <[u8; 512]>::try_from(&bad[start..start + 512]) {
                bad[start..start + 512].copy_from_slice(&Header(block).block());
            }
            let _ = plimsoll_layer::walk_tar(
                &bad[..],
                crate::support::sha256(b""),
                &limits,
                &mut crate::support::Kept::default(),
            );
        }
    }
}

#[test]
fn bombs_end_at_the_ratio() {
    let zeros = Tar::default().file("a", &vec![0; 64 << 20]).end();
    let limits = Limits { ratio_after_bytes: 32 << 20, ..Limits::default() };
    for blob in [gzip(&zeros), zstd(&zeros)] {
        let (result, _) = read_with(&blob, &limits);
        assert!(matches!(result, Err(Error::Limit { limit: LimitKind::Ratio, .. })));
    }
}

#[test]
fn negative_and_overflowing_numbers_are_refused() {
    let negative = [0xff; 12];
    let huge = [b"\x80".as_slice(), &[0xff; 11]].concat();
    for (header, wanted) in [
        (Header::gnu("a", b'0', 0).put(124, &negative), TarFault::NegativeSize),
        (Header::gnu("a", b'L', 0).put(124, &negative), TarFault::NegativeSize),
        (Header::ustar("a", b'x', 0).put(124, &negative), TarFault::NegativeSize),
        (Header::gnu("a", b'0', 0).put(124, &huge), TarFault::Number("size")),
        (Header::gnu("a", b'0', 0).put(108, b"notanumb"), TarFault::Number("uid")),
        (Header::ustar("a", b'0', 0).put(329, b"99999999"), TarFault::Number("devmajor")),
    ] {
        match refuse(&Tar::default().header(header).end()) {
            Error::Tar { what, .. } => assert_eq!(what, wanted),
            other => panic!("{other}"),
        }
    }
    let pax = Tar::default().pax(b'x', &[("size", b"-1")]).file("a", b"").end();
    assert!(matches!(refuse(&pax), Error::Tar { what: TarFault::NegativeSize, .. }));
    let max = Tar::default().pax(b'x', &[("size", b"9223372036854775807")]).file("a", b"").end();
    assert!(matches!(refuse(&max), Error::Limit { limit: LimitKind::FileBytes, .. }));
}

#[test]
fn broken_pax_headers_are_refused() {
    for data in [&b"no length\n"[..], b"6 a=b", b"30 path=a\n", b"0 a=b\n", b"7 path\n", b"\0\0\0\0\0\0"] {
        let error = refuse(&Tar::default().raw_pax(b'x', data).file("a", b"").end());
        assert!(matches!(error, Error::Tar { what: TarFault::Pax(_), .. }), "{}", data.escape_ascii());
    }
    for (key, value) in [("uid", "x"), ("gid", "1.5"), ("size", "0x10"), ("mtime", "now"), ("ctime", "1.x")] {
        let error = refuse(&Tar::default().pax(b'x', &[(key, value.as_bytes())]).file("a", b"").end());
        assert!(matches!(error, Error::Tar { what: TarFault::Pax(_), .. }), "{key}");
    }
}

#[test]
fn a_hard_link_to_itself_is_skipped_and_told() {
    let kept = read(&Tar::default().header(Header::ustar("a", b'1', 0).link("./a")).end());
    assert_eq!((kept.entries.len(), kept.ambiguities.len()), (0, 1));
}

#[test]
fn link_loops_are_only_names_here() {
    let tar = Tar::default()
        .header(Header::ustar("a", b'2', 0).link("b"))
        .header(Header::ustar("b", b'2', 0).link("a"))
        .header(Header::ustar("c", b'1', 0).link("d"))
        .header(Header::ustar("d", b'1', 0).link("c"))
        .end();
    let kinds: Vec<_> = read(&tar).names().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [EntryKind::Symlink, EntryKind::Symlink, EntryKind::HardLink, EntryKind::HardLink]);
}

#[test]
fn extended_headers_without_an_entry_are_nothing() {
    let tar = (0..1000).fold(Tar::default(), |tar, _| tar.pax(b'x', &[("path", b"a")])).end();
    assert_eq!(read(&tar).entries.len(), 0);
}

#[test]
fn other_formats_are_named_as_what_they_are_not() {
    for blob in [b"PK\x03\x04".repeat(200), b"LZIQ".repeat(200), b"BZh0".repeat(200)] {
        assert!(matches!(refuse(&blob), Error::Tar { what: TarFault::NotATar, .. }));
    }
}
