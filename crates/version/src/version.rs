//! A version of a scheme.

use std::cmp::Ordering;
use std::fmt;

use crate::key::Key;
use crate::{Scheme, VersionError};

/// The longest version text that is read. dpkg, rpm and npm refuse far shorter ones.
pub const MAX_VERSION_BYTES: usize = 1024;

/// A version of a scheme, with its text.
///
/// There is no `==` and no `Ord`: `1.0` and `1.0.0` are one version in some ecosystems and two texts in all,
/// so a caller says which it means, [`Version::compare`] or [`Version::as_str`]. And the order of Packagist
/// and of Maven, which is their tools', is not transitive at its edges, which `slice::sort` may answer with
/// a panic.
#[derive(Clone)]
pub struct Version {
    text: Box<str>,
    key: Key,
}

impl Version {
    /// Reads a version.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, VersionError> {
        Ok(Self { key: read(scheme, text)?, text: text.into() })
    }

    /// The scheme it was read in.
    pub fn scheme(&self) -> Scheme {
        self.key.scheme()
    }

    /// The text it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether today's tool of the ecosystem accepts the text as a version. For some of the others an order is
    /// defined too (by earlier releases of the tool, or by what it does when nobody checks first), so they
    /// compare; a caller may want to say that the result stands on less.
    pub fn is_standard(&self) -> bool {
        self.key.is_standard()
    }

    /// Orders two versions as their ecosystem does. Versions of two schemes have no order of their own; they
    /// are ordered by scheme, and are never equal.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.key.compare(&self.text, &other.key, &other.text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.scheme(), self.text)
    }
}

/// Orders two texts as versions of a scheme, without keeping either.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, VersionError> {
    Ok(read(scheme, a)?.compare(a, &read(scheme, b)?, b))
}

fn read(scheme: Scheme, text: &str) -> Result<Key, VersionError> {
    if text.len() > MAX_VERSION_BYTES {
        return Err(VersionError::TooLong { scheme, length: text.len() });
    }
    if text.trim_ascii().is_empty() {
        return Err(VersionError::Empty { scheme });
    }
    Key::parse(scheme, text).map_err(|problem| VersionError::invalid(scheme, text, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_it_was_written() {
        let version = Version::parse(Scheme::Pep440, " V1.0.RC1 ").unwrap();
        assert_eq!(version.to_string(), " V1.0.RC1 ");
        assert_eq!(format!("{version:?}"), "pep440:\" V1.0.RC1 \"");
    }

    #[test]
    fn length_is_bounded_at_the_limit_exactly() {
        for scheme in Scheme::ALL {
            assert!(Version::parse(*scheme, &"1".repeat(MAX_VERSION_BYTES)).is_ok(), "{scheme}");
            assert_eq!(
                Version::parse(*scheme, &"1".repeat(MAX_VERSION_BYTES + 1)).unwrap_err(),
                VersionError::TooLong { scheme: *scheme, length: MAX_VERSION_BYTES + 1 },
            );
        }
    }

    #[test]
    fn nothing_and_white_space_are_empty_in_every_scheme() {
        for scheme in Scheme::ALL {
            for text in ["", " ", "\t\n"] {
                assert_eq!(
                    Version::parse(*scheme, text).unwrap_err(),
                    VersionError::Empty { scheme: *scheme }
                );
            }
        }
    }

    #[test]
    fn versions_of_two_schemes_are_never_equal() {
        let deb = Version::parse(Scheme::Deb, "1").unwrap();
        let rpm = Version::parse(Scheme::Rpm, "1").unwrap();
        assert_eq!(deb.compare(&rpm), Ordering::Less);
        assert_eq!(rpm.compare(&deb), Ordering::Greater);
    }
}
