//! Sparse maps: which parts of a file the archive holds. All other bytes are zero.

use std::io::BufRead;

use super::header::{BLOCK, Block, Format, Header};
use super::number::{decimal, numeric};
use super::pax::PaxSparse;
use super::stream::Stream;
use super::walk::WalkFault;
use crate::{LimitKind, Limits, TarFault};

/// Where the data of a sparse file belongs.
#[derive(Debug)]
pub(super) struct SparseMap {
    /// Offset and length of each part, in order, not overlapping, all within `size`.
    segments: Vec<(u64, u64)>,
    /// Size of the expanded file.
    pub(super) size: u64,
    /// Bytes the archive holds.
    pub(super) data: u64,
}

impl SparseMap {
    fn new(size: i64) -> Result<Self, TarFault> {
        let size = u64::try_from(size).map_err(|_| TarFault::NegativeSize)?;
        Ok(Self { segments: Vec::new(), size, data: 0 })
    }

    fn push(&mut self, offset: i64, length: i64, limits: &Limits) -> Result<(), WalkFault> {
        let (Ok(offset), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else {
            return Err(TarFault::Sparse("a negative offset or length").into());
        };
        let last_end = self.segments.last().map_or(0, |(offset, length)| offset + length);
        if offset < last_end {
            return Err(TarFault::Sparse("parts overlap or are out of order").into());
        }
        match offset.checked_add(length) {
            Some(end) if end <= self.size => {}
            _ => return Err(TarFault::Sparse("a part reaches beyond the end of the file").into()),
        }
        if self.segments.len() as u64 >= limits.max_sparse_segments {
            return Err(WalkFault::Limit(LimitKind::SparseSegments));
        }
        self.segments.push((offset, length));
        self.data += length;
        Ok(())
    }

    /// What is at `position`: a run of data or of zeros, and its length. None at the end.
    ///
    /// `segment` is where the last call found itself; positions only grow.
    pub(super) fn run_at(&self, position: u64, segment: &mut usize) -> Option<Run> {
        if position >= self.size {
            return None;
        }
        while let Some((offset, length)) = self.segments.get(*segment) {
            if position < *offset {
                return Some(Run::Zeros(offset - position));
            }
            let end = offset + length;
            if position < end {
                return Some(Run::Data(end - position));
            }
            *segment += 1;
        }
        Some(Run::Zeros(self.size - position))
    }
}

/// A run of equal nature in a sparse file.
pub(super) enum Run {
    Data(u64),
    Zeros(u64),
}

/// The map of an old GNU sparse entry: in the header, and in blocks after it that its size does not count.
pub(super) fn old_gnu<R: BufRead>(
    header: &Header,
    block: &Block,
    stream: &mut Stream<R>,
    limits: &Limits,
) -> Result<SparseMap, WalkFault> {
    // Star has sparse entries with the same flag and another layout.
    if header.format != Format::Gnu {
        return Err(TarFault::Sparse("a sparse entry that is not in GNU tar's format").into());
    }
    let mut map = SparseMap::new(numeric(&block[483..495], "realsize")?)?;
    parts(&mut map, &block[386..482], limits)?;
    let mut more = block[482] != 0;
    let mut extension = [0; BLOCK];
    while more {
        if stream.read_up_to(&mut extension)? < BLOCK {
            return Err(TarFault::Truncated("a sparse map").into());
        }
        parts(&mut map, &extension[..504], limits)?;
        more = extension[504] != 0;
    }
    Ok(map)
}

/// Pairs of offset and length, ended early by a NUL.
fn parts(map: &mut SparseMap, fields: &[u8], limits: &Limits) -> Result<(), WalkFault> {
    for part in fields.chunks_exact(24).take_while(|part| part[0] != 0) {
        map.push(numeric(&part[..12], "sparse offset")?, numeric(&part[12..], "sparse length")?, limits)?;
    }
    Ok(())
}

/// Which of GNU's PAX formats `records` are in; none if the file is not sparse, or in a future format, which
/// is read as a plain file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PaxVersion {
    /// 0.0 or 0.1: the map is in the records.
    Records,
    /// 1.0: the map comes before the data.
    Data,
}

