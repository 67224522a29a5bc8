//! Packagist: Composer's `VersionParser::normalize`, then PHP's `version_compare`.
//!
//! Texts that Composer refuses but that start with a number are compared as they are. Branches (`dev-main`)
//! come before all versions; to Composer, two of them are equal or have no order, here their names decide.

mod normalize;

use std::cmp::Ordering;

use crate::number;
use normalize::{Normalized, normalize};

#[derive(Clone)]
pub(crate) struct Key {
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Branch,
    Version,
    Unknown,
}

impl Key {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (text, kind) = match normalize(text) {
            Normalized::Branch(name) => (name, Kind::Branch),
            Normalized::Version(version) => (version, Kind::Version),
            Normalized::Unknown(version) if version.starts_with(|first: char| first.is_ascii_digit()) => {
                (version, Kind::Unknown)
            }
            Normalized::Unknown(_) => return Err("it is neither a number nor a dev- branch"),
        };
        Ok(Self { text: text.into(), kind })
    }

    pub(crate) fn is_standard(&self) -> bool {
        self.kind != Kind::Unknown
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.kind == Kind::Branch, other.kind == Kind::Branch) {
            (true, true) => self.text.cmp(&other.text),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => version_compare(&self.text, &other.text),
        }
    }
}

/// PHP's `version_compare`.
fn version_compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Parts(a.as_bytes()), Parts(b.as_bytes()));
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => (a.unwrap_or(Part::End), b.unwrap_or(Part::End)),
        };
        let order = match (a, b) {
            (Part::Number(a), Part::Number(b)) => number::compare(a, b),
            // `#` stands for any number.
            (Part::Any, Part::Number(_)) | (Part::Number(_), Part::Any) => Ordering::Equal,
            (a, b) => a.rank().cmp(&b.rank()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[derive(Clone, Copy)]
enum Part<'t> {
    Number(&'t [u8]),
    Any,
    Word(&'t [u8]),
    End,
}

impl Part<'_> {
    /// PHP knows a word by its first letters, and puts one it does not know before all it does.
    fn rank(self) -> u8 {
        const WORDS: [(&[u8], u8); 6] =
            [(b"dev", 1), (b"a", 2), (b"b", 3), (b"RC", 4), (b"rc", 4), (b"p", 7)];
        match self {
            Self::Word(word) => {
                WORDS.iter().find(|(start, _)| word.starts_with(start)).map_or(0, |found| found.1)
            }
            Self::End => 5,
            Self::Number(_) | Self::Any => 6,
        }
    }
}

/// Runs of digits, runs of letters, and `#`; everything else separates.
struct Parts<'t>(&'t [u8]);

impl<'t> Iterator for Parts<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        let separators =
            self.0.iter().take_while(|byte| !byte.is_ascii_alphanumeric() && **byte != b'#').count();
        let bytes = &self.0[separators..];
        let first = bytes.first()?;
        if *first == b'#' {
            self.0 = &bytes[1..];
            return Some(Part::Any);
        }
        let numeric = first.is_ascii_digit();
        let in_run = |byte: &&u8| if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
        let (run, rest) = bytes.split_at(bytes.iter().take_while(in_run).count());
        self.0 = rest;
        Some(if numeric { Part::Number(run) } else { Part::Word(run) })
    }
}
