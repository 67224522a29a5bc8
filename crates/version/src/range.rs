//! Sets of versions, as the events of an OSV record define them.

use std::cmp::Ordering;
use std::fmt;

use crate::{Scheme, Version, VersionError};

/// One event of a range of an OSV record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The first version that is affected; `0` is before every version.
    Introduced(String),
    /// The first version that is no longer affected.
    Fixed(String),
    /// The last version that is affected.
    LastAffected(String),
    /// Versions from here on are not in the range, whatever the other events say; `*` is no limit.
    Limit(String),
}

/// A set of versions: what is affected, by the [evaluation algorithm] of the OSV schema.
///
/// The schema leaves open what two events of one version mean. Here `introduced` and `fixed` at one version
/// cancel out: a stretch that was open stays open, one that was not stays shut. And without an `introduced`
/// nothing is affected.
///
/// [evaluation algorithm]: https://ossf.github.io/osv-schema/#evaluation
#[derive(Clone, Debug)]
pub struct Range {
    scheme: Scheme,
    stretches: Vec<Stretch>,
    /// The highest limit, if there is one and none is `*`.
    limit: Option<Version>,
}

/// Versions without a gap between them.
#[derive(Clone, Debug)]
struct Stretch {
    /// The first; `None` from the very start.
    from: Option<Version>,
    until: Until,
}

#[derive(Clone, Debug)]
enum Until {
    Forever,
    Before(Version),
    Through(Version),
}

/// An event that opens or shuts a stretch, in the order of effect at one version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

struct Mark {
    kind: Kind,
    /// `None` is the very start.
    version: Option<Version>,
}

impl Range {
    /// Builds a range from events in any order. It fails if the version of an event does not parse: a range
    /// that is understood by half is worse than none.
    pub fn new(scheme: Scheme, events: impl IntoIterator<Item = Event>) -> Result<Self, VersionError> {
        let mut marks = Vec::new();
        let mut limit: Option<Version> = None;
        let mut unlimited = false;
        for event in events {
            let (kind, text) = match &event {
                Event::Introduced(text) if text == "0" => {
                    marks.push(Mark { kind: Kind::Introduced, version: None });
                    continue;
                }
                Event::Limit(text) if text == "*" => {
                    unlimited = true;
                    continue;
                }
                Event::Limit(text) => {
                    let version = Version::parse(scheme, text)?;
                    if limit.as_ref().is_none_or(|highest| version.compare(highest).is_gt()) {
                        limit = Some(version);
                    }
                    continue;
                }
                Event::Introduced(text) => (Kind::Introduced, text),
                Event::Fixed(text) => (Kind::Fixed, text),
                Event::LastAffected(text) => (Kind::LastAffected, text),
            };
            marks.push(Mark { kind, version: Some(Version::parse(scheme, text)?) });
        }
        let stretches = stretches(merge_sort(marks));
        Ok(Self { scheme, stretches, limit: limit.filter(|_| !unlimited) })
    }

    /// The scheme of its versions.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether no version can be in it.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// Whether a version is in it. A version of another scheme is not.
    pub fn contains(&self, version: &Version) -> bool {
        self.stretch_of(version).is_some()
    }

    /// For a version in the range, the version that fixed it: the one that ends the stretch it is in.
    pub fn fixed_after(&self, version: &Version) -> Option<&str> {
        match &self.stretch_of(version)?.until {
            Until::Before(fixed) => Some(fixed.as_str()),
            Until::Forever | Until::Through(_) => None,
        }
    }

    fn stretch_of(&self, version: &Version) -> Option<&Stretch> {
        let limited = self.limit.as_ref().is_some_and(|limit| version.compare(limit).is_ge());
        if version.scheme() != self.scheme || limited {
            return None;
        }
        self.stretches.iter().find(|stretch| stretch.contains(version))
    }
}

impl Stretch {
    fn contains(&self, version: &Version) -> bool {
        self.from.as_ref().is_none_or(|from| version.compare(from).is_ge())
            && match &self.until {
                Until::Forever => true,
                Until::Before(end) => version.compare(end).is_lt(),
                Until::Through(end) => version.compare(end).is_le(),
            }
    }
}

impl Mark {
    fn compare_version(&self, other: &Self) -> Ordering {
        match (&self.version, &other.version) {
            (Some(a), Some(b)) => a.compare(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.compare_version(other).then(self.kind.cmp(&other.kind))
    }
}

/// `slice::sort_by` may panic where an order is not transitive, and not every ecosystem's is.
fn merge_sort(mut marks: Vec<Mark>) -> Vec<Mark> {
    if marks.len() < 2 {
        return marks;
    }
    let right = merge_sort(marks.split_off(marks.len() / 2));
    let left = merge_sort(marks);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if b.compare(a).is_lt() { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

/// Opens and shuts stretches, the marks of one version at a time.
fn stretches(marks: Vec<Mark>) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut open: Option<Option<Version>> = None;
    let mut marks = marks.into_iter().peekable();
    while let Some(first) = marks.next() {
        let mut introduced = first.kind == Kind::Introduced;
        let mut fixed = first.kind == Kind::Fixed;
        let mut last_affected = first.kind == Kind::LastAffected;
        while let Some(next) = marks.next_if(|next| next.compare_version(&first).is_eq()) {
            introduced |= next.kind == Kind::Introduced;
            fixed |= next.kind == Kind::Fixed;
            last_affected |= next.kind == Kind::LastAffected;
        }
        if introduced && fixed {
            continue;
        }
        if introduced && open.is_none() {
            open = Some(first.version.clone());
        }
        // Only `introduced` is ever without a version.
        let Some(version) = first.version else { continue };
        let until = match (fixed, last_affected) {
            (true, _) => Until::Before(version),
            (false, true) => Until::Through(version),
            (false, false) => continue,
        };
        if let Some(from) = open.take() {
            stretches.push(Stretch { from, until });
        }
    }
    if let Some(from) = open {
        stretches.push(Stretch { from, until: Until::Forever });
    }
    stretches
}

impl fmt::Display for Range {
    /// For example `>= 1.0, < 1.2.3 || >= 2.0`; `*` is everything and `none` nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stretches.is_empty() {
            return f.write_str("none");
        }
        for (index, stretch) in self.stretches.iter().enumerate() {
            if index > 0 {
                f.write_str(" || ")?;
            }
            self.write_stretch(stretch, f)?;
        }
        Ok(())
    }
}

impl Range {
    fn write_stretch(&self, stretch: &Stretch, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bounds = 0;
        let mut bound = |sign: &str, version: &Version| {
            let separator = if bounds > 0 { ", " } else { "" };
            bounds += 1;
            write!(f, "{separator}{sign} {version}")
        };
        if let Some(from) = &stretch.from {
            bound(">=", from)?;
        }
        let end = match &stretch.until {
            Until::Forever => None,
            Until::Before(end) => Some(("<", end)),
            Until::Through(end) => Some(("<=", end)),
        };
        if let Some((sign, end)) = end {
            bound(sign, end)?;
        }
        match (&self.limit, end) {
            // A limit the stretch ends before says nothing.
            (Some(limit), Some((_, end))) if end.compare(limit).is_lt() => {}
            (Some(limit), _) => bound("<", limit)?,
            (None, _) => {}
        }
        if bounds == 0 { f.write_str("*") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
