//! Matching an inventory against a snapshot: a pure function of both.

mod age;
mod answer;
mod asked;
mod coverage;
mod entry;
mod finding;
mod memo;
mod query;

use plimsoll_types::report::Vulnerability;
use plimsoll_types::{BlindSpot, Inventory};

use crate::Error;
use crate::snapshot::{Cursor, EcosystemInfo, Snapshot, Table};

pub use age::ages;
pub(crate) use memo::Memo;

/// What a snapshot says about an inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// Findings, sorted by id and package.
    pub vulnerabilities: Vec<Vulnerability>,
    /// What could not be matched, and why; sorted.
    pub blind_spots: Vec<BlindSpot>,
    /// What spoke of the packages found: for a distribution the newest of what speaks of its release.
    pub sources: Vec<EcosystemInfo>,
}

/// Matches every package of an inventory against a snapshot.
///
/// Only what the packages' names lead to is read from the snapshot, and what a snapshot was asked before it need not
/// read at all. The answer depends on the inventory and on the snapshot's digest, nothing else. An error means that the
/// snapshot file is damaged or unreadable.
pub fn match_inventory(inventory: &Inventory, snapshot: &Snapshot) -> Result<Matches, Error> {
    let mut seen = coverage::Coverage::of(inventory, snapshot);
    let queries = query::queries(inventory, &seen);
    let mut asked = asked::Asked::of(&queries, snapshot.memo());
    // In the order of the keys each block of the index is read once.
    asked.unanswered.sort_by(|a, b| (&a.key, &a.package.id).cmp(&(&b.key, &b.package.id)));
    let mut packages = Cursor::new(snapshot, Table::Packages);
    let mut spoken = entry::Spoken::default();
    let mut hits = Vec::new();
    for query in &asked.unanswered {
        if let Some(entries) = packages.get::<Vec<_>>(&query.key)? {
            spoken.note(query, &entries);
            let mut spots = Vec::new();
            hits.extend(entry::hits(query, entries, &mut spots));
            asked.answers.note_spots(query, &spots);
            seen.blind_spots.append(&mut spots);
        }
    }
    hits.retain(|hit| spoken.counts(hit));
    let mut vulnerabilities = finding::findings(hits, snapshot)?;
    asked.answers.note_findings(&vulnerabilities);
    snapshot.memo().keep(asked.answers.into_iter());
    for (package, answer) in &asked.answered {
        vulnerabilities.extend(answer.findings(package));
        seen.blind_spots.extend(answer.spots(package));
    }
    if !asked.answered.is_empty() {
        vulnerabilities.sort_unstable_by(|a, b| (&a.id, &a.package_id).cmp(&(&b.id, &b.package_id)));
    }
    let (mut blind_spots, sources) = (seen.blind_spots, seen.sources);
    blind_spots.sort();
    blind_spots.dedup();
    Ok(Matches { vulnerabilities, blind_spots, sources: sources.into_values().cloned().collect() })
}

#[cfg(test)]
mod tests;
