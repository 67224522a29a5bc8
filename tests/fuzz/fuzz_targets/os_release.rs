//! os-release of any bytes: at most one record, and a distribution has an id.

#![no_main]

mod analyzer;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::{ContentKind, Payload};

fuzz_target!(|data: &[u8]| {
    let records = analyzer::read("linux/os-release", "etc/os-release", ContentKind::Text, data);
    assert!(records.len() <= 1);
    if let Some(Payload::OsRelease(release)) = records.first().map(|record| &record.payload) {
        assert!(!release.id.is_empty());
    }
});
