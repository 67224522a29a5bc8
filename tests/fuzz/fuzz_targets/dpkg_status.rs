//! The database of dpkg, of any bytes: packages have versions and sources, and are counted.

#![no_main]

mod analyzer;
mod database;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    let records = analyzer::read("debian/dpkg-status", "var/lib/dpkg/status", ContentKind::Text, data);
    database::check(&records);
});
