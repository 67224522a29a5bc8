//! Metadata and file lists of Python distributions. The first byte says which.

#![no_main]

mod analyzer;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::{ContentKind, Payload};

const PATHS: &[&str] =
    &["a/x-1.dist-info/METADATA", "a/x-1.dist-info/RECORD", "x.egg-info/installed-files.txt"];

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let path = PATHS[*which as usize % PATHS.len()];
    for record in analyzer::read("python/dist_info", path, ContentKind::Text, bytes) {
        if let Payload::Owned(owned) = record.payload {
            assert!(owned.paths.is_sorted_by(|a, b| a < b));
            let dots = |part: &[u8]| matches!(part, b"" | b"." | b"..");
            assert!(!owned.paths.iter().any(|path| path.components().any(dots)));
        }
    }
});
