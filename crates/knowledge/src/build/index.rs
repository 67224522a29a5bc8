//! Records in the order in which matches read them, packages and ratings by key.

use std::collections::BTreeMap;

use plimsoll_types::Digest;

use crate::Error;
use crate::advisory::{Advisory, Affected, Rating};
use crate::build::findings;
use crate::ecosystem::NameRule;
use crate::rating;
use crate::snapshot::format::{Contents, StoredEntry, StoredRating, StoredRecord, package_key};
use crate::snapshot::{EcosystemInfo, Writer};

/// The three tables of a snapshot.
pub(super) struct Index {
    records: Vec<StoredRecord>,
    packages: BTreeMap<Vec<u8>, Vec<StoredEntry>>,
    ratings: BTreeMap<String, StoredRating>,
}

impl Index {
    /// Indexes records, which must be sorted by id.
    pub(super) fn new(records: Vec<Advisory>) -> Self {
        let ids = findings::ids(&records);
        let mut ordered: Vec<(Advisory, Vec<String>)> = records.into_iter().zip(ids).collect();
        // Records of one package stand together, so that a match reads few blocks.
        ordered.sort_by_cached_key(|(record, _)| {
            let first =
                record.affected.iter().map(|part| (part.ecosystem.to_string(), part.package.clone())).min();
            (first, record.id.clone())
        });
        let ratings = ratings(&ordered);
        let mut index =
            Self { records: Vec::with_capacity(ordered.len()), packages: BTreeMap::new(), ratings };
        for (number, (record, findings)) in (0_u32..).zip(ordered) {
            index.add(number, record, findings);
        }
        for entries in index.packages.values_mut() {
            entries
                .sort_by(|a, b| (a.record, &a.ranges, &a.versions).cmp(&(b.record, &b.ranges, &b.versions)));
            entries.dedup();
        }
        index
    }

    fn add(&mut self, number: u32, record: Advisory, findings: Vec<String>) {
        let mut aliases = record.aliases;
        aliases.extend(record.upstream);
        aliases.sort();
        aliases.dedup();
        for part in record.affected {
            let Affected { ecosystem, package, names, ranges, versions, rating, will_not_fix, stream } = part;
            let name = ecosystem.normalise(&package);
            let key = package_key(&ecosystem.to_string(), names == NameRule::Source, &name);
            self.packages.entry(key).or_default().push(StoredEntry {
                record: number,
                ranges,
                versions,
                rating,
                will_not_fix,
                stream,
            });
        }
        let (id, summary, rating) = (record.id, record.summary, record.rating);
        self.records.push(StoredRecord { id, findings, aliases, summary, rating });
    }

    /// Writes the snapshot.
    pub(super) fn write(
        self,
        mut writer: Writer,
        created: Option<i64>,
        ecosystems: &[EcosystemInfo],
    ) -> Result<Digest, Error> {
        let records_total = self.records.len() as u64;
        let numbered = (0_u32..).map(|number| number.to_be_bytes().to_vec()).zip(self.records);
        let records = writer.table(numbered)?;
        let packages = writer.table(self.packages.into_iter())?;
        let ratings = writer.table(self.ratings.into_iter().map(|(id, rating)| (id.into_bytes(), rating)))?;
        let ecosystems = ecosystems.to_vec();
        writer.finish(&Contents { created, records_total, ecosystems, records, packages, ratings })
    }
}

/// What all records of a vulnerability say. A record of several vulnerabilities rates the erratum and not
/// each of them, so it counts only where no other record does.
fn ratings(records: &[(Advisory, Vec<String>)]) -> BTreeMap<String, StoredRating> {
    let mut ratings: BTreeMap<String, StoredRating> = BTreeMap::new();
    for several in [false, true] {
        let mut round: BTreeMap<String, StoredRating> = BTreeMap::new();
        let of_round = records.iter().filter(|(_, findings)| (findings.len() > 1) == several);
        for (record, findings) in of_round {
            let stated: Vec<&Rating> = std::iter::once(&record.rating)
                .chain(record.affected.iter().map(|part| &part.rating))
                .collect();
            for finding in findings {
                let merged = round.entry(finding.clone()).or_default();
                for stated in &stated {
                    rating::merge(merged, stated, &record.id);
                }
            }
        }
        for (finding, found) in round {
            let rating = ratings.entry(finding).or_default();
            rating.severity = rating.severity.take().or(found.severity);
            if rating.cvss.is_empty() {
                rating.cvss = found.cvss;
            }
        }
    }
    ratings.retain(|_, rating| *rating != StoredRating::default());
    ratings
}
