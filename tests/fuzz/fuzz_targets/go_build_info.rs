//! Go build information: any bytes as an executable, and as the data of one.

#![no_main]

mod analyzer;
#[path = "analyzer/elf.rs"]
mod elf;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::ContentKind;

fuzz_target!(|data: &[u8]| {
    for kind in [ContentKind::Elf, ContentKind::Pe, ContentKind::MachO] {
        analyzer::read("golang/buildinfo", "bin/tool", kind, data);
    }
    let section = [b"\xff Go buildinf:", data].concat();
    analyzer::read("golang/buildinfo", "bin/tool", ContentKind::Elf, &elf::elf(".go.buildinfo", &section));
    // Information of the present form around any text of modules.
    let length = data.len() + 32;
    let varint = [length as u8 & 0x7f | 0x80, (length >> 7) as u8 & 0x7f | 0x80, (length >> 14) as u8 & 0x7f];
    let text = [&[b'<'; 16][..], data, &[b'>'; 16]].concat();
    let header = [&b"\xff Go buildinf:\x08\x02"[..], &[0; 16], b"\x06go1.22"].concat();
    let section = [&header[..], &varint, &text].concat();
    let records = analyzer::read(
        "golang/buildinfo",
        "bin/tool",
        ContentKind::Elf,
        &elf::elf(".go.buildinfo", &section),
    );
    assert!(!records.is_empty(), "the standard library is always there");
});
