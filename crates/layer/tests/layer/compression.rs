//! Gzip, zstd and neither, told by content.

use std::io::Write;

use plimsoll_layer::{Compression, Error, Fault, LimitKind, Limits, Position};
use plimsoll_types::Retry;

use crate::support::{Tar, gzip, read, read_with, refuse, sha256, zstd};

fn tar() -> Vec<u8> {
    (0..40_u8)
        .fold(Tar::default(), |tar, n| tar.file(&format!("dir/{n}"), &vec![n; 4000 * usize::from(n)]))
        .end()
}

fn assert_same(blob: &[u8], compression: Compression) {
    let (result, kept) = read_with(blob, &Limits::default());
    let layer = result.unwrap();
    assert_eq!((layer.digest, layer.size), (sha256(blob), blob.len() as u64));
    assert_eq!((layer.diff_id, layer.uncompressed_size), (sha256(&tar()), tar().len() as u64));
    assert_eq!((layer.compression, layer.entries), (compression, 40));
    assert_eq!(kept.entries, read(&tar()).entries);
}

#[test]
fn one_layer_in_three_compressions_is_the_same_layer() {
    assert_same(&tar(), Compression::None);
    assert_same(&gzip(&tar()), Compression::Gzip);
    assert_same(&zstd(&tar()), Compression::Zstd);
}

#[test]
fn compressions_layers_must_not_have_are_named() {
    let xz = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46";
    let long = [&xz[..], &[7; 9000]].concat();
    let bzip2 = [&b"BZh91AY&SY"[..], &[7; 9000]].concat();
    for (blob, name) in [(&xz[..], "xz"), (&long, "xz"), (&bzip2, "bzip2"), (&gzip(&gzip(&tar())), "gzip")] {
        let error = refuse(blob);
        assert!(matches!(error, Error::Compression { found, .. } if found == name), "{error}");
        assert_eq!(
            (error.kind(), error.fault(), error.retry()),
            ("layer_compression", Fault::Layer, Retry::Never)
        );
        let message = error.to_string();
        assert!(
            message.contains(&format!("is {name} data; layers are gzip, zstd or not compressed")),
            "{message}"
        );
    }
}

#[test]
fn a_tar_may_begin_with_a_name_like_that() {
    let tar = Tar::default().file("BZh91AY&SY", b"x").end();
    assert_eq!(read(&tar).entries.len(), 1);
}

#[test]
fn gzip_members_follow_one_another() {
    let tar = tar();
    let split: Vec<u8> = tar.chunks(10_007).flat_map(gzip).collect();
    assert_same(&split, Compression::Gzip);
    let with_empty = [gzip(b""), gzip(&tar), gzip(b"")].concat();
    assert_same(&with_empty, Compression::Gzip);
}

#[test]
fn gzip_headers_may_hold_a_name_a_comment_and_extra_fields() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("layer.tar")
        .comment("comment")
        .extra(vec![0; 300])
        .write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&tar()).unwrap();
    assert_same(&encoder.finish().unwrap(), Compression::Gzip);
}

#[test]
fn zeros_after_the_last_gzip_member_are_padding_and_other_bytes_are_not() {
    assert_same(&[gzip(&tar()), vec![0; 100_000]].concat(), Compression::Gzip);
    let blob = gzip(&tar());
    let garbage = [blob.as_slice(), &[0; 10], b"x"].concat();
    let Error::Corrupt { at, compression, .. } = refuse(&garbage) else { panic!("not corrupt") };
    assert_eq!((at, compression), (Position::Compressed(blob.len() as u64 + 10), Compression::Gzip));
    assert!(matches!(refuse(&[blob.as_slice(), b"garbage"].concat()), Error::Corrupt { .. }));
}

#[test]
fn a_wrong_gzip_checksum_or_length_is_found() {
    let blob = gzip(&tar());
    for back in [1, 8] {
        let mut bad = blob.clone();
        let at = bad.len() - back;
        bad[at] ^= 1;
        let error = refuse(&bad);
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }
}

#[test]
fn zstd_frames_follow_one_another_and_may_be_skippable() {
    let tar = tar();
    let split: Vec<u8> = tar.chunks(100_003).flat_map(zstd).collect();
    assert_same(&split, Compression::Zstd);
    let skippable = [&0x184d_2a50_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), b"table"].concat();
    assert_same(&[skippable.clone(), zstd(&tar), skippable].concat(), Compression::Zstd);
}

#[test]
fn data_after_the_last_zstd_frame_is_refused() {
    assert!(matches!(refuse(&[zstd(&tar()).as_slice(), b"garbage"].concat()), Error::Corrupt { .. }));
}

#[test]
fn empty_members_and_frames_are_an_empty_layer() {
    for blob in [gzip(b""), zstd(b"")] {
        assert_eq!(read(&blob).entries.len(), 0);
    }
}

#[test]
fn a_zstd_window_over_the_limit_is_refused_before_it_is_allocated() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(&tar()).unwrap();
    let blob = encoder.finish().unwrap();
    let with = |max| read_with(&blob, &Limits { max_zstd_window_log: max, ..Limits::default() }).0;
    assert!(with(24).is_ok());
    assert!(matches!(with(23), Err(Error::Limit { limit: LimitKind::ZstdWindowLog, max: 23, .. })));
}
