//! Mach-O, both widths and byte orders, and universal binaries.

use std::io;

use super::{Executable, Fields, Region, table};
use crate::extent::Extent;

const SEGMENT: u64 = 0x1;
const SEGMENT_64: u64 = 0x19;
const READ_WRITE: u64 = 3;
/// A class file has the magic of a universal binary and its version, at least 45, where that has the number of
/// its parts; no universal binary has had more than a handful.
const PARTS_LIMIT: u64 = 32;

/// Offset and size of the parts of a universal binary.
pub(super) fn universal(extent: &mut Extent<'_>) -> io::Result<Vec<(u64, u64)>> {
    let header = extent.read_at(0, 8 + 32 * PARTS_LIMIT as usize)?;
    let header = Fields { bytes: &header, big_endian: true };
    let wide = header.uint(3, 1) == Some(0xbf);
    let (stride, word) = if wide { (32, 8) } else { (20, 4) };
    let count = header.uint(4, 4).filter(|count| *count <= PARTS_LIMIT).unwrap_or_default();
    let part = |index: u64| {
        let at = 8 + index as usize * stride;
        Some((header.uint(at + 8, word)?, header.uint(at + 8 + word, word)?))
    };
    Ok((0..count).filter_map(part).collect())
}

/// The layout; `None` if the header makes no sense.
pub(super) fn read(extent: &mut Extent<'_>) -> io::Result<Option<Executable>> {
    let header = extent.read_at(0, 32)?;
    let big_endian = header.first() == Some(&0xfe);
    let wide = header.get(if big_endian { 3 } else { 0 }) == Some(&0xcf);
    let fields = Fields { bytes: &header, big_endian };
    let (Some(count), Some(size)) = (fields.uint(16, 4), fields.uint(20, 4)) else { return Ok(None) };
    let commands = table(extent, if wide { 32 } else { 28 }, size, 1)?;
    let mut executable = Executable::default();
    let mut rest = commands.as_slice();
    for _ in 0..count {
        let fields = Fields { bytes: rest, big_endian };
        let (Some(command), Some(size)) = (fields.uint(0, 4), fields.uint(4, 4)) else { break };
        let Some((body, after)) = rest.split_at_checked(size as usize).filter(|_| size >= 8) else { break };
        if matches!(command, SEGMENT | SEGMENT_64) {
            let body = Fields { bytes: body, big_endian };
            executable.segments.extend(segment(body, command == SEGMENT_64));
            sections(body, command == SEGMENT_64, &mut executable.sections);
        }
        rest = after;
    }
    Ok(Some(executable))
}

fn segment(body: Fields<'_>, wide: bool) -> Option<Region> {
    let word = if wide { 8 } else { 4 };
    let protection = 24 + 4 * word;
    Some(Region {
        name: Vec::new(),
        address: body.uint(24, word)?,
        offset: body.uint(24 + 2 * word, word)?,
        size: body.uint(24 + 3 * word, word)?,
        data: body.uint(protection, 4)? == READ_WRITE && body.uint(protection + 4, 4)? == READ_WRITE,
    })
}

fn sections(body: Fields<'_>, wide: bool, into: &mut Vec<Region>) {
    let (start, stride, word) = if wide { (72, 80, 8) } else { (56, 68, 4) };
    for section in body.bytes.get(start..).unwrap_or_default().chunks_exact(stride) {
        let section = Fields { bytes: section, ..body };
        let region = || {
            Some(Region {
                name: section.padded(0, 16)?.to_vec(),
                address: section.uint(32, word)?,
                size: section.uint(32 + word, word)?,
                offset: section.uint(32 + 2 * word, 4)?,
                data: false,
            })
        };
        into.extend(region());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn thin() -> Vec<u8> {
        let mut bytes = vec![0; 32 + 72 + 80];
        bytes[..4].copy_from_slice(b"\xcf\xfa\xed\xfe");
        bytes[16] = 1;
        bytes[20] = 152;
        bytes[32] = 0x19;
        bytes[36] = 152;
        bytes[32 + 24..32 + 32].copy_from_slice(&0x1000_u64.to_le_bytes());
        bytes[32 + 40] = 184;
        bytes[32 + 48] = 4;
        bytes[32 + 56] = 3;
        bytes[32 + 60] = 3;
        bytes[32 + 72..32 + 79].copy_from_slice(b".dep-v0");
        bytes[32 + 72 + 40] = 4;
        bytes[32 + 72 + 48] = 184;
        bytes.extend_from_slice(b"here");
        bytes
    }

    #[test]
    fn segments_and_their_sections_are_found() {
        let bytes = thin();
        let size = bytes.len() as u64;
        let mut content = Cursor::new(bytes);
        let mut extent = Extent::new(&mut content, size);
        let executable = read(&mut extent).unwrap().unwrap();
        assert_eq!(executable.section(b".dep-v0").map(|found| (found.offset, found.size)), Some((184, 4)));
        assert!(executable.segments[0].data);
        assert_eq!(executable.read_mapped(&mut extent, 0x1002, 9).unwrap(), b"re");
    }

    #[test]
    fn parts_of_a_universal_binary_are_listed() {
        let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x01".to_vec();
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&28_u32.to_be_bytes());
        bytes.extend_from_slice(&5_u32.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let size = bytes.len() as u64;
        let mut content = Cursor::new(bytes);
        assert_eq!(universal(&mut Extent::new(&mut content, size)).unwrap(), [(28, 5)]);
    }
}
