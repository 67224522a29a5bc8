//! How old knowledge is.

use crate::{BlindKind, BlindSpot};

/// How old what a snapshot says of one distribution release or ecosystem is, at the instant of a verdict.
///
/// What counts is the newest advisory, not when somebody built the snapshot: a file of last year's records is last year's
/// knowledge, whenever it was put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnowledgeAge {
    /// The ecosystem as OSV writes it: `Debian:12`, `npm`.
    pub subject: String,
    /// RFC 3339 instant of the newest change of an advisory, if any states one.
    pub newest: Option<String>,
    /// Whole days from then to the verdict.
    pub days: Option<u64>,
}

impl KnowledgeAge {
    /// Knowledge whose newest advisory is more than so many days old is a blind spot `knowledge_stale`. Every feed in use
    /// changes within days; a month is a snapshot nobody renews, or a release its makers no longer look after.
    pub const STALE_AFTER_DAYS: u64 = 30;

    /// Whether it is older than `days`. So is what states no instant: nobody can tell.
    pub fn is_over(&self, days: u64) -> bool {
        self.days.is_none_or(|age| age > days)
    }

    /// The blind spot `knowledge_stale` it is, if it is one.
    pub fn blind_spot(&self) -> BlindSpot {
        let Self { subject, newest, days } = self;
        let day = |instant: &String| instant.get(..10).unwrap_or(instant).to_owned();
        let what = match (newest.as_ref().map(day), days) {
            (Some(day), Some(days)) => {
                format!("the newest of the {subject} advisories is of {day}, {days} days before this verdict")
            }
            _ => format!(
                "none of the {subject} advisories says when it was changed, so nobody can tell their age"
            ),
        };
        let message = format!("{what}; build the snapshot from today's feed");
        BlindSpot::new(BlindKind::KnowledgeStale, subject, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(days: Option<u64>) -> KnowledgeAge {
        KnowledgeAge { subject: "npm".into(), newest: days.map(|_| "2026-01-02T03:04:05Z".into()), days }
    }

    #[test]
    fn a_limit_is_the_last_good_day() {
        assert!(!age(Some(30)).is_over(30) && age(Some(31)).is_over(30));
        assert!(age(None).is_over(u64::MAX), "an age nobody knows is over every limit");
    }

    #[test]
    fn the_blind_spot_says_how_old_and_what_to_do() {
        let spot = age(Some(31)).blind_spot();
        assert_eq!((spot.kind, spot.subject.as_str()), (BlindKind::KnowledgeStale, "npm"));
        assert_eq!(
            spot.message,
            "the newest of the npm advisories is of 2026-01-02, 31 days before this verdict; build the snapshot from \
             today's feed"
        );
        assert!(age(None).blind_spot().message.contains("nobody can tell their age"));
    }
}
