//! The SQLite database of rpm, of any bytes, and of any packages with some bytes changed: packages are counted and own
//! sorted clean paths.

#![no_main]

mod analyzer;
mod changed;
mod database;
mod package;
mod sqlite;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    for bytes in [data, &changed::database(data, |headers| sqlite::database(512, headers))] {
        let path = "var/lib/rpm/rpmdb.sqlite";
        database::check(&analyzer::read("rpm/sqlite", path, ContentKind::Sqlite, bytes));
    }
});
