//! The write-ahead log of a SQLite database: which pages its committed transactions replace.
//!
//! Layout: SQLite, "Database File Format", chapter 4. What follows the last commit, has other salts than the
//! header, or does not fit the running checksum was never committed, as SQLite itself reads it.

use std::collections::BTreeMap;

use super::number::be32;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// The pages that committed frames of a log hold.
pub(super) struct Wal<'b> {
    /// Bytes of a page.
    pub(super) page_size: usize,
    /// Size of the database after the last commit, in pages.
    pub(super) pages: u32,
    frames: BTreeMap<u32, &'b [u8]>,
}

impl<'b> Wal<'b> {
    /// None if nothing in it was committed.
    pub(super) fn parse(bytes: &'b [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let is_big_endian = match be32(header, 0)? {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page_size = be32(header, 8)? as usize;
        if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return None;
        }
        let mut sum = checksum((0, 0), &header[..24], is_big_endian);
        if sum != (be32(header, 24)?, be32(header, 28)?) {
            return None;
        }
        let mut wal = Self { page_size, pages: 0, frames: BTreeMap::new() };
        let mut pending: Vec<(u32, &'b [u8])> = Vec::new();
        while let Some((frame, tail)) = rest.split_at_checked(FRAME_HEADER_BYTES + page_size) {
            let (frame_header, page) = frame.split_at(FRAME_HEADER_BYTES);
            sum = checksum(sum, &frame_header[..8], is_big_endian);
            sum = checksum(sum, page, is_big_endian);
            let number = be32(frame_header, 0)?;
            let is_valid = frame_header[8..16] == header[16..24]
                && sum == (be32(frame_header, 16)?, be32(frame_header, 20)?)
                && number != 0;
            if !is_valid {
                break;
            }
            pending.push((number, page));
            let pages = be32(frame_header, 4)?;
            if pages != 0 {
                wal.frames.extend(pending.drain(..));
                wal.pages = pages;
            }
            rest = tail;
        }
        (wal.pages != 0).then_some(wal)
    }

    /// How many different pages it holds.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.frames.len()).unwrap_or(u32::MAX)
    }

    /// The newest committed content of a page, numbered from 1.
    pub(super) fn page(&self, number: u32) -> Option<&'b [u8]> {
        self.frames.get(&number).copied()
    }
}

/// SQLite's checksum of two running sums over pairs of 32-bit words.
fn checksum(start: (u32, u32), bytes: &[u8], is_big_endian: bool) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = [four[0], four[1], four[2], four[3]];
        if is_big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    bytes.chunks_exact(8).fold(start, |(first, second), pair| {
        let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        (first, second.wrapping_add(word(&pair[4..])).wrapping_add(first))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A log of these frames: page number, size after commit (0 for none), content.
    pub(in super::super) fn log(page_size: u32, frames: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [0x377f_0682, 3_007_000, page_size, 0, 11, 12] {
            bytes.extend(u32::to_be_bytes(word));
        }
        let mut sum = checksum((0, 0), &bytes, false);
        let push = |bytes: &mut Vec<u8>, sum: (u32, u32)| {
            bytes.extend([sum.0.to_be_bytes(), sum.1.to_be_bytes()].concat());
        };
        push(&mut bytes, sum);
        for (number, pages, page) in frames {
            let start = [number.to_be_bytes(), pages.to_be_bytes()].concat();
            sum = checksum(checksum(sum, &start, false), page, false);
            bytes.extend(start);
            bytes.extend([11_u32.to_be_bytes(), 12_u32.to_be_bytes()].concat());
            push(&mut bytes, sum);
            bytes.extend_from_slice(page);
        }
        bytes
    }

    #[test]
    fn only_committed_frames_count_and_the_newest_of_a_page() {
        let page = |byte: u8| vec![byte; 512];
        let bytes = log(512, &[(1, 0, page(1)), (2, 3, page(2)), (1, 4, page(3)), (2, 0, page(9))]);
        let wal = Wal::parse(&bytes).unwrap();
        assert_eq!((wal.pages, wal.page_size), (4, 512));
        assert_eq!((wal.page(1).unwrap()[0], wal.page(2).unwrap()[0]), (3, 2));
        assert!(wal.page(3).is_none());
    }

    #[test]
    fn a_frame_that_does_not_fit_ends_the_log() {
        let page = |byte: u8| vec![byte; 512];
        let whole = log(512, &[(1, 1, page(1)), (1, 1, page(2))]);
        let second = HEADER_BYTES + FRAME_HEADER_BYTES + 512;
        for at in [second, second + 8, second + 16, second + FRAME_HEADER_BYTES] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert_eq!(Wal::parse(&bytes).unwrap().page(1).unwrap()[0], 1, "{at}");
        }
        assert_eq!(Wal::parse(&whole[..whole.len() - 1]).unwrap().page(1).unwrap()[0], 1);
        for at in [0, 8, 16, 24] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert!(Wal::parse(&bytes).is_none(), "{at}");
        }
    }
}
