//! `LegacyVersion` of `packaging` up to release 21.3: the order setuptools gave to any text.

use std::cmp::Ordering;

/// Parts in the form in which they compare as texts: numbers are padded, words carry a star, and the words that
/// come before a release sort before `*final`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Legacy(Vec<Part>);

#[derive(Clone, PartialEq, Eq)]
enum Part {
    /// Without leading zeros.
    Number(String),
    Word(String),
}

const FINAL: &str = "final";
const BEFORE_RELEASE: &str = "final-";

impl Legacy {
    pub(crate) fn parse(text: &str) -> Self {
        let lower = text.to_lowercase();
        let mut parts = Vec::new();
        let mut rest = lower.as_str();
        while let Some(first) = rest.chars().next() {
            let kind = Kind::of(first);
            let length = match kind {
                Kind::Dot | Kind::Hyphen => 1,
                _ => rest.find(|next| Kind::of(next) != kind).unwrap_or(rest.len()),
            };
            let (part, behind) = rest.split_at(length);
            rest = behind;
            match kind {
                Kind::Dot => {}
                Kind::Digits => parts.push(Part::Number(part.trim_start_matches('0').to_owned())),
                _ => push_word(&mut parts, part),
            }
        }
        push_word(&mut parts, FINAL);
        Self(parts)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digits,
    Letters,
    Dot,
    Hyphen,
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            '0'..='9' => Self::Digits,
            'a'..='z' => Self::Letters,
            '.' => Self::Dot,
            '-' => Self::Hyphen,
            _ => Self::Other,
        }
    }
}

fn push_word(parts: &mut Vec<Part>, word: &str) {
    let word = match word {
        "pre" | "preview" | "rc" => "c",
        "-" => BEFORE_RELEASE,
        "dev" => "@",
        other => other,
    };
    if word < FINAL {
        while parts.last() == Some(&Part::Word(BEFORE_RELEASE.to_owned())) {
            parts.pop();
        }
    }
    while parts.last() == Some(&Part::Number(String::new())) {
        parts.pop();
    }
    parts.push(Part::Word(word.to_owned()));
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // setuptools pads numbers to eight digits and compares texts; longer ones come out wrong there.
            (Self::Number(a), Self::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Word(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Word(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
