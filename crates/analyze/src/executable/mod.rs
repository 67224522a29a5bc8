//! Where the parts of an executable are: the sections and segments of ELF, PE and Mach-O files.
//!
//! Only headers are read, each table under a limit, so that a 500 MB binary costs a few kilobytes. Written here
//! rather than taken from a library because the usual ones allocate whatever a header claims.

mod elf;
mod macho;
mod pe;

use std::io;

use plimsoll_types::ContentKind;

use crate::{Content, FileMeta, Interest, ReadError, extent::Extent};

/// The largest table of headers that is read.
const TABLE_LIMIT: u64 = 8 << 20;

/// What an analyzer of executables wants of a file: all of those that are linked, to be read by seeking.
pub(crate) fn interest(file: &FileMeta<'_>) -> Interest {
    match file.content {
        ContentKind::Elf if is_linked_elf(file.head) => Interest::Whole,
        ContentKind::Pe | ContentKind::MachO => Interest::Whole,
        _ => Interest::None,
    }
}

/// False for object files, kernel modules and core dumps, which are ELF as well.
fn is_linked_elf(head: &[u8]) -> bool {
    const EXECUTABLE: u64 = 2;
    const SHARED: u64 = 3;
    let header = Fields { bytes: head, big_endian: head.get(5) == Some(&2) };
    matches!(header.uint(16, 2), Some(EXECUTABLE | SHARED))
}

/// The layout of one executable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Executable {
    /// Named parts, in the order of the file.
    pub(crate) sections: Vec<Region>,
    /// Parts that are mapped into memory.
    pub(crate) segments: Vec<Region>,
}

/// A range of the file and where it is mapped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Region {
    /// Name; empty for segments.
    pub(crate) name: Vec<u8>,
    /// Address in memory.
    pub(crate) address: u64,
    /// Offset in the file.
    pub(crate) offset: u64,
    /// Bytes in the file, clamped to it.
    pub(crate) size: u64,
    /// Mapped writable and not executable: where initialised data is.
    pub(crate) data: bool,
}

impl Executable {
    /// The first section of that name.
    pub(crate) fn section(&self, name: &[u8]) -> Option<&Region> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Up to `length` bytes that are mapped at `address`; nothing where nothing of the file is mapped.
    pub(crate) fn read_mapped(
        &self,
        extent: &mut Extent<'_>,
        address: u64,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let holds = |region: &&Region| address >= region.address && address - region.address < region.size;
        match self.segments.iter().find(holds) {
            None => Ok(Vec::new()),
            Some(region) => {
                let skip = address - region.address;
                let length = (length as u64).min(region.size - skip) as usize;
                extent.read_at(region.offset.saturating_add(skip), length)
            }
        }
    }
}

