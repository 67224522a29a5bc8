//! Numbers as tar headers write them.

use crate::TarFault;

/// A numeric header field: octal text, or, if the first bit is set, a big-endian two's complement number
/// (GNU and star). May be negative.
pub(super) fn numeric(field: &[u8], name: &'static str) -> Result<i64, TarFault> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base256(field).ok_or(TarFault::Number(name)),
        _ => octal(field, name),
    }
}

fn base256(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let negative = first & 0x40 != 0;
    // The marking bit is no part of the number; the sign extends over its place.
    let mut value = i64::from((first & 0x7f) | if negative { 0x80 } else { 0 });
    if negative {
        value -= 0x100;
    }
    for byte in rest {
        value = value.checked_mul(0x100)?.checked_add(i64::from(*byte))?;
    }
    Some(value)
}

/// Octal text between spaces and NULs; nothing at all is zero.
pub(super) fn octal(field: &[u8], name: &'static str) -> Result<i64, TarFault> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !padding(byte)) else { return Ok(0) };
    let end = field.iter().rposition(|byte| !padding(byte)).map_or(start, |at| at + 1);
    let mut value = 0_i64;
    for byte in text(&field[start..end]) {
        let digit = match byte {
            b'0'..=b'7' => i64::from(byte - b'0'),
            _ => return Err(TarFault::Number(name)),
        };
        value =
            value.checked_mul(8).and_then(|value| value.checked_add(digit)).ok_or(TarFault::Number(name))?;
    }
    Ok(value)
}

/// Everything before the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// A decimal number with an optional sign, as PAX records and sparse maps write it.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        let value = value.checked_mul(10)?;
        if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
    })
}

/// A PAX time in whole seconds, rounded down as the kernel counts them.
pub(super) fn pax_seconds(text: &[u8]) -> Option<i64> {
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let whole = parts.next()?;
    let seconds = decimal(whole)?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Nanoseconds are all that counts.
    let below = whole.first() == Some(&b'-') && fraction.iter().take(9).any(|digit| *digit != b'0');
    Some(if below { seconds.saturating_sub(1) } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_fields_are_padded_with_spaces_and_nuls() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"", Some(0)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"64\x0012\0\0", Some(0o64)),
            (b"0008\0", None),
            (b"-1\0", None),
            (b"7777777777777777777777777", None),
        ] {
            assert_eq!(numeric(field, "f").ok(), value, "{:?}", field.escape_ascii().to_string());
        }
    }

    #[test]
    fn binary_fields_are_two_s_complement() {
        for (field, value) in [
            (&b"\x80\0\0\0\0\0\0\0\0\0\x01\x02"[..], Some(0x102)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\xc0", Some(-64)),
            (b"\xbf", Some(63)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", Some(i64::MIN)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\0\x01\0\0\0\0\0\0\0\0\0", None),
        ] {
            assert_eq!(numeric(field, "f").ok(), value, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn decimals_do_not_overflow() {
        for (text, value) in [
            (&b"0"[..], Some(0)),
            (b"+7", Some(7)),
            (b"-9223372036854775808", Some(i64::MIN)),
            (b"9223372036854775808", None),
            (b"", None),
            (b"-", None),
            (b"1 ", None),
        ] {
            assert_eq!(decimal(text), value);
        }
    }

    #[test]
    fn times_are_rounded_down() {
        for (text, value) in [
            (&b"1350244992.023960108"[..], Some(1_350_244_992)),
            (b"-1.5", Some(-2)),
            (b"-0.5", Some(-1)),
            (b"-1.0", Some(-1)),
            (b"1.", Some(1)),
            (b"1.x", None),
            (b".5", None),
        ] {
            assert_eq!(pax_seconds(text), value);
        }
    }
}
