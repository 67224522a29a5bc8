//! The SQLite database of rpm, of any bytes: packages are counted and own sorted clean paths.

#![no_main]

mod analyzer;
mod database;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    let records = analyzer::read("rpm/sqlite", "var/lib/rpm/rpmdb.sqlite", ContentKind::Sqlite, data);
    database::check(&records);
});
