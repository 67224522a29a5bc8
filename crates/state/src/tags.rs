//! Tags: what they named, and when.

use std::collections::BTreeMap;

use async_trait::async_trait;
use plimsoll_types::{Digest, Tenant};

use crate::Error;
use crate::rows::{Columns, name};

/// The history of tags: a row for each stretch of time in which a tag was seen to name one digest.
#[async_trait]
pub trait Tags: Send + Sync {
    /// Records that tags were seen to name digests at `now`, and says of each, in the same order, whether that is new: the
    /// tag was not known, was gone, or named another digest before. A move closes one row and opens another.
    ///
    /// `now` is when it was true, for an event the time the event tells. What comes late changes nothing that was seen
    /// after it: it is noted as a stretch that is over, and is new if the tag was never seen to name that digest. So
    /// this may be repeated, and a repeated sighting is not new; whoever acts on what is new acts before it is recorded.
    async fn seen(&self, sightings: &[Sighting], now: i64) -> Result<Vec<bool>, Error>;

    /// Records that tags of a repository ended at `now`: the one that is named, those that name `digest`, both together (the
    /// tag, if it names that digest), or with neither all of them. Tags that were seen later stay. Gives how many ended; may
    /// be repeated.
    async fn tag_gone(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        digest: Option<Digest>,
        now: i64,
    ) -> Result<u64, Error>;

    /// Records that those tags of a repository ended at `now` that were not seen since `since`: for whoever has looked at all of
    /// them since then. Gives how many.
    async fn not_seen(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        since: i64,
        now: i64,
    ) -> Result<u64, Error>;

    /// The history of one tag or of all tags of a repository, what was first seen last coming first.
    async fn history(
        &self,
        tenant: &Tenant,
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        page: &HistoryPage,
    ) -> Result<Vec<TagSpan>, Error>;
}

/// A tag that was seen to name a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Whose registry it is.
    pub tenant: Tenant,
    /// The registry, as references have it.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// What it names: a manifest or an index.
    pub digest: Digest,
}

/// A stretch of time in which a tag named one digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSpan {
    /// The tag.
    pub tag: String,
    /// What it named.
    pub digest: Digest,
    /// When it was first seen to.
    pub first_seen: i64,
    /// When it was last seen to.
    pub last_seen: i64,
    /// When it was found to name another digest, or nothing any more. None: it still does, as far as anybody knows.
    pub gone_at: Option<i64>,
}

/// Which part of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// What comes after this one only.
    pub after: Option<HistoryCursor>,
    /// So many at most.
    pub limit: u32,
}

/// A place in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryCursor {
    /// [`TagSpan::first_seen`] of the last one before it.
    pub first_seen: i64,
    /// Its tag.
    pub tag: String,
    /// Its digest.
    pub digest: Digest,
}

impl TagSpan {
    /// The place after this one.
    pub fn cursor(&self) -> HistoryCursor {
        HistoryCursor { first_seen: self.first_seen, tag: self.tag.clone(), digest: self.digest }
    }
}

/// A repository as rows name it, and the sightings in it, by their places.
pub(crate) struct Seen<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) tags: Vec<(usize, String, Digest)>,
}

/// Sightings by repository, in an order that is the same for everybody.
pub(crate) fn by_repository(sightings: &[Sighting]) -> Vec<Seen<'_>> {
    let mut grouped: BTreeMap<(&str, &str, &str), Vec<_>> = BTreeMap::new();
    for (place, one) in sightings.iter().enumerate() {
        let key = (one.tenant.as_str(), one.registry.as_str(), one.repository.as_str());
        grouped.entry(key).or_default().push((place, name(&one.tag), one.digest));
    }
    let seen = grouped.into_iter().map(|((tenant, registry, repository), tags)| Seen {
        tenant,
        registry: name(registry),
        repository: name(repository),
        tags,
    });
    seen.collect()
}

/// What a sighting does to its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// The open row was seen once more.
    Same,
    /// A row is opened, and the open one, if there is one, closed.
    Opens,
    /// It comes too late to move anything.
    Late,
}

/// Decides about one sighting. `open` is the digest and `last_seen` of the open row; `gone_at` is when the last one that is not
/// open any more ended.
pub(crate) fn decide(open: Option<(Digest, i64)>, gone_at: Option<i64>, digest: Digest, now: i64) -> Move {
    match open {
        Some((known, _)) if known == digest => Move::Same,
        Some((_, last_seen)) if now < last_seen => Move::Late,
        None if gone_at.is_some_and(|gone_at| now < gone_at) => Move::Late,
        _ => Move::Opens,
    }
}

/// The four things a sighting can do, in either dialect: `$1` to `$4` are the tag, `$5` is now, `$6` the digest.
pub(crate) const SEEN_AGAIN: &str = "UPDATE tags SET last_seen = CASE WHEN last_seen < $5 THEN $5 ELSE last_seen END
     WHERE tenant = $1 AND registry = $2 AND repository = $3 AND tag = $4 AND gone_at IS NULL AND digest = $6";

/// See [`SEEN_AGAIN`]; without the digest.
pub(crate) const CLOSE: &str = "UPDATE tags SET gone_at = $5
     WHERE tenant = $1 AND registry = $2 AND repository = $3 AND tag = $4 AND gone_at IS NULL";

/// See [`SEEN_AGAIN`]. A stretch that began at this very instant goes on.
pub(crate) const OPEN: &str =
    "INSERT INTO tags (tenant, registry, repository, tag, first_seen, last_seen, digest)
     VALUES ($1, $2, $3, $4, $5, $5, $6)
     ON CONFLICT (tenant, registry, repository, tag, first_seen, digest) DO UPDATE SET gone_at = NULL";

/// See [`SEEN_AGAIN`].
pub(crate) const OVER: &str =
    "INSERT INTO tags (tenant, registry, repository, tag, first_seen, last_seen, digest, gone_at)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $5)
     ON CONFLICT (tenant, registry, repository, tag, first_seen, digest) DO NOTHING";

pub(crate) fn read_span(row: &impl Columns) -> Result<TagSpan, Error> {
    Ok(TagSpan {
        tag: row.text("tag")?,
        digest: row.digest("digest")?,
        first_seen: row.int("first_seen")?,
        last_seen: row.int("last_seen")?,
        gone_at: row.opt_int("gone_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    #[test]
    fn what_comes_late_moves_nothing() {
        let open = Some((digest(1), 50));
        assert_eq!(decide(None, None, digest(1), 10), Move::Opens);
        assert_eq!(decide(open, None, digest(1), 10), Move::Same);
        assert_eq!(decide(open, Some(20), digest(2), 49), Move::Late);
        assert_eq!(decide(open, Some(20), digest(2), 50), Move::Opens);
        assert_eq!(decide(None, Some(50), digest(1), 49), Move::Late);
        assert_eq!(decide(None, Some(50), digest(1), 50), Move::Opens);
    }
}
