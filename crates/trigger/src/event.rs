//! What happened.

use plimsoll_types::{Digest, Reference};

use crate::Malformed;

/// Something that happened to an image, as its registry tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What tells it from other events of its source: the same when the same event is sent again.
    pub id: String,
    /// What happened.
    pub change: Change,
    /// To which image. It has a digest if something was pushed, and a tag or a digest at least.
    pub image: Reference,
    /// When, in milliseconds since the epoch, if the source says so.
    pub at: Option<i64>,
}

/// What can happen to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is in the registry now, and the tag, if there is one, names it.
    Pushed,
    /// The tag is gone, or without a tag the image and every tag of it.
    Deleted,
}

/// What one message, or a part of it, says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// An event to act on.
    Event(Event),
    /// Something of another kind, which is nothing to us.
    Other,
    /// An attempt that did not succeed, so that nothing happened.
    Unsuccessful,
}

impl Reading {
    /// True if there is nothing to do.
    pub fn is_idle(&self) -> bool {
        !matches!(self, Self::Event(_))
    }
}

/// What a source read of an image. All of it is text of a stranger's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named<'a> {
    pub(crate) registry: &'a str,
    pub(crate) repository: &'a str,
    pub(crate) tag: Option<&'a str>,
    pub(crate) digest: Option<&'a str>,
}

impl Named<'_> {
    /// The image, if these are the names of one and enough for what happened.
    pub(crate) fn image(&self, change: Change) -> Result<Reference, Malformed> {
        let digest: Option<Digest> = self
            .digest
            .map(str::parse)
            .transpose()
            .map_err(|error| Malformed::new(format!("the digest cannot be used: {error}")))?;
        match change {
            Change::Pushed if digest.is_none() => return Err(Malformed::new("a push without a digest")),
            Change::Deleted if digest.is_none() && self.tag.is_none() => {
                return Err(Malformed::new("a deletion of neither a tag nor a digest"));
            }
            _ => {}
        }
        let mut text = format!("{}/{}", self.registry, self.repository);
        if let Some(tag) = self.tag {
            text.extend([":", tag]);
        }
        let read: Reference = text.parse().map_err(|error| Malformed::new(format!("{error}")))?;
        // A name with a tag or a digest in it would be another image than the one that is meant.
        let is_it = read.registry == self.registry && read.repository.ends_with(self.repository);
        let plain = !self.repository.contains([':', '@']) && !self.tag.is_some_and(|tag| tag.contains('@'));
        if !is_it || !plain {
            return Err(Malformed::new(format!("{text:?} is not a repository and a tag")));
        }
        Ok(Reference { tag: self.tag.map(str::to_owned), digest, ..read })
    }
}

/// A text that is there and not empty.
pub(crate) fn filled(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// An instant of RFC 3339, in milliseconds since the epoch.
pub(crate) fn instant(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn named<'a>(repository: &'a str, tag: Option<&'a str>, digest: Option<&'a str>) -> Named<'a> {
        Named { registry: "r.io", repository, tag, digest }
    }

    #[test]
    fn an_image_has_the_names_it_was_given() {
        let image = named("team/app", Some("1"), Some(DIGEST)).image(Change::Pushed).unwrap();
        assert_eq!(image.to_string(), format!("r.io/team/app:1@{DIGEST}"));
        let untagged = named("app", None, Some(DIGEST)).image(Change::Pushed).unwrap();
        assert_eq!((untagged.tag, untagged.digest.map(|it| it.to_string())), (None, Some(DIGEST.to_owned())));
        let tag = named("app", Some("1"), None).image(Change::Deleted).unwrap();
        assert_eq!((tag.tag.as_deref(), tag.digest), (Some("1"), None));
    }

    #[test]
    fn what_names_no_image_or_not_enough_of_one_is_malformed() {
        for (repository, tag, digest, change) in [
            ("app", Some("1"), None, Change::Pushed),
            ("app", None, None, Change::Deleted),
            ("app", Some("1"), Some("sha256:7f5b"), Change::Pushed),
            ("app", Some("1"), Some(""), Change::Pushed),
            ("app:2", None, Some(DIGEST), Change::Pushed),
            ("app@sha256", Some("1"), Some(DIGEST), Change::Pushed),
            ("", Some("1"), Some(DIGEST), Change::Pushed),
            ("App", Some("1"), Some(DIGEST), Change::Pushed),
            ("../app", Some("1"), Some(DIGEST), Change::Pushed),
            ("app", Some("1/2"), Some(DIGEST), Change::Pushed),
            ("app", Some(""), Some(DIGEST), Change::Pushed),
            ("app", Some("a\nb"), Some(DIGEST), Change::Pushed),
        ] {
            let read = named(repository, tag, digest).image(change);
            assert!(read.is_err(), "{repository:?} {tag:?} {digest:?}: {read:?}");
        }
    }

    #[test]
    fn a_registry_is_the_one_that_was_named() {
        for registry in ["registry", "", "r.io/a", "https://r.io", "index.docker.io"] {
            let named = Named { registry, ..named("app", Some("1"), Some(DIGEST)) };
            assert!(named.image(Change::Pushed).is_err(), "{registry}");
        }
        let hub = Named { registry: "docker.io", ..named("app", Some("1"), Some(DIGEST)) };
        assert_eq!(hub.image(Change::Pushed).unwrap().repository, "library/app");
    }

    #[test]
    fn instants_are_those_of_rfc_3339() {
        assert_eq!(instant("2019-11-16T01:54:34Z"), Some(1_573_869_274_000));
        assert_eq!(instant("2016-03-09T14:44:26.402973972-08:00"), Some(1_457_563_466_402));
        assert_eq!(instant("yesterday"), None);
    }
}