/// Shows `visit` every executable in `content`: one, or those of a universal binary. Content that is no
/// executable, or whose headers make no sense, has none: it could not be run either.
pub(crate) fn visit(
    content: &mut Content<'_>,
    mut visit: impl FnMut(&Executable, &mut Extent<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let size = content.size();
    let mut extent = Extent::new(content, size);
    let magic = extent.read_at(0, 4)?;
    let parts = match magic.as_slice() {
        [0xca, 0xfe, 0xba, 0xbe | 0xbf] => macho::universal(&mut extent)?,
        _ => vec![(0, size)],
    };
    for (offset, size) in parts {
        let mut part = extent.part(offset, size);
        let magic = part.read_at(0, 4)?;
        let executable = match magic.as_slice() {
            b"\x7fELF" => elf::read(&mut part)?,
            [b'M', b'Z', ..] => pe::read(&mut part)?,
            [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => macho::read(&mut part)?,
            _ => None,
        };
        if let Some(mut executable) = executable {
            let end = part.size();
            for region in executable.sections.iter_mut().chain(&mut executable.segments) {
                region.size = region.size.min(end.saturating_sub(region.offset));
            }
            visit(&executable, &mut part)?;
        }
    }
    Ok(())
}

/// Reads integers of one byte order out of a table. Out of bounds reads are `None`.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// Byte order.
    pub(crate) big_endian: bool,
}

impl<'a> Fields<'a> {
    /// An unsigned integer of `width` (at most 8) bytes.
    pub(crate) fn uint(self, at: usize, width: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(width)?)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    }

    /// A name of fixed width, padded with zeros.
    fn padded(self, at: usize, width: usize) -> Option<&'a [u8]> {
        self.bytes.get(at..at.checked_add(width)?).map(until_zero)
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A table of `count` entries of `stride` bytes, if it is within reason.
fn table(extent: &mut Extent<'_>, offset: u64, count: u64, stride: u64) -> io::Result<Vec<u8>> {
    let length = count.saturating_mul(stride);
    if length > TABLE_LIMIT { Ok(Vec::new()) } else { extent.read_at(offset, length as usize) }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use super::*;

    /// A 64-bit little-endian ELF file with one data segment over all of `sections`.
    pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
        const BASE: u64 = 0x40_0000;
        let mut bytes = vec![0; 64 + 56];
        let mut names = vec![0];
        let mut headers = vec![0; 64];
        for (name, content) in sections {
            bytes.resize(bytes.len().next_multiple_of(16), 0);
            let mut header = [0; 64];
            header[..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
            header[4] = 1;
            header[16..24].copy_from_slice(&(BASE + bytes.len() as u64).to_le_bytes());
            header[24..32].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
            header[32..40].copy_from_slice(&(content.len() as u64).to_le_bytes());
            headers.extend_from_slice(&header);
            names.extend_from_slice(name.as_bytes());
            names.push(0);
            bytes.extend_from_slice(content);
        }
        let mut header = [0; 64];
        header[4] = 3;
        header[24..32].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(names.len() as u64).to_le_bytes());
        headers.extend_from_slice(&header);
        bytes.extend_from_slice(&names);
        let (table, count) = (bytes.len() as u64, sections.len() as u16 + 2);
        bytes.extend_from_slice(&headers);
        bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        bytes[16] = 2;
        bytes[32] = 64;
        bytes[40..48].copy_from_slice(&table.to_le_bytes());
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[58] = 64;
        bytes[60..62].copy_from_slice(&count.to_le_bytes());
        bytes[62..64].copy_from_slice(&(count - 1).to_le_bytes());
        bytes[64] = 1;
        bytes[68] = 6;
        bytes[80..88].copy_from_slice(&BASE.to_le_bytes());
        let length = bytes.len() as u64;
        bytes[96..104].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    fn regions(bytes: &[u8]) -> Vec<Executable> {
        let mut found = Vec::new();
        let mut cursor = Cursor::new(bytes);
        visit(&mut Content::new(&mut cursor, bytes.len() as u64), |executable, _| {
            let copy = |region: &Region| Region { name: region.name.clone(), ..*region };
            found.push(Executable {
                sections: executable.sections.iter().map(copy).collect(),
                segments: executable.segments.iter().map(copy).collect(),
            });
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn sections_of_an_elf_file_are_found_by_name() {
        let bytes = elf(&[(".text", b"code"), (".dep-v0", b"payload")]);
        let found = regions(&bytes);
        let section = found[0].section(b".dep-v0").unwrap();
        assert_eq!(&bytes[section.offset as usize..][..section.size as usize], b"payload");
        assert!(found[0].segments[0].data);
    }

    #[test]
    fn sizes_are_clamped_to_the_file() {
        let mut bytes = elf(&[(".text", b"code")]);
        bytes[96..104].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(regions(&bytes)[0].segments[0].size, bytes.len() as u64);
    }

    #[test]
    fn truncation_anywhere_is_survived() {
        let bytes = elf(&[(".text", b"code"), (".dep-v0", b"payload")]);
        for length in 0..bytes.len() {
            for executable in regions(&bytes[..length]) {
                for region in executable.sections.iter().chain(&executable.segments) {
                    assert!(region.size == 0 || region.offset + region.size <= length as u64);
                }
            }
        }
    }

    #[test]
    fn a_class_file_is_no_universal_binary() {
        assert!(regions(b"\xca\xfe\xba\xbe\0\0\0\x41\0\x10\x0a\0\x02").is_empty());
    }
}
