//! RubyGems: `Gem::Version`.
//!
//! A version is a list of segments, runs of digits or of letters; a hyphen stands for `.pre.`. Zeros at the end
//! of the numeric segments before the first letter, and at the very end, do not count.

use std::cmp::Ordering;

use crate::cursor::{Cursor, Span};
use crate::number;

#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// The numeric segments, zeros at their end left out.
    numeric: Span,
    /// From the first segment with a letter on, zeros at the end left out.
    textual: Span,
}

impl Key {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let start = Cursor::trimmed(text);
        let bytes = start.rest();
        if !bytes.first().is_some_and(u8::is_ascii_digit) {
            return Err("it does not start with a digit");
        }
        if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)) {
            return Err("it has a character other than 0-9A-Za-z.-");
        }
        // Only behind the first hyphen may a segment be made of hyphens.
        let hyphen = bytes.iter().position(|byte| *byte == b'-').unwrap_or(bytes.len());
        let (release, pre) = bytes.split_at(hyphen);
        let has_empty = |part: &[u8]| part.split(|byte| *byte == b'.').any(<[u8]>::is_empty);
        if has_empty(release) || pre.strip_prefix(b"-").is_some_and(has_empty) {
            return Err("a segment is empty");
        }
        let numbers = bytes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        let part = |from: usize, to: usize| {
            let kept = without_zero_segments(&bytes[from..to]);
            Span::new(start.at() + from, start.at() + from + kept)
        };
        Ok(Self { numeric: part(0, numbers), textual: part(numbers, bytes.len()) })
    }

    pub(crate) fn compare(self, text: &str, other: Self, other_text: &str) -> Ordering {
        let (mut a, mut b) = (self.segments(text), other.segments(other_text));
        loop {
            let (a, b) = match (a.next(), b.next()) {
                (None, None) => return Ordering::Equal,
                (a, b) => (a.unwrap_or(Segment::ZERO), b.unwrap_or(Segment::ZERO)),
            };
            let order = a.compare(b);
            if order.is_ne() {
                return order;
            }
        }
    }

    fn segments(self, text: &str) -> impl Iterator<Item = Segment<'_>> {
        Segments(self.numeric.of(text)).chain(Segments(self.textual.of(text)))
    }
}

/// The length of a text without the zero segments at its end.
fn without_zero_segments(bytes: &[u8]) -> usize {
    let mut kept = bytes;
    loop {
        let dotless = kept.strip_suffix(b".").unwrap_or(kept);
        let digits = dotless.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, last) = dotless.split_at(dotless.len() - digits);
        if digits == 0 || last.iter().any(|digit| *digit != b'0') {
            return dotless.len();
        }
        kept = before;
    }
}

#[derive(Clone, Copy)]
enum Segment<'t> {
    Number(&'t [u8]),
    Text(&'t [u8]),
}

impl Segment<'_> {
    const ZERO: Self = Self::Number(b"0");

    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => number::compare(a, b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Text(_)) => Ordering::Greater,
        }
    }
}

struct Segments<'t>(&'t [u8]);

impl<'t> Iterator for Segments<'t> {
    type Item = Segment<'t>;

    fn next(&mut self) -> Option<Segment<'t>> {
        let bytes = self.0.strip_prefix(b".").unwrap_or(self.0);
        let first = bytes.first()?;
        if *first == b'-' {
            self.0 = &bytes[1..];
            return Some(Segment::Text(b"pre"));
        }
        let numeric = first.is_ascii_digit();
        let in_run = |byte: &&u8| if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
        let (segment, rest) = bytes.split_at(bytes.iter().take_while(in_run).count());
        self.0 = rest;
        Some(if numeric { Segment::Number(segment) } else { Segment::Text(segment) })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Scheme, Version};

    #[test]
    fn refuses_what_the_gem_pattern_refuses() {
        for text in ["a1", "1..2", "1.", ".1", "1_2", "1.2 3", "1-", "1.-a", "1-.a"] {
            assert!(Version::parse(Scheme::RubyGems, text).is_err(), "{text}");
        }
    }
}
