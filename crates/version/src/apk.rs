//! Alpine: apk-tools 3, `src/version.c`; `digit{.digit}...{letter}{_suf{#}}...{~hash}{-r#}`.
//!
//! apk compares token by token and does not check first that a version is valid, so an invalid one has an order
//! too: it is read up to its first invalid token. Two readings are ours, for versions apk would refuse to
//! build: `-r` without a number is `-r0` (as up to apk-tools 2.14), and of two versions that turn invalid at
//! the same token before their revision the remaining texts decide, where apk-tools 3 calls them equal.

use std::cmp::Ordering;

use crate::number;

/// Nothing to remember: reading tokens is as quick as remembering where they were.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    valid: bool,
}

impl Key {
    pub(crate) fn parse(text: &str) -> Self {
        let mut tokens = Tokens::new(text);
        while tokens.kind < Kind::End {
            tokens.advance();
        }
        Self { valid: tokens.kind == Kind::End }
    }

    pub(crate) fn is_standard(self) -> bool {
        self.valid
    }
}

/// Kinds of tokens. Their order is the grammar, and the reverse of what sorts first where versions part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    FirstNumber,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    End,
    Invalid,
}

/// The suffixes in ascending order; no suffix at all stands between `rc` and `cvs`.
const SUFFIXES: [&[u8]; 9] = [b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p"];
const PRE_SUFFIXES: usize = 4;

struct Tokens<'t> {
    kind: Kind,
    value: &'t [u8],
    suffix: usize,
    rest: &'t [u8],
    /// Where an invalid token starts; empty if that is in the revision.
    invalid: &'t [u8],
}

impl<'t> Tokens<'t> {
    /// At the first token.
    fn new(text: &'t str) -> Self {
        let mut tokens = Self {
            kind: Kind::FirstNumber,
            value: b"",
            suffix: 0,
            rest: text.trim_ascii().as_bytes(),
            invalid: b"",
        };
        let start = tokens.rest;
        tokens.value = tokens.take_while(u8::is_ascii_digit);
        if tokens.value.is_empty() {
            tokens.refuse(start);
        }
        tokens
    }

    fn take_while(&mut self, wanted: impl Fn(&u8) -> bool) -> &'t [u8] {
        let count = self.rest.iter().take_while(|byte| wanted(byte)).count();
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    fn refuse(&mut self, start: &'t [u8]) {
        let in_revision = self.kind == Kind::Revision || start.first() == Some(&b'-');
        self.invalid = if in_revision { b"" } else { start };
        self.kind = Kind::Invalid;
    }

    /// Reads the next token, or `None` if what stands here cannot follow the last one.
    fn next_kind(&mut self) -> Option<Kind> {
        let Some(first) = self.rest.first() else { return Some(Kind::End) };
        let behind = self.rest.get(1..).unwrap_or_default();
        match first {
            b'a'..=b'z' if self.kind <= Kind::Number => {
                (self.value, self.rest) = self.rest.split_at(1);
                Some(Kind::Letter)
            }
            b'.' if self.kind <= Kind::Number => {
                self.rest = behind;
                self.value = self.take_while(u8::is_ascii_digit);
                (!self.value.is_empty()).then_some(Kind::Number)
            }
            b'0'..=b'9' if self.kind == Kind::Suffix => {
                self.value = self.take_while(u8::is_ascii_digit);
                Some(Kind::SuffixNumber)
            }
            b'_' if self.kind <= Kind::SuffixNumber => {
                self.rest = behind;
                let name = self.take_while(u8::is_ascii_lowercase);
                self.suffix = SUFFIXES.iter().position(|suffix| *suffix == name)?;
                Some(Kind::Suffix)
            }
            b'~' if self.kind < Kind::Hash => {
                self.rest = behind;
                self.value = self.take_while(u8::is_ascii_hexdigit);
                (!self.value.is_empty()).then_some(Kind::Hash)
            }
            b'-' if self.kind < Kind::Revision => {
                self.rest = behind.strip_prefix(b"r")?;
                self.value = self.take_while(u8::is_ascii_digit);
                let ends = matches!(self.rest.first(), None | Some(b'-'));
                (!self.value.is_empty() || ends).then_some(Kind::Revision)
            }
            _ => None,
        }
    }

    fn advance(&mut self) {
        let start = self.rest;
        match self.next_kind() {
            Some(kind) => self.kind = kind,
            None => self.refuse(start),
        }
    }

    fn compare_value(&self, other: &Self) -> Ordering {
        match self.kind {
            // Like Gentoo's: a leading zero makes it a fraction, compared as text.
            Kind::Number if self.value.first() == Some(&b'0') || other.value.first() == Some(&b'0') => {
                self.value.cmp(other.value)
            }
            Kind::FirstNumber | Kind::Number | Kind::SuffixNumber | Kind::Revision => {
                number::compare(self.value, other.value)
            }
            Kind::Suffix => self.suffix.cmp(&other.suffix),
            Kind::Letter | Kind::Hash => self.value.cmp(other.value),
            Kind::End => Ordering::Equal,
            Kind::Invalid => self.invalid.cmp(other.invalid),
        }
    }

    fn is_pre_release(&self) -> bool {
        self.kind == Kind::Suffix && self.suffix < PRE_SUFFIXES
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    while a.kind == b.kind {
        let order = a.compare_value(&b);
        if order.is_ne() || a.kind >= Kind::End {
            return order;
        }
        a.advance();
        b.advance();
    }
    // All before is equal: a pre-release is less, and otherwise the longer one is greater.
    match (a.is_pre_release(), b.is_pre_release()) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => b.kind.cmp(&a.kind),
    }
}
