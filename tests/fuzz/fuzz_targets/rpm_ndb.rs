//! The NDB database of rpm, of any bytes, and of any packages with some bytes changed: packages are counted and own
//! sorted clean paths.

#![no_main]

mod analyzer;
mod changed;
mod database;
mod ndb;
mod package;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    for bytes in [data, &changed::database(data, ndb::database)] {
        let path = "usr/lib/sysimage/rpm/Packages.db";
        database::check(&analyzer::read("rpm/ndb", path, ContentKind::Binary, bytes));
    }
});