pub(super) fn pax_version(records: &PaxSparse) -> Option<PaxVersion> {
    match (records.major.as_deref(), records.minor.as_deref()) {
        (Some(b"0"), Some(b"0" | b"1")) => Some(PaxVersion::Records),
        (Some(b"1"), Some(b"0")) => Some(PaxVersion::Data),
        (None, None) => records.map.is_some().then_some(PaxVersion::Records),
        _ => None,
    }
}

/// The map of a PAX sparse entry and how much of the entry's `data` bytes it took up.
pub(super) fn pax<R: BufRead>(
    version: PaxVersion,
    records: &PaxSparse,
    data: u64,
    stream: &mut Stream<R>,
    limits: &Limits,
) -> Result<(SparseMap, u64), WalkFault> {
    let size = match records.size.as_deref().or(records.real_size.as_deref()) {
        Some(text) => decimal(text).ok_or(TarFault::Sparse("the size is not a number"))?,
        None => i64::try_from(data).map_err(|_| TarFault::NegativeSize)?,
    };
    let map = SparseMap::new(size)?;
    match version {
        PaxVersion::Records => Ok((from_records(map, records, limits)?, 0)),
        PaxVersion::Data => from_data(map, data, stream, limits),
    }
}

fn from_records(mut map: SparseMap, records: &PaxSparse, limits: &Limits) -> Result<SparseMap, WalkFault> {
    let count = records.num_blocks.as_deref().and_then(decimal).and_then(|count| u64::try_from(count).ok());
    let count = count.ok_or(TarFault::Sparse("the number of parts is not a number"))?;
    let mut numbers = records.map.as_deref().unwrap_or_default().split(|byte| *byte == b',');
    if records.map.is_none() {
        numbers.next();
    }
    let mut parts = 0_u64;
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or(TarFault::Sparse("an offset without a length"))?;
        let (Some(offset), Some(length)) = (decimal(offset), decimal(length)) else {
            return Err(TarFault::Sparse("an offset or a length is not a number").into());
        };
        map.push(offset, length, limits)?;
        parts += 1;
    }
    if parts != count {
        return Err(TarFault::Sparse("the number of parts is wrong").into());
    }
    Ok(map)
}

/// Lines of decimal numbers, the number of parts first, padded to a block.
fn from_data<R: BufRead>(
    mut map: SparseMap,
    data: u64,
    stream: &mut Stream<R>,
    limits: &Limits,
) -> Result<(SparseMap, u64), WalkFault> {
    let mut lines = Lines { stream, left: data, block: [0; BLOCK], at: BLOCK };
    let count =
        u64::try_from(lines.number()?).map_err(|_| TarFault::Sparse("the number of parts is negative"))?;
    if count > limits.max_sparse_segments {
        return Err(WalkFault::Limit(LimitKind::SparseSegments));
    }
    for _ in 0..count {
        let (offset, length) = (lines.number()?, lines.number()?);
        map.push(offset, length, limits)?;
    }
    let used = data - lines.left;
    Ok((map, used))
}

/// Reads lines, taking no more whole blocks of the data than they need.
struct Lines<'a, R> {
    stream: &'a mut Stream<R>,
    left: u64,
    block: Block,
    at: usize,
}

impl<R: BufRead> Lines<'_, R> {
    fn number(&mut self) -> Result<i64, WalkFault> {
        // No number that fits is longer, leading zeros aside.
        let mut line = [0; 32];
        let mut length = 0;
        loop {
            if self.at == BLOCK {
                self.next_block()?;
            }
            let byte = self.block[self.at];
            self.at += 1;
            if byte == b'\n' {
                let number = decimal(&line[..length]);
                return Ok(number.ok_or(TarFault::Sparse("a line is not a number"))?);
            }
            *line.get_mut(length).ok_or(TarFault::Sparse("a line is too long"))? = byte;
            length += 1;
        }
    }

    fn next_block(&mut self) -> Result<(), WalkFault> {
        if self.left < BLOCK as u64 {
            return Err(TarFault::Sparse("the map is longer than the data").into());
        }
        if self.stream.read_up_to(&mut self.block)? < BLOCK {
            return Err(TarFault::Truncated("a sparse map").into());
        }
        self.left -= BLOCK as u64;
        self.at = 0;
        Ok(())
    }
}
