//! Building a snapshot: read every source, settle which record makes which finding, write it sorted.
//!
//! The result depends on the set of records alone: not on the order or names of the sources, not on the
//! clock.

mod findings;
mod index;
mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_types::Digest;

use crate::advisory::{Advisory, Affected};
use crate::snapshot::{Completeness, EcosystemInfo, Writer};
use crate::source::{Found, Limits, Skipped, Walker};
use crate::{Error, feeds, order};

/// How to build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// What to read at most.
    pub limits: Limits,
}

/// What a build did. Whatever was left out is in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildReport {
    /// Digest of the snapshot.
    pub digest: Digest,
    /// Records in it.
    pub records: u64,
    /// Records that came more than once; the last changed was taken.
    pub duplicates: u64,
    /// Records left out because they were withdrawn.
    pub withdrawn: u64,
    /// Errata left out because they fix no vulnerability.
    pub not_security: u64,
    /// What the snapshot knows now.
    pub ecosystems: Vec<EcosystemInfo>,
    /// Ecosystems Plimsoll does not know, with the number of records that speak of them.
    pub unsupported: Vec<(String, u64)>,
    /// Files and parts of records that could not be used, sorted.
    pub skipped: Vec<Skipped>,
}

/// Builds a snapshot of all advisories of all sources and puts it at `out`, whole or not at all.
///
/// A source is a directory (walked, with the zips in it), a zip, or a single JSON or YAML file. A file that
/// is no record is skipped and named in the report; a source that cannot be read at all is an error.
pub fn build(sources: &[PathBuf], out: &Path, options: &BuildOptions) -> Result<BuildReport, Error> {
    if let Ok(target) = out.canonicalize()
        && sources.iter().any(|source| source.canonicalize().is_ok_and(|source| source == target))
    {
        return Err(Error::OverSource { path: out.to_owned() });
    }
    let mut collected = Collected::default();
    let mut skipped = Vec::new();
    let mut visit = |found: Found<'_>| collected.read(&found, &mut skipped);
    let mut walker = Walker::new(options.limits, &mut visit);
    for source in sources {
        walker.source(source)?;
    }
    let (units, unreadable) = (std::mem::take(&mut walker.units), std::mem::take(&mut walker.skipped));
    skipped.extend(unreadable);
    skipped.sort();
    skipped.dedup();
    let Collected { records, duplicates, unsupported, tally } = collected;
    let records = records.into_values().map(|(_, advisory)| advisory);
    let (withdrawn, records): (Vec<_>, Vec<_>) = records.partition(|advisory| advisory.withdrawn);
    let (maintenance, records): (Vec<_>, Vec<_>) = records.into_iter().partition(findings::is_maintenance);
    if records.is_empty() {
        return Err(Error::NoAdvisories { skipped });
    }
    let ecosystems = tally.ecosystems(&records, &units);
    let total = records.len() as u64;
    let created = records.iter().filter_map(|record| record.modified).max().map(jiff::Timestamp::as_second);
    let digest = index::Index::new(records).write(Writer::create(out)?, created, &ecosystems)?;
    Ok(BuildReport {
        digest,
        records: total,
        duplicates,
        withdrawn: withdrawn.len() as u64,
        not_security: maintenance.len() as u64,
        ecosystems,
        unsupported: unsupported.into_iter().collect(),
        skipped,
    })
}

/// What the sources gave so far.
#[derive(Default)]
struct Collected {
    /// By id; with each whether it is from a real feed.
    records: BTreeMap<String, (bool, Advisory)>,
    duplicates: u64,
    unsupported: BTreeMap<String, u64>,
    tally: tally::Tally,
}

impl Collected {
    /// True if the file could be read; what it says may still be of no use.
    fn read(&mut self, found: &Found<'_>, skipped: &mut Vec<Skipped>) -> bool {
        let skip = |why: String| Skipped { file: found.label.to_owned(), why };
        let Some(feed) = feeds::ALL.iter().find(|feed| feed.wants(found.label)) else { return true };
        match feed.read(found.label, found.bytes) {
            Err(error) => {
                skipped.push(skip(format!("not a record of feed {}: {error}", feed.id())));
                false
            }
            Ok(advisories) => {
                for mut advisory in advisories {
                    let problems = std::mem::take(&mut advisory.problems);
                    skipped.extend(problems.into_iter().chain(settle(&mut advisory)).map(skip));
                    self.add(advisory, found);
                }
                true
            }
        }
    }

    fn add(&mut self, advisory: Advisory, found: &Found<'_>) {
        self.tally.met(&advisory, found.unit);
        let advisory = (found.marked != Some(Completeness::Demonstration), advisory);
        for ecosystem in &advisory.1.unsupported {
            *self.unsupported.entry(ecosystem.clone()).or_default() += 1;
        }
        if let Some(known) = self.records.get_mut(&advisory.1.id) {
            self.duplicates += 1;
            if counts_more(&advisory, known) {
                *known = advisory;
            }
        } else {
            self.records.insert(advisory.1.id.clone(), advisory);
        }
    }
}

/// Which of two records of one id counts: a feed's before a demonstration's, then the last changed. Of
/// equally old ones the order of the sources must not decide, so the text does.
fn counts_more(a: &(bool, Advisory), b: &(bool, Advisory)) -> bool {
    let (age_a, age_b) = ((a.0, a.1.modified), (b.0, b.1.modified));
    age_a > age_b || (age_a == age_b && format!("{:?}", a.1) > format!("{:?}", b.1))
}

/// Drops listed versions that the ranges say already (some feeds list every version of a range), and
/// names ranges that do not parse. Those stay: a match against them becomes a blind spot.
fn settle(advisory: &mut Advisory) -> Vec<String> {
    let mut problems = Vec::new();
    for part in &mut advisory.affected {
        let Affected { ecosystem, package, ranges, versions, .. } = part;
        let scheme = ecosystem.kind.scheme;
        let parsed: Vec<_> = ranges.iter().map(|events| order::range(scheme, events)).collect();
        problems.extend(
            parsed
                .iter()
                .filter_map(|range| range.as_ref().err())
                .map(|error| format!("{ecosystem} {package}: range not understood: {error}")),
        );
        versions.sort();
        versions.dedup();
        versions.retain(|text| {
            let version = order::version(scheme, text);
            version.is_none_or(|version| !parsed.iter().flatten().any(|range| range.contains(&version)))
        });
    }
    problems
}

#[cfg(test)]
mod tests;
