//! `package.json` of any bytes: at most one package.

#![no_main]

mod analyzer;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    let records = analyzer::read("javascript/package_json", "a/package.json", ContentKind::Text, data);
    assert!(records.len() <= 1);
});
