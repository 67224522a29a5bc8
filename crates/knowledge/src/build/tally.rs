//! Counting what the sources say of each ecosystem, and judging whether that is all there is to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisory::Advisory;
use crate::ecosystem::Ecosystem;
use crate::snapshot::{Completeness, EcosystemInfo};
use crate::source::Unit;

/// Per unit, the (sorted) sets of ecosystems that records speak of together, and how many records do.
#[derive(Debug, Default)]
pub(super) struct Tally {
    units: BTreeMap<usize, BTreeMap<Vec<String>, u64>>,
}

#[derive(Default)]
struct Count {
    records: u64,
    packages: BTreeSet<String>,
    newest: Option<jiff::Timestamp>,
    oldest: Option<jiff::Timestamp>,
}

impl Tally {
    /// Notes a record of a unit.
    pub(super) fn met(&mut self, advisory: &Advisory, unit: usize) {
        let keys = keys(advisory);
        *self.units.entry(unit).or_default().entry(keys.into_iter().collect()).or_default() += 1;
    }

    /// What the snapshot will say of itself, sorted by key.
    pub(super) fn ecosystems(&self, records: &[Advisory], units: &[Unit]) -> Vec<EcosystemInfo> {
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        for record in records {
            for key in keys(record) {
                let count = counts.entry(key).or_default();
                count.records += 1;
                count.newest = count.newest.max(record.modified);
                count.oldest = match (count.oldest, record.modified) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            for part in &record.affected {
                let name = part.ecosystem.normalise(&part.package);
                if let Some(count) = counts.get_mut(&part.ecosystem.to_string()) {
                    count.packages.insert(name.into_owned());
                }
            }
        }
        let info = |(key, count): (String, Count)| {
            let ecosystem = Ecosystem::parse(&key)?;
            Some(EcosystemInfo {
                ecosystem: ecosystem.kind.name.to_owned(),
                release: ecosystem.release,
                records: count.records,
                packages: count.packages.len() as u64,
                newest_modified: count.newest.map(|instant| instant.to_string()),
                oldest_modified: count.oldest.map(|instant| instant.to_string()),
                completeness: self.completeness(&key, units),
            })
        };
        counts.into_iter().filter_map(info).collect()
    }

    /// The best any unit makes of it.
    fn completeness(&self, key: &str, units: &[Unit]) -> Completeness {
        let of_unit = |(unit, sets): (&usize, &BTreeMap<Vec<String>, u64>)| {
            sets.keys().any(|set| set.iter().any(|member| member == key)).then(|| {
                let unit = units.get(*unit).copied().unwrap_or_default();
                let found =
                    if is_by_catch(key, sets) { Completeness::Incomplete } else { Completeness::Complete };
                let stated = unit.marked.unwrap_or(found);
                // What could not be read may have been about any ecosystem of its source.
                if unit.has_gaps { stated.min(Completeness::Incomplete) } else { stated }
            })
        };
        self.units.iter().filter_map(of_unit).max().unwrap_or(Completeness::Incomplete)
    }
}

/// The feed of one release of a distribution also holds what its records say of other releases: a tenth of
/// AlmaLinux 8's errata name AlmaLinux 9 too. That is no feed of AlmaLinux 9. It shows in that the other
/// release never comes alone, and is named by less than half as many records as the one it comes with.
fn is_by_catch(key: &str, sets: &BTreeMap<Vec<String>, u64>) -> bool {
    let has = |set: &[String], key: &str| set.binary_search_by(|member| member.as_str().cmp(key)).is_ok();
    let with =
        |key: &str| -> u64 { sets.iter().filter(|(set, _)| has(set, key)).map(|(_, count)| count).sum() };
    let family = key.split(':').next();
    let mut own = sets.keys().filter(|set| has(set, key));
    let mut companions: Vec<&String> = own.next().into_iter().flatten().collect();
    companions.retain(|other| *other != key && other.split(':').next() == family);
    for set in own {
        companions.retain(|other| has(set, other));
    }
    let total = with(key);
    companions.into_iter().any(|other| total * 2 < with(other))
}

fn keys(advisory: &Advisory) -> BTreeSet<String> {
    advisory.affected.iter().map(|part| part.ecosystem.to_string()).collect()
}
