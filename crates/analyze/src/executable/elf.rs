//! ELF, both classes and both byte orders.

use std::io;

use super::{Executable, Fields, Region, table, until_zero};
use crate::extent::Extent;

const LOAD: u64 = 1;
const NO_BITS: u64 = 8;
const EXECUTE: u64 = 1;
const WRITE: u64 = 2;
/// No section an analyzer asks for has a longer name.
const NAME_LIMIT: usize = 64;

/// The layout; `None` if the header makes no sense.
pub(super) fn read(extent: &mut Extent<'_>) -> io::Result<Option<Executable>> {
    let header = extent.read_at(0, 64)?;
    let (Some(class), Some(order)) = (header.get(4), header.get(5)) else { return Ok(None) };
    let wide = *class == 2;
    let header = Fields { bytes: &header, big_endian: *order == 2 };
    let Some(tables) = Tables::of(header, wide) else { return Ok(None) };
    let segments = table(extent, tables.segments.0, tables.segments.1, tables.segments.2)?;
    let sections = table(extent, tables.sections.0, tables.sections.1, tables.sections.2)?;
    let segments = entries(&segments, tables.segments.2, header.big_endian)
        .filter_map(|fields| segment(fields, wide))
        .collect();
    let sections: Vec<(u64, u64, Region)> = entries(&sections, tables.sections.2, header.big_endian)
        .filter_map(|fields| section(fields, wide))
        .collect();
    let names = match sections.get(tables.names as usize) {
        Some((_, _, region)) => table(extent, region.offset, region.size, 1)?,
        None => Vec::new(),
    };
    let named = |(name, kind, region): (u64, u64, Region)| {
        let name = until_zero(names.get(name as usize..)?);
        let name = name.get(..name.len().min(NAME_LIMIT))?.to_vec();
        (kind != NO_BITS).then_some(Region { name, ..region })
    };
    Ok(Some(Executable { sections: sections.into_iter().filter_map(named).collect(), segments }))
}

/// Offset, number and size of the entries of both tables, and which section holds the names.
struct Tables {
    segments: (u64, u64, u64),
    sections: (u64, u64, u64),
    names: u64,
}

impl Tables {
    fn of(header: Fields<'_>, wide: bool) -> Option<Self> {
        let word = if wide { 8 } else { 4 };
        let offsets = 24 + word;
        let counts = offsets + 2 * word + 4;
        Some(Self {
            segments: (header.uint(offsets, word)?, header.uint(counts + 4, 2)?, header.uint(counts + 2, 2)?),
            sections: (
                header.uint(offsets + word, word)?,
                header.uint(counts + 8, 2)?,
                header.uint(counts + 6, 2)?,
            ),
            names: header.uint(counts + 10, 2)?,
        })
    }
}

fn entries(table: &[u8], stride: u64, big_endian: bool) -> impl Iterator<Item = Fields<'_>> {
    table.chunks_exact((stride as usize).max(1)).map(move |bytes| Fields { bytes, big_endian })
}

fn segment(fields: Fields<'_>, wide: bool) -> Option<Region> {
    let (flags, offset, address, size) = if wide {
        (fields.uint(4, 4)?, fields.uint(8, 8)?, fields.uint(16, 8)?, fields.uint(32, 8)?)
    } else {
        (fields.uint(24, 4)?, fields.uint(4, 4)?, fields.uint(8, 4)?, fields.uint(16, 4)?)
    };
    let data = flags & (EXECUTE | WRITE) == WRITE;
    (fields.uint(0, 4)? == LOAD).then_some(Region { name: Vec::new(), address, offset, size, data })
}

/// Offset of the name, type, and place of a section.
fn section(fields: Fields<'_>, wide: bool) -> Option<(u64, u64, Region)> {
    let (address, offset, size) = if wide {
        (fields.uint(16, 8)?, fields.uint(24, 8)?, fields.uint(32, 8)?)
    } else {
        (fields.uint(12, 4)?, fields.uint(16, 4)?, fields.uint(20, 4)?)
    };
    let region = Region { name: Vec::new(), address, offset, size, data: false };
    Some((fields.uint(0, 4)?, fields.uint(4, 4)?, region))
}
