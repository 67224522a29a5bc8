//! The NDB database of rpm, of any bytes: packages are counted and own sorted clean paths.

#![no_main]

mod analyzer;
mod database;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    let records = analyzer::read("rpm/ndb", "usr/lib/sysimage/rpm/Packages.db", ContentKind::Binary, data);
    database::check(&records);
});
