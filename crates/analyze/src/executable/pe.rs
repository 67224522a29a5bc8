//! PE: Extents executables and libraries.

use std::io;

use super::{Executable, Fields, Region, table};
use crate::extent::Extent;

const SECTION_SIZE: u64 = 40;
/// Everything of a section's characteristics but its alignment.
const NOT_ALIGNMENT: u64 = !0x00f0_0000;
/// Initialised data, readable and writable, nothing else.
const DATA: u64 = 0xc000_0040;

/// The layout; `None` if the headers make no sense.
pub(super) fn read(extent: &mut Extent<'_>) -> io::Result<Option<Executable>> {
    let stub = extent.read_at(0, 64)?;
    let Some(start) = little(&stub).uint(0x3c, 4) else { return Ok(None) };
    let header = extent.read_at(start, 24 + 32)?;
    if !header.starts_with(b"PE\0\0") {
        return Ok(None);
    }
    let Some((sections, optional, base)) = read_header(little(&header)) else { return Ok(None) };
    let sections = table(extent, start + 24 + optional, sections, SECTION_SIZE)?;
    let sections: Vec<Region> = sections
        .chunks_exact(SECTION_SIZE as usize)
        .filter_map(|section| read_section(little(section), base))
        .collect();
    // A section is its own mapping.
    let segments = sections.iter().map(|section| Region { name: Vec::new(), ..*section }).collect();
    Ok(Some(Executable { sections, segments }))
}

fn little(bytes: &[u8]) -> Fields<'_> {
    Fields { bytes, big_endian: false }
}

/// Number of sections, size of the optional header, image base.
fn read_header(header: Fields<'_>) -> Option<(u64, u64, u64)> {
    let base = match header.uint(24, 2)? {
        0x10b => header.uint(24 + 28, 4)?,
        0x20b => header.uint(24 + 24, 8)?,
        _ => return None,
    };
    Some((header.uint(6, 2)?, header.uint(20, 2)?, base))
}

fn read_section(section: Fields<'_>, base: u64) -> Option<Region> {
    Some(Region {
        name: section.padded(0, 8)?.to_vec(),
        address: base.wrapping_add(section.uint(12, 4)?),
        size: section.uint(16, 4)?,
        offset: section.uint(20, 4)?,
        data: section.uint(36, 4)? & NOT_ALIGNMENT == DATA,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn sections_carry_their_address() {
        let mut bytes = vec![0; 0x40 + 24 + 0xf0];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x40;
        bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
        bytes[0x46] = 1;
        bytes[0x54] = 0xf0;
        bytes[0x58..0x5a].copy_from_slice(&0x20b_u16.to_le_bytes());
        bytes[0x70..0x78].copy_from_slice(&0x1_4000_0000_u64.to_le_bytes());
        let mut section = [0; 40];
        section[..5].copy_from_slice(b".data");
        section[12..16].copy_from_slice(&0x1000_u32.to_le_bytes());
        section[16] = 4;
        section[20..24].copy_from_slice(&((bytes.len() + 40) as u32).to_le_bytes());
        section[36..40].copy_from_slice(&0xc030_0040_u32.to_le_bytes());
        bytes.extend_from_slice(&section);
        bytes.extend_from_slice(b"here");
        let size = bytes.len() as u64;
        let mut content = Cursor::new(bytes);
        let mut extent = Extent::new(&mut content, size);
        let executable = read(&mut extent).unwrap().unwrap();
        assert!(executable.section(b".data").unwrap().data);
        assert_eq!(executable.read_mapped(&mut extent, 0x1_4000_1001, 9).unwrap(), b"ere");
        assert_eq!(executable.read_mapped(&mut extent, 0x1_4000_1004, 9).unwrap(), b"");
    }
}
