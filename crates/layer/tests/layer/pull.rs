//! Telling a broken pull from a broken layer.

use std::io::{self, BufRead, Read};

use plimsoll_layer::{EntrySink, Error, Expected, Fault, Limits, read_layer};
use plimsoll_types::{Digest, FileEntry, Retry};

use crate::support::{Counting, Kept, Tar, expected, gzip, sha256, zstd};

fn tar() -> Vec<u8> {
    (0..40).fold(Tar::default(), |tar, n| tar.file(&format!("{n}"), &vec![7; 100_000])).end()
}

fn pull(blob: impl Read + Send, expected: &Expected) -> Error {
    read_layer(blob, expected, &Limits::default(), &mut Kept::default()).unwrap_err()
}

/// What an oci client would put into an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("429")]
struct TooManyRequests;

struct Failing(io::ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(self.0, TooManyRequests))
    }
}

#[test]
fn a_reader_that_breaks_half_way_is_worth_another_attempt_and_keeps_its_error() {
    for blob in [tar(), gzip(&tar()), zstd(&tar())] {
        let half = blob.len() / 2;
        let error = pull(blob[..half].chain(Failing(io::ErrorKind::ConnectionReset)), &expected(&blob));
        assert_eq!((error.fault(), error.retry()), (Fault::Source, Retry::After(None)));
        let Error::Read { offset, source, layer } = error else { panic!("not a read error") };
        assert_eq!((offset, layer), (half as u64, sha256(&blob)));
        assert!(source.get_ref().unwrap().is::<TooManyRequests>());
    }
    let final_error = pull(Failing(io::ErrorKind::PermissionDenied), &expected(b""));
    assert_eq!(final_error.retry(), Retry::Never);
}

#[test]
fn interrupted_reads_are_repeated() {
    struct Interrupted(bool);
    impl Read for Interrupted {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(0) }
        }
    }
    let blob = tar();
    let read =
        read_layer(blob.chain(Interrupted(false)), &expected(&tar()), &Limits::default(), &mut Counting(0));
    assert_eq!(read.unwrap().entries, 40);
}

#[test]
fn a_short_blob_is_a_broken_pull_whatever_its_bytes_look_like() {
    for blob in [tar(), gzip(&tar()), zstd(&tar())] {
        for length in [0, 1, 700, blob.len() / 2, blob.len() - 1] {
            let error = pull(&blob[..length], &expected(&blob));
            assert!(matches!(error, Error::Short { got, .. } if got == length as u64), "{length}: {error}");
            assert_eq!((error.fault(), error.retry()), (Fault::Source, Retry::After(None)));
        }
    }
}

#[test]
fn a_long_blob_is_a_lying_source() {
    let blob = gzip(&tar());
    let error = pull([blob.as_slice(), &[0]].concat().as_slice(), &expected(&blob));
    assert!(matches!(error, Error::Long { .. }), "{error}");
    assert_eq!((error.fault(), error.retry()), (Fault::Source, Retry::Never));
    let endless = pull(blob.chain(io::repeat(0)), &expected(&gzip(&tar())));
    assert!(matches!(endless, Error::Long { .. }), "{endless}");
}

#[test]
fn bytes_that_do_not_verify_are_never_called_a_bad_layer() {
    let good = gzip(&tar());
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x55;
    let html = b"<html>502</html>".to_vec();
    let mut bad_tar = tar();
    // The fifth header; each is followed by 100,352 bytes.
    bad_tar[4 * 100_864..4 * 100_864 + 512].fill(1);
    for blob in [flipped, html, gzip(&bad_tar)] {
        for size in [None, Some(blob.len() as u64)] {
            let lie = Expected { digest: sha256(&good), size, diff_id: None };
            let error = pull(&blob[..], &lie);
            assert!(matches!(error, Error::DigestMismatch { got, .. } if got == sha256(&blob)), "{error}");
            assert_eq!((error.fault(), error.retry()), (Fault::Source, Retry::Never));
        }
        let error = pull(&blob[..], &expected(&blob));
        assert_eq!((error.fault(), error.retry()), (Fault::Layer, Retry::Never), "{error}");
    }
}

