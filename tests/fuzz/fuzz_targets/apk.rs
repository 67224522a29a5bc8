//! The database of apk, of any bytes: packages have versions and own sorted clean paths.

#![no_main]

mod analyzer;
mod database;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    let records = analyzer::read("alpine/apk", "lib/apk/db/installed", ContentKind::Text, data);
    database::check(&records);
});
