//! The one place where feeds' events meet `plimsoll-version`.

use plimsoll_version::range::{self, Range};
use plimsoll_version::{Scheme, Version};

use crate::advisory::Event;

/// A range of the feed's events, in the order of the scheme.
pub(crate) fn range(scheme: Scheme, events: &[Event]) -> Result<Range, String> {
    let events = events
        .iter()
        .map(|event| match event.clone() {
            Event::Introduced(version) => range::Event::Introduced(version),
            Event::Fixed(version) => range::Event::Fixed(version),
            Event::LastAffected(version) => range::Event::LastAffected(version),
            Event::Limit(version) => range::Event::Limit(version),
        })
        .collect::<Vec<_>>();
    Range::new(scheme, events).map_err(|error| error.to_string())
}

/// A version, where it parses.
pub(crate) fn version(scheme: Scheme, text: &str) -> Option<Version> {
    Version::parse(scheme, text).ok()
}

/// An installed version, where its place in the order is certain. What today's tool of the ecosystem refuses has one by
/// courtesy only, which for Python is below every version there is: a range would take it in, or leave it out, by that.
pub(crate) fn installed(scheme: Scheme, text: &str) -> Option<Version> {
    version(scheme, text).filter(Version::is_standard)
}

/// Puts the texts in order, lowest version first, each text once; texts without an order come last.
///
/// By insertion: the order of Maven and Packagist is not transitive at its edges, on which a library sort may
/// panic, and the lists are short.
pub(crate) fn sort(scheme: Scheme, texts: &mut Vec<String>) {
    texts.sort();
    texts.dedup();
    let mut sorted: Vec<(Option<Version>, String)> = Vec::with_capacity(texts.len());
    for text in texts.drain(..) {
        let key = version(scheme, &text);
        let goes_before = |(other, _): &(Option<Version>, String)| match (&key, other) {
            (Some(key), Some(other)) => key.compare(other).is_lt(),
            (key, other) => key.is_some() && other.is_none(),
        };
        let at = sorted.iter().position(goes_before).unwrap_or(sorted.len());
        sorted.insert(at, (key, text));
    }
    texts.extend(sorted.into_iter().map(|(_, text)| text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_are_listed_lowest_first() {
        let mut texts = ["2.10", "2.9", "", "2.9", "2.9rc1"].map(str::to_owned).to_vec();
        sort(Scheme::Pep440, &mut texts);
        assert_eq!(texts, ["2.9rc1", "2.9", "2.10", ""]);
    }

    #[test]
    fn a_range_that_does_not_parse_is_an_error() {
        assert!(range(Scheme::Semver, &[Event::Introduced("one".into())]).is_err());
        let range =
            range(Scheme::Semver, &[Event::Introduced("0".into()), Event::Fixed("1.0.0".into())]).unwrap();
        assert!(range.contains(&version(Scheme::Semver, "0.9.0").unwrap()));
    }
}
