//! Maven: `org.apache.maven.artifact.versioning.ComparableVersion` of Maven 3.9.
//!
//! Maven reads a version as a list of numbers and qualifiers, in which a hyphen, or a change between digits and
//! letters, opens a sub-list. A sub-list is always the last item of its list, so that a flat list in which
//! [`Item::List`] says "from here on one level deeper" is the same thing, and comparing needs no recursion.
//!
//! In two corners published vectors ask for more than Maven's code does. A release qualifier between hyphens is
//! left out with its hyphen (`1-ga-1` is `1-1`, as the POM reference has it; the code says slightly less). And
//! of two versions that 3.9 calls equal, one with a dot before its last qualifier is greater, the more so the
//! more numbers stand before it (`2-a`, `2.0.a`, `2.0.0.a`; up to 3.6 `2.0.a` was less than `2.0.0.a`).

use std::cmp::Ordering;

use crate::cursor::Span;
use crate::number;

#[derive(Clone)]
pub(crate) struct Key {
    items: Box<[Item]>,
    /// How many items stand before a last qualifier with a dot in front; zero for all other versions.
    dotted: u16,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Number(Span),
    /// A well-known qualifier by its place in [`QUALIFIERS`], or [`UNKNOWN`] and its text.
    Qualifier(u8, Span),
    /// Opens a sub-list.
    List,
}

const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
const RELEASE: u8 = 5;
const UNKNOWN: u8 = 7;

impl Key {
    /// Every text is a version to Maven.
    pub(crate) fn parse(text: &str) -> Self {
        let mut reader =
            Reader { bytes: text.as_bytes(), items: Vec::with_capacity(8), start: 0, digits: false };
        for at in 0..reader.bytes.len() {
            reader.read(at);
        }
        let dotted = reader.finish();
        Self { items: normalize(&reader.items, text).into(), dotted }
    }

    pub(crate) fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        let (mut a, mut b) = (self.items.iter(), other.items.iter());
        loop {
            let order = match (a.next(), b.next()) {
                (Some(a), Some(b)) => a.compare(text, *b, other_text),
                (Some(a), None) => a.compare_to_nothing(text),
                (None, Some(b)) => b.compare_to_nothing(other_text).reverse(),
                (None, None) => return self.dotted.cmp(&other.dotted),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

/// Takes a text apart.
struct Reader<'t> {
    bytes: &'t [u8],
    items: Vec<Item>,
    /// Where the item being read starts.
    start: usize,
    /// Whether the last character, separators left out, was a digit.
    digits: bool,
}

impl Reader<'_> {
    fn read(&mut self, at: usize) {
        match self.bytes[at] {
            separator @ (b'.' | b'-') => {
                let item =
                    if at == self.start { Item::Number(Span::default()) } else { self.item(at, false) };
                self.items.push(item);
                self.start = at + 1;
                if separator == b'-' {
                    self.items.push(Item::List);
                }
            }
            b'0'..=b'9' => {
                if !self.digits && at > self.start {
                    self.open_for_qualifier();
                    self.items.push(self.item(at, true));
                    self.items.push(Item::List);
                    self.start = at;
                }
                self.digits = true;
            }
            _ => {
                if self.digits && at > self.start {
                    self.items.push(self.item(at, false));
                    self.items.push(Item::List);
                    self.start = at;
                }
                self.digits = false;
            }
        }
    }

    /// Reads the last item, and tells how many stand before it if it is a qualifier with a dot in front.
    fn finish(&mut self) -> u16 {
        let end = self.bytes.len();
        if end <= self.start {
            return 0;
        }
        let before = self.items.len() as u16;
        if !self.digits {
            self.open_for_qualifier();
        }
        let item = self.item(end, false);
        self.items.push(item);
        let behind_dot = self.start > 0 && self.bytes[self.start - 1] == b'.';
        match item {
            Item::Qualifier(rank, _) if rank != RELEASE && behind_dot => before,
            _ => 0,
        }
    }

    /// `.X` counts as `-X` for a qualifier at the end or before digits.
    fn open_for_qualifier(&mut self) {
        if !matches!(self.items.last(), None | Some(Item::List)) {
            self.items.push(Item::List);
        }
    }

    /// The item from `start` to `end`.
    fn item(&self, end: usize, before_digit: bool) -> Item {
        let span = Span::new(self.start, end);
        let text = &self.bytes[self.start..end];
        if self.digits { Item::Number(span) } else { Item::Qualifier(qualifier(text, before_digit), span) }
    }
}

fn qualifier(text: &[u8], before_digit: bool) -> u8 {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    if before_digit && text.len() == 1 {
        match text[0].to_ascii_lowercase() {
            b'a' => return 0,
            b'b' => return 1,
            b'm' => return 2,
            _ => {}
        }
    }
    if is("ga") || is("final") || is("release") {
        return RELEASE;
    }
    if is("cr") {
        return 3;
    }
    QUALIFIERS.iter().position(|word| is(word)).map_or(UNKNOWN, |at| at as u8)
}

/// Leaves out zeros, release qualifiers and empty lists at the end of each list, before its sub-list.
fn normalize(items: &[Item], text: &str) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::with_capacity(items.len());
    // From behind, so that the sub-list of a list is done when the list is.
    let mut at_end_of_list = true;
    let mut held_release = false;
    for item in items.iter().rev() {
        match item {
            Item::List => {
                let only_sub_list = held_release && matches!(kept.last(), Some(Item::List));
                if !kept.is_empty() && !only_sub_list {
                    kept.push(*item);
                }
                at_end_of_list = true;
                held_release = false;
            }
            item if at_end_of_list && item.is_null(text) => {
                held_release = matches!(item, Item::Qualifier(..));
            }
            item => {
                kept.push(*item);
                at_end_of_list = false;
            }
        }
    }
    kept.reverse();
    kept
}

impl Item {
    fn is_null(self, text: &str) -> bool {
        match self {
            Self::Number(span) => number::strip_zeros(span.of(text)).is_empty(),
            Self::Qualifier(rank, _) => rank == RELEASE,
            Self::List => false,
        }
    }

    /// Against the end of the other list. A list answers by its items, which follow.
    fn compare_to_nothing(self, text: &str) -> Ordering {
        match self {
            Self::Number(_) if self.is_null(text) => Ordering::Equal,
            Self::Number(_) => Ordering::Greater,
            Self::Qualifier(rank, _) => rank.cmp(&RELEASE),
            Self::List => Ordering::Equal,
        }
    }

    /// Qualifiers before lists before numbers.
    fn rank(self) -> u8 {
        match self {
            Self::Qualifier(..) => 0,
            Self::List => 1,
            Self::Number(_) => 2,
        }
    }

    fn compare(self, text: &str, other: Self, other_text: &str) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => number::compare(a.of(text), b.of(other_text)),
            (Self::Qualifier(a, a_text), Self::Qualifier(b, b_text)) => a.cmp(&b).then_with(|| {
                if a == UNKNOWN {
                    let lower = u8::to_ascii_lowercase;
                    a_text.of(text).iter().map(lower).cmp(b_text.of(other_text).iter().map(lower))
                } else {
                    Ordering::Equal
                }
            }),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}
