//! NuGet: `NuGetVersion` and `VersionComparer` of NuGet.Versioning.

use std::cmp::Ordering;

use crate::cursor::{Cursor, Span};
use crate::{number, semver};

#[derive(Clone, Copy)]
pub(crate) struct Key {
    numbers: [Span; 4],
    pre: Span,
}

impl Key {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut cursor = Cursor::trimmed(text);
        let mut numbers = [Span::default(); 4];
        for (index, number) in numbers.iter_mut().enumerate() {
            if index > 0 && !cursor.eat_any(b".") {
                break;
            }
            *number = cursor.digits();
            if number.is_empty() {
                return Err("a number is expected at the start and behind each dot");
            }
        }
        let pre = if cursor.eat_any(b"-") { semver::identifiers(&mut cursor)? } else { Span::default() };
        if cursor.is_done() || cursor.eat_any(b"+") {
            return Ok(Self { numbers, pre });
        }
        Err("at most four numbers, then a hyphen, a plus or the end are expected")
    }

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
            (false, false) => compare_labels(self.pre.of(text), other.pre.of(other_text)),
        }
    }
}

/// A label is a number only if .NET's `int.TryParse` takes it, so `-5` is one and 99999999999 is not.
fn as_int(label: &[u8]) -> Option<i32> {
    std::str::from_utf8(label).ok()?.parse().ok()
}

fn compare_labels(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|byte| *byte == b'.'), b.split(|byte| *byte == b'.'));
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let order = match (as_int(a), as_int(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            // OrdinalIgnoreCase compares upper case.
            (None, None) => {
                let upper = u8::to_ascii_uppercase;
                a.iter().map(upper).cmp(b.iter().map(upper))
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}
