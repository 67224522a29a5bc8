//! dpkg: deb-version(7), and dpkg's `lib/dpkg/parsehelp.c` and `version.c`.
//!
//! What dpkg refuses is refused; what it only warns of (a version that does not start with a digit, characters
//! outside of policy) is read, because installed databases hold such versions.

use std::cmp::Ordering;

use crate::cursor::{Cursor, Span};
use crate::number;

#[derive(Clone, Copy)]
pub(crate) struct Key {
    epoch: u32,
    upstream: Span,
    revision: Span,
}

impl Key {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let start = Cursor::trimmed(text);
        let whole = start.rest();
        if whole.iter().any(u8::is_ascii_whitespace) {
            return Err("it has white space inside");
        }
        let (epoch, behind) = match whole.iter().position(|byte| *byte == b':') {
            Some(colon) => (parse_epoch(&whole[..colon])?, colon + 1),
            None => (0, 0),
        };
        let rest = &whole[behind..];
        if rest.is_empty() {
            return Err("nothing follows the colon of the epoch");
        }
        let from = start.at() + behind;
        let (upstream, revision) = match rest.iter().rposition(|byte| *byte == b'-') {
            Some(hyphen) if hyphen + 1 == rest.len() => {
                return Err("the revision behind the hyphen is empty");
            }
            Some(hyphen) => (Span::new(from, from + hyphen), Span::new(from + hyphen + 1, start.end())),
            None => (Span::new(from, start.end()), Span::default()),
        };
        if upstream.is_empty() {
            return Err("the upstream version is empty");
        }
        Ok(Self { epoch, upstream, revision })
    }

    pub(crate) fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream.of(text), other.upstream.of(other_text)))
            .then_with(|| compare_part(self.revision.of(text), other.revision.of(other_text)))
    }
}

/// dpkg reads the epoch with `strtol`, so a sign is a part of it, and bounds it by `INT_MAX`.
fn parse_epoch(epoch: &[u8]) -> Result<u32, &'static str> {
    let digits = epoch.strip_prefix(b"+").unwrap_or(epoch);
    if epoch.is_empty() {
        return Err("the epoch before the colon is empty");
    }
    if !number::is_number(digits) {
        return Err("the epoch is not a number");
    }
    let value = number::strip_zeros(digits);
    if value.len() > 10 {
        return Err("the epoch is too big");
    }
    let epoch = value.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    if epoch > i32::MAX as u64 {
        return Err("the epoch is too big");
    }
    Ok(epoch as u32)
}

/// The weight of a byte outside of a run of digits. The end and digits weigh nothing, a tilde less, letters
/// less than everything else.
fn weight(byte: Option<u8>) -> i16 {
    match byte {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i16::from(byte),
        Some(b'~') => -1,
        // dpkg's char is signed on the architectures it is mostly built for.
        Some(byte) => i16::from(byte.cast_signed()) + 256,
    }
}

/// dpkg's `verrevcmp`.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        while a.first().is_some_and(|byte| !byte.is_ascii_digit())
            || b.first().is_some_and(|byte| !byte.is_ascii_digit())
        {
            let order = weight(a.first().copied()).cmp(&weight(b.first().copied()));
            if order.is_ne() {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (a_digits, a_rest) = split_digits(a);
        let (b_digits, b_rest) = split_digits(b);
        let order = number::compare(a_digits, b_digits);
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use crate::Scheme;

    #[test]
    fn refuses_what_dpkg_refuses() {
        for (text, problem) in [
            ("1 2", "white space"),
            (":1", "epoch before the colon is empty"),
            ("a:1", "epoch is not a number"),
            ("-1:1", "epoch is not a number"),
            ("2147483648:1", "epoch is too big"),
            ("99999999999999999999:1", "epoch is too big"),
            ("1:", "nothing follows"),
            ("1-", "revision behind the hyphen is empty"),
            ("-1", "upstream version is empty"),
            ("1:-1", "upstream version is empty"),
        ] {
            let error = crate::Version::parse(Scheme::Deb, text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn reads_what_dpkg_only_warns_of() {
        for text in ["a1", "1_2", "1-2-3", "2147483647:1", "+1:2", " 1 ", "1é"] {
            assert!(crate::Version::parse(Scheme::Deb, text).is_ok(), "{text}");
        }
    }
}
