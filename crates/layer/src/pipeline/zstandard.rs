//! Zstandard (RFC 8878): frames one after another, skippable ones included.

use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::{
    ZSTD_error_frameParameter_windowTooLarge, ZSTD_error_memory_allocation,
};
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name, is_error_kind};

use super::decode::{DecodeFault, Source, Target};
use crate::{Compression, LimitKind, Position};

pub(super) fn decode(source: &mut Source, target: &mut Target<'_>) -> Result<(), DecodeFault> {
    let mut context = DCtx::try_create().ok_or(DecodeFault::Memory)?;
    context
        .set_parameter(DParameter::WindowLogMax(target.limits().max_zstd_window_log))
        .map_err(|code| fault(code, source))?;
    // What the decoder said last: zero at the end of a frame, else how much it would like to have.
    let mut wanted = 1;
    loop {
        let room = target.room()?;
        let input = source.peek()?;
        let ended = input.is_empty();
        if ended && wanted == 0 {
            return Ok(());
        }
        let mut from = InBuffer::around(input);
        let mut to = OutBuffer::around(room);
        let result = context.decompress_stream(&mut to, &mut from);
        let (consumed, produced) = (from.pos(), to.pos());
        source.consume(consumed);
        target.advance(produced, source.consumed())?;
        wanted = result.map_err(|code| fault(code, source))?;
        if ended && produced == 0 && wanted != 0 {
            return Err(DecodeFault::Corrupt {
                at: source.consumed(),
                compression: Compression::Zstd,
                what: "the data ends early".to_owned(),
            });
        }
    }
}

fn fault(code: usize, source: &Source) -> DecodeFault {
    let at = source.consumed();
    if is_error_kind(code, ZSTD_error_frameParameter_windowTooLarge) {
        return DecodeFault::Limit { at: Position::Compressed(at), limit: LimitKind::ZstdWindowLog };
    }
    if is_error_kind(code, ZSTD_error_memory_allocation) {
        return DecodeFault::Memory;
    }
    let what = get_error_name(code).to_owned();
    DecodeFault::Corrupt { at, compression: Compression::Zstd, what }
}
