//! The tar walk over any bytes.
//!
//! Checksums are put right first, where a block looks as if it were meant as a header: a fuzzer guesses no
//! checksums, and then would never get past the first block.

#![no_main]

use std::io::{self, BufRead};

use libfuzzer_sys::fuzz_target;
use plimsoll_layer::{EntrySink, Error, Limits, walk_tar};
use plimsoll_types::{Digest, EntryKind, FileEntry, PathBytes};

const LAYER: Digest = Digest::from_bytes([0; 32]);

fuzz_target!(|data: &[u8]| {
    let mut tar = data.to_vec();
    for block in tar.chunks_exact_mut(512) {
        if block[148..156].iter().all(|byte| *byte == b'#') {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    let limits = Limits { max_hole_bytes: 1 << 20, max_sparse_segments: 1 << 12, ..Limits::default() };
    let mut whole = Sink { reading: true, limits: limits.clone(), seen: Vec::new() };
    let mut skipped = Sink { reading: false, limits: limits.clone(), seen: Vec::new() };
    let first = walk_tar(&tar[..], LAYER, &limits, &mut whole);
    let second = walk_tar(&tar[..], LAYER, &limits, &mut skipped);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert!(matches!(first, Ok(_) | Err(Error::Tar { .. } | Error::Limit { .. })), "{first:?}");
    // An entry whose content is cut reaches the sink that skips, and fails the one that reads.
    let entries = whole.seen.len();
    assert_eq!(whole.seen, skipped.seen[..entries]);
    assert!(skipped.seen.len() <= entries + 1);
});

struct Sink {
    reading: bool,
    limits: Limits,
    seen: Vec<FileEntry>,
}

impl EntrySink for Sink {
    fn entry(&mut self, entry: FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        assert_eq!(entry.path, PathBytes::clean(entry.path.as_bytes()));
        assert!(entry.path.as_bytes().len() as u64 <= self.limits.max_path_bytes);
        assert!(!entry.path.as_bytes().contains(&0));
        assert!(entry.mode <= 0o7777);
        assert!(entry.kind == EntryKind::File || entry.size == 0);
        assert!(entry.xattrs.is_sorted_by(|a, b| a.0 < b.0));
        if self.reading {
            let read = io::copy(body, &mut io::sink())?;
            assert_eq!(read, entry.size);
        }
        self.seen.push(entry);
        Ok(())
    }

    fn ambiguity(&mut self, message: String) {
        assert!(!message.is_empty());
    }
}
