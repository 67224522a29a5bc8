//! Gzip (RFC 1952): members one after another, and zeros after the last.
//!
//! The container is read here and only the deflate data by the library: one decompressor and its window serve
//! all members, and layers in the eStargz format have a member for every file.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::decode::{DecodeFault, Source, Target};
use crate::Compression;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;

pub(super) fn decode(source: &mut Source, target: &mut Target<'_>) -> Result<(), DecodeFault> {
    let mut inflater = Decompress::new(false);
    let mut crc = Crc::new();
    loop {
        header(source)?;
        inflate(source, target, &mut inflater, &mut crc)?;
        trailer(source, &crc)?;
        match source.peek()? {
            [] => return Ok(()),
            [0, ..] => return padding(source),
            _ => {
                inflater.reset(false);
                crc.reset();
            }
        }
    }
}

fn corrupt(source: &Source, what: impl Into<String>) -> DecodeFault {
    DecodeFault::Corrupt { at: source.consumed(), compression: Compression::Gzip, what: what.into() }
}

fn byte(source: &mut Source) -> Result<u8, DecodeFault> {
    let Some(byte) = source.peek()?.first().copied() else {
        return Err(corrupt(source, "the data ends early"));
    };
    source.consume(1);
    Ok(byte)
}

/// Skips a member's header. Its own checksum is not verified: nothing in it is used.
fn header(source: &mut Source) -> Result<(), DecodeFault> {
    let mut fixed = [0; 10];
    for (at, slot) in fixed.iter_mut().enumerate() {
        *slot = byte(source)?;
        let wanted = [Some(0x1f), Some(0x8b), Some(8)].get(at).copied().flatten();
        if wanted.is_some_and(|wanted| wanted != *slot) {
            return Err(corrupt(source, "no gzip header where a member should start"));
        }
    }
    let flags = fixed[3];
    if flags & FLAG_EXTRA != 0 {
        let length = u16::from_le_bytes([byte(source)?, byte(source)?]);
        for _ in 0..length {
            byte(source)?;
        }
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        while flags & flag != 0 && byte(source)? != 0 {}
    }
    if flags & FLAG_HEADER_CRC != 0 {
        byte(source)?;
        byte(source)?;
    }
    Ok(())
}

fn inflate(
    source: &mut Source,
    target: &mut Target<'_>,
    inflater: &mut Decompress,
    crc: &mut Crc,
) -> Result<(), DecodeFault> {
    loop {
        let room = target.room()?;
        let input = source.peek()?;
        let ended = input.is_empty();
        let (in_before, out_before) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(input, room, FlushDecompress::None);
        let consumed = (inflater.total_in() - in_before) as usize;
        let produced = (inflater.total_out() - out_before) as usize;
        crc.update(&room[..produced]);
        source.consume(consumed);
        target.advance(produced, source.consumed())?;
        match status {
            Ok(Status::StreamEnd) => return Ok(()),
            Ok(Status::Ok | Status::BufError) if consumed > 0 || produced > 0 => {}
            Ok(_) if ended => return Err(corrupt(source, "the data ends early")),
            Ok(_) => return Err(corrupt(source, "the deflate data makes no progress")),
            Err(error) => return Err(corrupt(source, error.message().unwrap_or("invalid deflate data"))),
        }
    }
}

fn trailer(source: &mut Source, crc: &Crc) -> Result<(), DecodeFault> {
    let mut fixed = [0; 8];
    for slot in &mut fixed {
        *slot = byte(source)?;
    }
    let (sum, length) = (u64::from_le_bytes(fixed) as u32, (u64::from_le_bytes(fixed) >> 32) as u32);
    if sum != crc.sum() {
        return Err(corrupt(source, "the checksum does not match"));
    }
    if length != crc.amount() {
        return Err(corrupt(source, "the length does not match"));
    }
    Ok(())
}

/// Tape-style padding. Any other byte after the last member is refused: gzip tools disagree about it.
fn padding(source: &mut Source) -> Result<(), DecodeFault> {
    loop {
        let input = source.peek()?;
        if input.is_empty() {
            return Ok(());
        }
        let zeros = input.iter().position(|byte| *byte != 0).unwrap_or(input.len());
        let other = zeros < input.len();
        source.consume(zeros);
        if other {
            return Err(corrupt(source, "data after the end"));
        }
    }
}
