//! Python: PEP 440 as PyPA's `packaging` reads it, and its former legacy order for everything else.
//!
//! Until release 22, `packaging` (and so pip) gave every other text an order below all real versions. PyPI
//! still holds such releases, and advisories name them. [`Key::is_standard`] tells them apart.

mod legacy;

use std::cmp::Ordering;

use crate::cursor::{Cursor, Span};
use crate::number;
use legacy::Legacy;

#[derive(Clone)]
pub(crate) enum Key {
    Standard(Standard),
    Legacy(Box<Legacy>),
}

impl Key {
    pub(crate) fn parse(text: &str) -> Self {
        Standard::parse(text).map_or_else(|| Self::Legacy(Box::new(Legacy::parse(text))), Self::Standard)
    }

    pub(crate) fn is_standard(&self) -> bool {
        matches!(self, Self::Standard(_))
    }

    pub(crate) fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        match (self, other) {
            (Self::Standard(a), Self::Standard(b)) => a.compare(text, b, other_text),
            (Self::Legacy(a), Self::Legacy(b)) => a.cmp(b),
            (a, b) => a.is_standard().cmp(&b.is_standard()),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Standard {
    epoch: Span,
    release: Span,
    pre: Option<(Pre, Span)>,
    post: Option<Span>,
    dev: Option<Span>,
    local: Option<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    Alpha,
    Beta,
    Candidate,
}

const PRE_WORDS: [(&str, Pre); 8] = [
    ("alpha", Pre::Alpha),
    ("a", Pre::Alpha),
    ("beta", Pre::Beta),
    ("b", Pre::Beta),
    ("preview", Pre::Candidate),
    ("pre", Pre::Candidate),
    ("c", Pre::Candidate),
    ("rc", Pre::Candidate),
];

impl Standard {
    fn parse(text: &str) -> Option<Self> {
        let mut cursor = Cursor::trimmed(text);
        cursor.eat_any(b"vV");
        let mut first = cursor;
        let mut epoch = first.digits();
        if !epoch.is_empty() && first.eat_any(b"!") {
            cursor = first;
        } else {
            epoch = Span::default();
        }
        let release = release(&mut cursor)?;
        let pre =
            PRE_WORDS.iter().find_map(|(word, pre)| suffix(&mut cursor, word).map(|number| (*pre, number)));
        let post = implicit_post(&mut cursor)
            .or_else(|| ["post", "rev", "r"].iter().find_map(|word| suffix(&mut cursor, word)));
        let dev = suffix(&mut cursor, "dev");
        let local = if cursor.eat_any(b"+") { Some(local(&mut cursor)?) } else { None };
        cursor.is_done().then_some(Self { epoch, release, pre, post, dev, local })
    }

    fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        let numbers = |a: Option<Span>, b: Option<Span>| match (a, b) {
            (Some(a), Some(b)) => number::compare(a.of(text), b.of(other_text)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        number::compare(self.epoch.of(text), other.epoch.of(other_text))
            .then_with(|| compare_release(self.release.of(text), other.release.of(other_text)))
            .then_with(|| self.stage().cmp(&other.stage()))
            .then_with(|| numbers(self.pre.map(|pre| pre.1), other.pre.map(|pre| pre.1)))
            .then_with(|| numbers(self.post, other.post))
            // No dev part is greater than any.
            .then_with(|| match (self.dev, other.dev) {
                (Some(_), Some(_)) => numbers(self.dev, other.dev),
                (a, b) => b.is_some().cmp(&a.is_some()),
            })
            .then_with(|| match (self.local, other.local) {
                (Some(a), Some(b)) => compare_local(a.of(text), b.of(other_text)),
                (a, b) => a.is_some().cmp(&b.is_some()),
            })
    }

    /// A development release of a release comes before its alphas, the release itself behind its candidates.
    fn stage(&self) -> u8 {
        match self.pre {
            Some((pre, _)) => 1 + pre as u8,
            None if self.post.is_none() && self.dev.is_some() => 0,
            None => 4,
        }
    }
}

fn release(cursor: &mut Cursor<'_>) -> Option<Span> {
    let start = cursor.at();
    if cursor.digits().is_empty() {
        return None;
    }
    loop {
        let end = cursor.at();
        let mut ahead = *cursor;
        if !ahead.eat_any(b".") || ahead.digits().is_empty() {
            return Some(Span::new(start, end));
        }
        *cursor = ahead;
    }
}

/// `[-_.]? word [-_.]? number?`; a missing number is zero.
fn suffix(cursor: &mut Cursor<'_>, word: &str) -> Option<Span> {
    let mut ahead = *cursor;
    ahead.eat_any(b"-_.");
    if !ahead.eat_word(word) {
        return None;
    }
    ahead.eat_any(b"-_.");
    let number = ahead.digits();
    *cursor = ahead;
    Some(number)
}

/// `1.0-1` is `1.0.post1`.
fn implicit_post(cursor: &mut Cursor<'_>) -> Option<Span> {
    let mut ahead = *cursor;
    let number = if ahead.eat_any(b"-") { ahead.digits() } else { return None };
    if number.is_empty() {
        return None;
    }
    *cursor = ahead;
    Some(number)
}

fn local(cursor: &mut Cursor<'_>) -> Option<Span> {
    let start = cursor.at();
    loop {
        if cursor.take_while(|byte| byte.is_ascii_alphanumeric()).is_empty() {
            return None;
        }
        if !cursor.eat_any(b"-_.") {
            return Some(Span::new(start, cursor.at()));
        }
    }
}

fn compare_release(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|byte| *byte == b'.'), b.split(|byte| *byte == b'.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => number::compare(a.unwrap_or_default(), b.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Texts before numbers, fewer parts before more.
fn compare_local(a: &[u8], b: &[u8]) -> Ordering {
    let separator = |byte: &u8| b"-_.".contains(byte);
    let (mut a, mut b) = (a.split(separator), b.split(separator));
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let order = match (number::is_number(a), number::is_number(b)) {
            (true, true) => number::compare(a, b),
            (false, false) => {
                let lower = u8::to_ascii_lowercase;
                a.iter().map(lower).cmp(b.iter().map(lower))
            }
            (a, b) => a.cmp(&b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Scheme, Version};

    #[test]
    fn only_pep_440_is_standard() {
        let standard = |text| Version::parse(Scheme::Pep440, text).unwrap().is_standard();
        for text in
            ["1", "v1.0", "1!2.0", "1.0a-", "1.0.post-1.dev_2+Ubuntu-1.x", "1.0-1", "1.0alpha.post.dev"]
        {
            assert!(standard(text), "{text}");
        }
        for text in ["1.0-", "1.", "1.0-foo", "1.0+", "1.0+a..b", "1.0--1", "latest", "1.0 1", "!1", "1.0.1é"]
        {
            assert!(!standard(text), "{text}");
        }
    }
}
