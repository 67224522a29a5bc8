//! One test for every way to say something in a tar.

use plimsoll_layer::{Error, Position, TarFault};
use plimsoll_types::EntryKind::{
    BlockDevice, CharDevice, Directory, Fifo, File, HardLink, Opaque, Symlink, Whiteout,
};

use crate::support::{Header, Kept, Tar, read, refuse};

fn fault(tar: &[u8]) -> TarFault {
    match refuse(tar) {
        Error::Tar { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn every_type_comes_as_what_it_is() {
    let device = |name, flag| Header::ustar(name, flag, 0).put(329, b"0000010\x000000003\0");
    let kept = read(
        &Tar::default()
            .dir("dev/")
            .file("file", b"content")
            .header(Header::ustar("hard", b'1', 0).link("./file"))
            .header(Header::ustar("soft", b'2', 0).link("../there//x"))
            .header(device("dev/char", b'3'))
            .header(device("dev/block", b'4'))
            .header(Header::ustar("fifo", b'6', 0))
            .end(),
    );
    let expected: Vec<_> = [
        (Directory, "/dev"),
        (File, "/file"),
        (HardLink, "/hard"),
        (Symlink, "/soft"),
        (CharDevice, "/dev/char"),
        (BlockDevice, "/dev/block"),
        (Fifo, "/fifo"),
    ]
    .map(|(kind, path)| (kind, path.to_owned()))
    .into();
    assert_eq!(kept.names(), expected);
    assert_eq!(kept.entries[1].1, b"content");
    assert_eq!(kept.entries[1].0.size, 7);
    assert_eq!(&*kept.entries[2].0.link_target, b"file", "hard link targets are paths");
    assert_eq!(&*kept.entries[3].0.link_target, b"../there//x", "symlink targets are text");
    assert_eq!(kept.entries[4].0.rdev, Some((8, 3)));
    assert_eq!(kept.entries[1].0.rdev, None);
    assert_eq!(kept.ambiguities, Vec::<String>::new());
}

#[test]
fn owner_mode_and_time_are_read() {
    let header = Header::ustar("a", b'0', 0)
        .put(100, b"0104755\0")
        .put(108, b"0001750\0")
        .put(116, b"\x80\0\0\0\xff\xff\xff\xfe")
        .put(136, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe");
    let kept = read(&Tar::default().header(header).end());
    let entry = kept.only();
    assert_eq!((entry.mode, entry.uid, entry.gid, entry.mtime), (0o4755, 1000, 4_294_967_294, -2));
    assert_eq!(kept.ambiguities, Vec::<String>::new());
}

#[test]
fn an_owner_that_does_not_fit_is_cut_and_told() {
    let tar = Tar::default().pax(b'x', &[("uid", b"4294967297")]).file("a", b"").end();
    let kept = read(&tar);
    assert_eq!(kept.only().uid, 1);
    assert_eq!(kept.ambiguities, ["/a has the owner 4294967297, cut to 32 bits"]);
}

#[test]
fn a_ustar_prefix_comes_before_the_name() {
    let tar = Tar::default().header(Header::ustar("c", b'0', 0).put(345, b"a/b")).end();
    assert_eq!(read(&tar).names(), [(File, "/a/b/c".to_owned())]);
}

#[test]
fn v7_and_star_headers_are_read() {
    let star = Header::ustar("c", b'0', 0).put(345, b"a/b").put(476, b"00000000001 00000000001 tar\0");
    let tar = Tar::default()
        .entry(Header::v7("old", 0, 3), b"abc")
        .header(Header::v7("old/dir/", 0, 0))
        .header(star.put(508, b"tar\0"))
        .end();
    let kept = read(&tar);
    let names = [(File, "/old".to_owned()), (Directory, "/old/dir".to_owned()), (File, "/a/b/c".to_owned())];
    assert_eq!(kept.names(), names);
    assert_eq!(kept.entries[0].1, b"abc");
}

#[test]
fn gnu_times_are_no_prefix_unless_they_are_no_times() {
    let times = Header::gnu("c", b'0', 0).put(345, b"13354422345\x0013354422345\0");
    let prefix = Header::gnu("c", b'0', 0).put(345, b"some/where");
    let names = read(&Tar::default().header(times).header(prefix).end()).names();
    assert_eq!(names, [(File, "/c".to_owned()), (File, "/some/where/c".to_owned())]);
}

#[test]
fn signed_checksums_of_old_tars_are_accepted() {
    let mut block = Header::ustar("caf\u{e9}", b'0', 0).block();
    let sum: i32 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { i32::from(byte.cast_signed()) })
        .sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = Tar::default().file("first", b"");
    tar.0.extend(block);
    assert_eq!(read(&tar.end()).names()[1].1, "/caf\u{e9}");
}

#[test]
fn gnu_long_names_and_links_override_and_end_at_a_nul() {
    let long = "d/".repeat(150) + "name";
    let target = "../".repeat(100) + "target";
    let tar = Tar::default()
        .long(b'K', target.as_bytes())
        .long(b'L', format!("{long}\0junk").as_bytes())
        .header(Header::gnu("short", b'2', 0).link("short"))
        .header(Header::gnu("next", b'2', 0).link("next-target"))
        .end();
    let kept = read(&tar);
    assert_eq!(kept.entries[0].0.path.to_string(), format!("/{long}"));
    assert_eq!(&*kept.entries[0].0.link_target, target.as_bytes());
    assert_eq!(&*kept.entries[1].0.link_target, b"next-target", "they are about one entry only");
}

#[test]
fn pax_records_override_the_header() {
    let tar = Tar::default()
        .pax(
            b'x',
            &[
                ("path", "p/\u{fc}".as_bytes()),
                ("uid", b"70000"),
                ("gid", b"80000"),
                ("mtime", b"1350244992.9"),
                ("atime", b"1.5"),
                ("comment", b"\0"),
                ("LIBARCHIVE.xattr.user.b", b"QQ"),
                ("SCHILY.xattr.user.b", b"2\n"),
                ("SCHILY.xattr.security.capability", b"\x01\0\0\x02"),
                ("SCHILY.xattr.user.empty", b""),
            ],
        )
        .file("ignored", b"data")
        .file("plain", b"")
        .end();
    let kept = read(&tar);
    let entry = &kept.entries[0].0;
    assert_eq!(entry.path.to_string(), "/p/\u{fc}");
    assert_eq!((entry.uid, entry.gid, entry.mtime, entry.size), (70_000, 80_000, 1_350_244_992, 4));
    let xattrs: Vec<(&[u8], &[u8])> = entry.xattrs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let wanted: [(&[u8], &[u8]); 3] =
        [(b"security.capability", b"\x01\0\0\x02"), (b"user.b", b"2\n"), (b"user.empty", b"")];
    assert_eq!(xattrs, wanted);
    assert_eq!(kept.entries[1].0.path.to_string(), "/plain");
    assert!(kept.entries[1].0.xattrs.is_empty());
}

#[test]
fn a_pax_size_is_the_size_of_the_data() {
    let tar = Tar::default()
        .pax(b'x', &[("size", b"3")])
        .entry(Header::ustar("a", b'0', 0), b"abc")
        .file("b", b"")
        .end();
    let kept = read(&tar);
    assert_eq!((kept.entries[0].1.as_slice(), kept.entries.len()), (&b"abc"[..], 2));
}

#[test]
fn a_second_local_header_replaces_the_first_and_a_long_name_beats_both() {
    let tar = Tar::default()
        .pax(b'x', &[("uid", b"7"), ("path", b"first")])
        .pax(b'x', &[("gid", b"8")])
        .file("a", b"")
        .long(b'L', b"long")
        .pax(b'x', &[("path", b"pax")])
        .file("b", b"")
        .end();
    let kept = read(&tar);
    assert_eq!(kept.names(), [(File, "/a".to_owned()), (File, "/long".to_owned())]);
    assert_eq!((kept.entries[0].0.uid, kept.entries[0].0.gid), (0, 8));
}

#[test]
fn global_headers_are_ignored_and_told_if_they_matter() {
    let comment = Tar::default().pax(b'g', &[("comment", b"abcdef")]).file("a", b"").end();
    assert_eq!(read(&comment).ambiguities, Vec::<String>::new());
    let uid = Tar::default().pax(b'x', &[("path", b"lost")]).pax(b'g', &[("uid", b"7")]).file("a", b"").end();
    let kept = read(&uid);
    assert_eq!((kept.names()[0].1.as_str(), kept.only().uid), ("/a", 0));
    assert_eq!(kept.ambiguities.len(), 1);
}

#[test]
fn names_are_cleaned_and_clamped_at_the_root() {
    let tar = Tar::default()
        .dir("./")
        .file("/etc/passwd", b"")
        .file("../../up", b"")
        .file("a/../../b", b"")
        .header(Header::ustar("hard", b'1', 0).link("../../up"))
        .file("..", b"")
        .end();
    let kept = read(&tar);
    let names: Vec<String> = kept.names().into_iter().map(|(_, path)| path).collect();
    assert_eq!(names, ["/", "/etc/passwd", "/up", "/b", "/hard"]);
    assert_eq!(&*kept.entries[4].0.link_target, b"up");
    // Twice '..' in a name, one in a link, and the last is no directory.
    assert_eq!(kept.ambiguities.len(), 5);
}

#[test]
fn a_file_named_like_a_directory_is_a_file_and_told() {
    let kept = read(&Tar::default().file("a/", b"data").end());
    assert_eq!((kept.names(), kept.entries[0].1.as_slice()), (vec![(File, "/a".to_owned())], &b"data"[..]));
    assert_eq!(kept.ambiguities.len(), 1);
}

#[test]
fn types_without_data_have_none_whatever_their_size_says() {
    let tar = Tar::default()
        .header(Header::ustar("dir", b'5', 9999))
        .header(Header::ustar("link", b'1', 512).link("x"))
        .file("after", b"data")
        .end();
    let kept = read(&tar);
    assert_eq!(kept.entries.len(), 3);
    assert_eq!((kept.entries[0].0.size, kept.entries[1].0.size, kept.entries[2].0.size), (0, 0, 4));
}

#[test]
fn unknown_types_are_skipped_with_their_data_and_told() {
    let tar = Tar::default().entry(Header::ustar("v", b'V', 600), &[1; 600]).file("after", b"data").end();
    let kept = read(&tar);
    assert_eq!(kept.names(), [(File, "/after".to_owned())]);
    assert_eq!(kept.ambiguities.len(), 1);
}

#[test]
fn whiteouts_of_any_type_come_decoded_and_without_data() {
    let tar = Tar::default()
        .pax(b'x', &[("SCHILY.xattr.user.a", b"1")])
        .file("a/.wh.b", b"data")
        .dir("c/.wh.d/")
        .file("e/.wh..wh..opq", b"")
        .file(".wh..wh.plnk/1.2", b"aufs")
        .end();
    let kept = read(&tar);
    let names = [(Whiteout, "/a/b".to_owned()), (Whiteout, "/c/d".to_owned()), (Opaque, "/e".to_owned())];
    assert_eq!(kept.names(), names);
    assert!(kept.entries[0].0.xattrs.is_empty() && kept.entries[0].1.is_empty());
    assert_eq!(kept.entries[0].0.size, 0);
}

#[test]
fn whiteouts_of_nothing_are_refused() {
    assert_eq!(fault(&Tar::default().file("a/.wh.", b"").end()), TarFault::Whiteout("/a/.wh.".into()));
}

#[test]
fn names_with_a_nul_are_refused() {
    let sparse = [
        ("GNU.sparse.major", &b"0"[..]),
        ("GNU.sparse.minor", b"1"),
        ("GNU.sparse.name", b"a\0b"),
        ("GNU.sparse.numblocks", b"0"),
        ("GNU.sparse.map", b""),
    ];
    let tar = Tar::default().pax(b'x', &sparse).file("x", b"").end();
    assert_eq!(fault(&tar), TarFault::Name("a\\x00b".into()));
}

#[test]
fn an_archive_ends_with_two_zero_blocks_one_or_none() {
    let tar = Tar::default().file("a", b"abc");
    for zeros in [0, 512, 1024, 10_240] {
        let mut bytes = tar.0.clone();
        bytes.resize(bytes.len() + zeros, 0);
        assert_eq!(read(&bytes).names().len(), 1, "{zeros}");
    }
    let mut unpadded = tar.0.clone();
    unpadded.truncate(512 + 3);
    assert_eq!(read(&unpadded).entries[0].1, b"abc", "as in Go, padding may be missing");
    assert_eq!(read(b"").entries.len(), 0, "no bytes are an empty layer");
}

#[test]
fn a_zero_block_between_entries_is_refused() {
    let mut tar = Tar::default().file("a", b"");
    tar.0.extend([0; 512]);
    assert_eq!(fault(&tar.file("b", b"").end()), TarFault::LoneZeroBlock);
}

#[test]
fn what_follows_the_end_is_hashed_and_told_and_no_entry() {
    let tar = [Tar::default().file("a", b"").end(), Tar::default().file("hidden", b"").end()].concat();
    let kept = read(&tar);
    assert_eq!(kept.names(), [(File, "/a".to_owned())]);
    assert_eq!(kept.ambiguities, ["data follows the end of the archive at byte 1536, ignored"]);
}

#[test]
fn errors_name_the_header_they_are_about() {
    let mut tar = Tar::default().file("a", b"data").file("b", b"").end();
    tar[1024] ^= 1;
    let Error::Tar { at, what, .. } = refuse(&tar) else { panic!("not a tar fault") };
    assert_eq!((at, what), (Position::Uncompressed(1024), TarFault::Checksum));
    assert_eq!(fault(&b"<html>".repeat(200)), TarFault::NotATar);
}

#[test]
fn a_sink_that_leaves_content_unread_gets_the_next_entry_whole() {
    let tar = Tar::default().file("a", &[1; 2000]).file("b", b"data").end();
    let mut sink = crate::support::Counting::default();
    let expected = crate::support::expected(&tar);
    plimsoll_layer::read_layer(&tar[..], &expected, &plimsoll_layer::Limits::default(), &mut sink).unwrap();
    assert_eq!(sink.0, 2);
    assert_eq!(read(&tar).entries[1].1, b"data");
}

#[test]
fn ambiguities_are_bounded() {
    let tar = (0..500).fold(Tar::default(), |tar, n| tar.file(&format!("a/../{n}"), b""));
    let kept: Kept = read(&tar.end());
    assert_eq!((kept.entries.len(), kept.ambiguities.len()), (500, 65));
}