#[test]
fn over_a_limit_the_digest_still_decides_whose_fault_it_is() {
    let blob = gzip(&tar());
    let limits = Limits { max_entries: 1, ..Limits::default() };
    let lie = Expected { digest: sha256(b"another"), ..expected(&blob) };
    let error = read_layer(&blob[..], &lie, &limits, &mut Counting(0)).unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
}

#[test]
fn a_good_blob_with_a_wrong_digest_is_refused_after_the_last_byte() {
    let blob = zstd(&tar());
    let lie = Expected { digest: sha256(b"another"), ..expected(&blob) };
    assert!(matches!(pull(&blob[..], &lie), Error::DigestMismatch { .. }));
}

#[test]
fn a_wrong_diff_id_is_the_image_s_fault() {
    for blob in [tar(), gzip(&tar()), zstd(&tar())] {
        let right = Expected { diff_id: Some(sha256(&tar())), ..expected(&blob) };
        read_layer(&blob[..], &right, &Limits::default(), &mut Counting(0)).unwrap();
        let wrong = Expected { diff_id: Some(Digest::from_bytes([1; 32])), ..expected(&blob) };
        let error = pull(&blob[..], &wrong);
        assert!(matches!(error, Error::DiffIdMismatch { got, .. } if got == sha256(&tar())), "{error}");
        assert_eq!((error.fault(), error.retry()), (Fault::Image, Retry::Never));
    }
}

struct FullDisk;

impl EntrySink for FullDisk {
    fn entry(&mut self, _: FileEntry, _: &mut dyn BufRead) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn ambiguity(&mut self, _: String) {}
}

#[test]
fn a_sink_that_fails_ends_the_pull_and_is_told_from_the_layer() {
    let head = Tar::default().file("etc/a", b"data").0;
    // Endless entries: were the pull not stopped this would not end.
    let layer = Expected { digest: sha256(b"any"), size: None, diff_id: None };
    let endless = head.chain(io::repeat(0));
    let error = read_layer(endless, &layer, &Limits::default(), &mut FullDisk).unwrap_err();
    assert_eq!((error.fault(), error.retry()), (Fault::Local, Retry::After(None)));
    let Error::Sink { path, source, .. } = error else { panic!("not a sink error") };
    assert_eq!((path.to_string().as_str(), source.kind()), ("/etc/a", io::ErrorKind::StorageFull));
}

/// Hides the stream's failure from its caller, as a careless sink may.
struct Careless;

impl EntrySink for Careless {
    fn entry(&mut self, _: FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        let _ = io::copy(body, &mut io::sink());
        Ok(())
    }

    fn ambiguity(&mut self, _: String) {}
}

#[test]
fn a_sink_can_neither_hide_nor_cause_a_broken_stream() {
    let mut cut = tar();
    cut.truncate(150_000);
    for sink in [&mut Careless as &mut dyn EntrySink, &mut Kept::default()] {
        let error = read_layer(&cut[..], &expected(&cut), &Limits::default(), sink).unwrap_err();
        assert!(matches!(error, Error::Tar { .. }), "{error}");
    }
}

#[test]
fn a_sink_that_panics_does_not_hang_the_pull() {
    struct Panicking;
    impl EntrySink for Panicking {
        fn entry(&mut self, _: FileEntry, _: &mut dyn BufRead) -> io::Result<()> {
            panic!("as analyzers do");
        }
        fn ambiguity(&mut self, _: String) {}
    }
    let layer = Expected { digest: sha256(b"any"), size: None, diff_id: None };
    let endless = Tar::default().file("a", b"data").0;
    let caught = std::panic::catch_unwind(|| {
        read_layer(endless.chain(io::repeat(0)), &layer, &Limits::default(), &mut Panicking)
    });
    assert!(caught.is_err());
}
