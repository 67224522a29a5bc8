//! The header of an rpm package, of any bytes, in the smallest NDB database that holds it: at most one package.

#![no_main]

mod analyzer;
mod database;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

const PAGE: usize = 4096;
const HEAD: usize = 16;
const TAIL: usize = 12;

fuzz_target!(|blob: &[u8]| {
    let blocks = (HEAD + blob.len() + TAIL).div_ceil(16);
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut bytes = [b"RpmP".to_vec(), words(&[0, 1, 1, 0, 0, 0, 0])].concat();
    bytes.extend([b"Slot".to_vec(), words(&[1, PAGE as u32 / 16, blocks as u32])].concat());
    while bytes.len() < PAGE {
        bytes.extend([b"Slot".to_vec(), words(&[0, 0, 0])].concat());
    }
    bytes.extend([b"BlbS".to_vec(), words(&[1, 0, blob.len() as u32])].concat());
    bytes.extend_from_slice(blob);
    bytes.resize(PAGE + blocks * 16 - TAIL, 0);
    bytes.extend([words(&[0, blob.len() as u32]), b"BlbE".to_vec()].concat());
    let path = "usr/lib/sysimage/rpm/Packages.db";
    let records = analyzer::read("rpm/ndb", path, ContentKind::Binary, &bytes);
    database::check(&records);
    assert!(records.len() <= 2);
});
