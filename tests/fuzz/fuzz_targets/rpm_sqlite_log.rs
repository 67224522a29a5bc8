//! The SQLite database of rpm with its write-ahead log. The log's frames are given valid checksums, which no
//! fuzzer would find, over whatever pages the input holds.

#![no_main]

mod database;
mod package;
mod sqlite;

use libfuzzer_sys::fuzz_target;
use plimsoll_analyze::{Finished, LayerRun, Limits, analyzers};
use plimsoll_layer::EntrySink;
use plimsoll_types::{ContentKind, Digest, EntryKind, FileEntry, PathBytes, SectionStatus};

const PAGE: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, bytes)) = bytes.split_first() else { return };
    // Either the first pages of the input, or a whole database that the log may change.
    let (database, pages) = match length {
        0..128 => bytes.split_at((usize::from(*length) * PAGE).min(bytes.len())),
        _ => (&whole()[..], bytes),
    };
    let mut log = Vec::new();
    for word in [0x377f_0683, 3_007_000, PAGE as u32, 0, 1, 2] {
        log.extend(u32::to_be_bytes(word));
    }
    let mut sum = checksum((0, 0), &log);
    log.extend([sum.0.to_be_bytes(), sum.1.to_be_bytes()].concat());
    for frame in pages.chunks_exact(PAGE + 2) {
        let (numbers, page) = frame.split_at(2);
        let start = [u32::from(numbers[0]).to_be_bytes(), u32::from(numbers[1]).to_be_bytes()].concat();
        sum = checksum(checksum(sum, &start), page);
        log.extend(start);
        log.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2]);
        log.extend([sum.0.to_be_bytes(), sum.1.to_be_bytes()].concat());
        log.extend_from_slice(page);
    }
    let limits = Limits::default();
    let analyzer: Vec<_> = analyzers::ALL.iter().copied().filter(|one| one.id() == "rpm/sqlite").collect();
    let mut run = LayerRun::new(&analyzer, &limits);
    let path = "var/lib/rpm/rpmdb.sqlite";
    for (path, bytes) in [(path, database), (&format!("{path}-wal"), &log[..])] {
        run.entry(file(path, bytes), &mut &bytes[..]).expect("memory cannot fail");
    }
    let Finished::Done(evidence) = run.finish(Digest::from_bytes([0; 32]), 0) else {
        panic!("there are no hard links")
    };
    let section = &evidence.packages.sections[0];
    assert_eq!(section.status, SectionStatus::Complete);
    database::check(&section.records);
});

/// A database of one package, which has a name and a version.
fn whole() -> Vec<u8> {
    let tags = [2, 0, 6, 0, 1, 1, 6, 2, 1];
    sqlite::database(PAGE, &[package::header(&[&tags[..], b"a\x001\0"].concat())])
}

fn file(path: &str, bytes: &[u8]) -> FileEntry {
    FileEntry {
        path: PathBytes::from(path),
        kind: EntryKind::File,
        link_target: Box::default(),
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 0,
        rdev: None,
        size: bytes.len() as u64,
        xattrs: Vec::new(),
        link_group: 0,
        content: ContentKind::None,
        sha256: None,
    }
}

fn checksum(start: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    bytes.chunks_exact(8).fold(start, |(first, second), pair| {
        let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        (first, second.wrapping_add(word(&pair[4..])).wrapping_add(first))
    })
}
