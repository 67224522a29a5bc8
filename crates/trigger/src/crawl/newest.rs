//! The newest tags of a repository.

use std::collections::BTreeMap;

use plimsoll_types::{Digest, Failure};

/// The tags whose images were made last, so many of them.
pub(super) struct Newest {
    count: usize,
    tags: BTreeMap<(Option<i64>, String), Result<Digest, Failure>>,
}

impl Newest {
    pub(super) fn new(count: Option<u32>) -> Option<Self> {
        Some(Self { count: count? as usize, tags: BTreeMap::new() })
    }

    /// Adds a tag; one whose age nobody knows counts as old.
    pub(super) fn add(&mut self, created: Option<i64>, tag: String, digest: Result<Digest, Failure>) {
        self.tags.insert((created, tag), digest);
        if self.tags.len() > self.count {
            self.tags.pop_first();
        }
    }

    pub(super) fn into_tags(self) -> Vec<(String, Result<Digest, Failure>)> {
        self.tags.into_iter().rev().map(|((_, tag), digest)| (tag, digest)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_what_has_no_date_is_old() {
        let digest = |byte| Ok(Digest::from_bytes([byte; 32]));
        let mut newest = Newest::new(Some(2)).unwrap();
        for (created, tag, byte) in [(Some(5), "b", 1), (None, "x", 2), (Some(9), "a", 3), (Some(1), "c", 4)]
        {
            newest.add(created, tag.into(), digest(byte));
        }
        assert_eq!(newest.into_tags(), [("a".to_owned(), digest(3)), ("b".to_owned(), digest(1))]);
        assert!(Newest::new(None).is_none());
    }
}
