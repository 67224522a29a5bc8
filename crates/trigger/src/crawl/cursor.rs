//! Where a crawl is.

use plimsoll_oci::Place;
use serde::{Deserialize, Serialize};

/// Where a crawl is, in words only this module reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    /// The catalogue after the repository under way; or how many of the named repositories have been begun.
    catalog: Spot,
    /// The repository under way.
    pub(super) repository: Option<Repository>,
    /// Failures that were passed over rather than waited for.
    pub(super) passed_over: u32,
    /// Those in a row, without anything that went well in between.
    pub(super) in_a_row: u32,
}

/// A repository under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Repository {
    pub(super) name: String,
    tags: Spot,
    /// Tags looked at.
    pub(super) looked_at: u64,
    /// When it was begun.
    pub(super) began: i64,
    /// Whether each of its tags was looked at so far.
    pub(super) whole: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Spot {
    page: String,
    read: u64,
}

impl From<Place> for Spot {
    fn from(place: Place) -> Self {
        Self { page: place.page, read: place.read }
    }
}

impl Spot {
    fn place(&self) -> Place {
        Place { page: self.page.clone(), read: self.read }
    }
}

impl Cursor {
    /// Reads what [`Cursor::text`] wrote. What cannot be read is the beginning: then work is done twice, and none left out.
    pub(super) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        // Texts and numbers only: nothing that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn catalog(&self) -> Place {
        self.catalog.place()
    }

    /// Begins a repository. `after` is where the catalogue goes on.
    pub(super) fn begin(&mut self, name: String, after: Place, now: i64) {
        self.catalog = after.into();
        self.repository = Some(Repository { name, began: now, whole: true, ..Repository::default() });
    }
}

impl Repository {
    pub(super) fn tags(&self) -> Place {
        self.tags.place()
    }

    /// Goes on after `count` tags.
    pub(super) fn advance(&mut self, after: Place, count: usize) {
        self.tags = after.into();
        self.looked_at += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_rubbish_is_the_beginning() {
        let mut cursor = Cursor::default();
        cursor.begin("app".into(), Place { page: "/v2/_catalog?last=app".into(), read: 3 }, 7);
        if let Some(repository) = &mut cursor.repository {
            repository.advance(Place { page: String::new(), read: 50 }, 50);
        }
        assert_eq!(Cursor::read(Some(&cursor.text())), cursor);
        assert_eq!(cursor.catalog(), Place { page: "/v2/_catalog?last=app".into(), read: 3 });
        for text in [None, Some(""), Some("{"), Some("[1]"), Some("{\"newer\":1}")] {
            assert_eq!(Cursor::read(text), Cursor::default(), "{text:?}");
        }
    }
}
