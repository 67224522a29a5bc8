//! Matching an inventory against a snapshot: a pure function of both.

mod age;
mod coverage;
mod entry;
mod finding;
mod query;

use plimsoll_types::report::Vulnerability;
use plimsoll_types::{BlindSpot, Inventory};

use crate::Error;
use crate::snapshot::{Cursor, EcosystemInfo, Snapshot, Table};

pub use age::ages;

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
/// Only what the packages' names lead to is read from the snapshot. The answer depends on the inventory and
/// on the snapshot's digest, nothing else. An error means that the snapshot file is damaged or unreadable.
pub fn match_inventory(inventory: &Inventory, snapshot: &Snapshot) -> Result<Matches, Error> {
    let mut seen = coverage::Coverage::of(inventory, snapshot);
    let mut queries = query::queries(inventory, &seen);
    // In the order of the keys each block of the index is read once.
    queries.sort_by(|a, b| (&a.key, &a.package.id).cmp(&(&b.key, &b.package.id)));
    let mut packages = Cursor::new(snapshot, Table::Packages);
    let mut spoken = entry::Spoken::default();
    let mut hits = Vec::new();
    for query in &queries {
        if let Some(entries) = packages.get::<Vec<_>>(&query.key)? {
            spoken.note(query, &entries);
            hits.extend(entry::hits(query, entries, &mut seen.blind_spots));
        }
    }
    hits.retain(|hit| spoken.counts(hit));
    let vulnerabilities = finding::findings(hits, snapshot)?;
    let (mut blind_spots, sources) = (seen.blind_spots, seen.sources);
    blind_spots.sort();
    blind_spots.dedup();
    Ok(Matches { vulnerabilities, blind_spots, sources: sources.into_values().cloned().collect() })
}

#[cfg(test)]
mod tests;
