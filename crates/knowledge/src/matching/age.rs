//! How old what spoke of an inventory is.

use jiff::Timestamp;
use plimsoll_types::KnowledgeAge;

use crate::snapshot::{Completeness, EcosystemInfo};

/// The ages of [`crate::Matches::sources`] at an instant. A demonstration has none: what it lacks is not a matter of age,
/// and a blind spot of its own says so.
pub fn ages(sources: &[EcosystemInfo], now: Timestamp) -> Vec<KnowledgeAge> {
    let real = sources.iter().filter(|info| info.completeness != Completeness::Demonstration);
    real.map(|info| KnowledgeAge {
        subject: info.key(),
        newest: info.newest_modified.clone(),
        days: newest(info).map(|newest| days(newest, now)),
    })
    .collect()
}

/// The newest change of an advisory, as an instant.
pub(super) fn newest(info: &EcosystemInfo) -> Option<Timestamp> {
    info.newest_modified.as_deref()?.parse().ok()
}

/// Whole days; none for a verdict given before the advisory was written.
fn days(from: Timestamp, to: Timestamp) -> u64 {
    const DAY: i64 = 24 * 60 * 60;
    u64::try_from((to.as_second() - from.as_second()) / DAY).unwrap_or_default()
}
