//! Semantic Versioning 2.0.0, section 11; and what npm and Go share with it.
//!
//! The order is strict. The reading is not, since advisories write `1.2`: a leading `v` is passed over, missing
//! numbers are zero, and from a fourth number on all is build metadata.

use std::cmp::Ordering;

use crate::cursor::{Cursor, Span};
use crate::number;

#[derive(Clone, Copy, Default)]
pub(crate) struct Key {
    pub(crate) numbers: [Span; 3],
    /// Pre-release identifiers, dots between them; empty for a release.
    pub(crate) pre: Span,
    /// A last identifier that is not joined by a dot: the 2 of Go's `1.21rc2`.
    pub(crate) pre_number: Span,
}

pub(crate) fn parse(text: &str) -> Result<Key, &'static str> {
    let mut cursor = Cursor::trimmed(text);
    cursor.eat_any(b"vV");
    let mut key = Key { numbers: numbers(&mut cursor)?, ..Key::default() };
    if cursor.eat_any(b"-") {
        key.pre = identifiers(&mut cursor)?;
    }
    end(&mut cursor)?;
    Ok(key)
}

/// One to three numbers with dots between them.
pub(crate) fn numbers(cursor: &mut Cursor<'_>) -> Result<[Span; 3], &'static str> {
    let mut numbers = [Span::default(); 3];
    for (index, number) in numbers.iter_mut().enumerate() {
        if index > 0 && !cursor.eat_any(b".") {
            break;
        }
        *number = cursor.digits();
        if number.is_empty() {
            return Err("a number is expected at the start and behind each dot");
        }
    }
    Ok(numbers)
}

/// One or more identifiers with dots between them.
pub(crate) fn identifiers(cursor: &mut Cursor<'_>) -> Result<Span, &'static str> {
    let start = cursor.at();
    loop {
        let identifier = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if identifier.is_empty() {
            return Err("a pre-release identifier is empty or has a character other than 0-9A-Za-z-");
        }
        if !cursor.eat_any(b".") {
            return Ok(Span::new(start, cursor.at()));
        }
    }
}

/// The end, or build metadata, which has no say in the order.
pub(crate) fn end(cursor: &mut Cursor<'_>) -> Result<(), &'static str> {
    if cursor.is_done() || cursor.eat_any(b"+.") {
        return Ok(());
    }
    Err("a hyphen, a plus or the end is expected behind the numbers")
}

impl Key {
    pub(crate) fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        for (a, b) in self.numbers.iter().zip(&other.numbers) {
            let order = number::compare(a.of(text), b.of(other_text));
            if order.is_ne() {
                return order;
            }
        }
        match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_identifiers(self.identifiers(text), other.identifiers(other_text)),
        }
    }

    fn identifiers<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t [u8]> {
        let last = Some(self.pre_number.of(text)).filter(|number| !number.is_empty());
        self.pre.of(text).split(|byte| *byte == b'.').chain(last)
    }
}

/// Numbers by value and before texts, fewer identifiers before more.
fn compare_identifiers<'t>(
    mut a: impl Iterator<Item = &'t [u8]>,
    mut b: impl Iterator<Item = &'t [u8]>,
) -> Ordering {
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let order = match (number::is_number(a), number::is_number(b)) {
            (true, true) => number::compare(a, b),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
}
