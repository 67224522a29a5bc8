//! Feeds: bytes in, advisories out. A file per wire format, and a line in [`ALL`].

mod osv;

use crate::advisory::Advisory;

/// Reads one wire format.
pub trait Feed: Sync {
    /// Stable id, for messages.
    fn id(&self) -> &'static str;

    /// Whether a file of this name may be one of this feed's. Decided by the name alone, so that an archive
    /// need not be unpacked to be passed over.
    fn wants(&self, name: &str) -> bool;

    /// The advisories of one file. Pure. An error means that the file as a whole cannot be used; it is
    /// counted and named in the report of the build, and never ends it.
    fn read(&self, name: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError>;
}

/// Why a file is not one of a feed's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FeedError(pub String);

/// Every feed, sorted by id. The first that wants a file reads it.
pub const ALL: &[&dyn Feed] = &[&osv::Osv];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_sorted() {
        assert!(ALL.windows(2).all(|pair| pair[0].id() < pair[1].id()));
    }
}
