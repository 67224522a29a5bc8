//! The list of crates in a Rust binary: any bytes as the section, and as what it expands to.

#![no_main]

mod analyzer;
#[path = "analyzer/elf.rs"]
mod elf;

use libfuzzer_sys::fuzz_target;
use miniz_oxide::deflate::compress_to_vec_zlib;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    for section in [data.to_vec(), compress_to_vec_zlib(data, 1)] {
        analyzer::read("rust/auditable", "bin/tool", ContentKind::Elf, &elf::elf(".dep-v0", &section));
    }
});
