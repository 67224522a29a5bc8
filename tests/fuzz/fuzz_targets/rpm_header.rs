//! The header of an rpm package, of any bytes and of any tags, in the smallest NDB database that holds it: at most one
//! package.

#![no_main]

mod analyzer;
mod database;
mod ndb;
mod package;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    for header in [data.to_vec(), package::header(data)] {
        let bytes = ndb::database(&[header]);
        let path = "usr/lib/sysimage/rpm/Packages.db";
        let records = analyzer::read("rpm/ndb", path, ContentKind::Binary, &bytes);
        database::check(&records);
        assert!(records.len() <= 2);
    }
});
