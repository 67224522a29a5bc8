//! Findings: what all records of one vulnerability say of one package, as one.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::report::{Cvss, FindingStatus, MatchReason, Severity, Vulnerability};
use plimsoll_version::Range;

use crate::advisory::Score;
use crate::ecosystem::NameRule;
use crate::matching::entry::Hit;
use crate::matching::query::Query;
use crate::snapshot::format::{StoredRating, StoredRecord};
use crate::snapshot::{Cursor, Snapshot, Table};
use crate::{Error, order, rating};

/// What is known of one vulnerability of one package so far.
struct Merged<'q> {
    query: &'q Query<'q>,
    reason: MatchReason,
    summary: Option<String>,
    advisories: BTreeSet<String>,
    aliases: BTreeSet<String>,
    severity: Option<(Severity, String)>,
    cvss: Vec<(Score, String)>,
    fixed: Vec<String>,
    affected: Vec<Range>,
    will_not_fix: bool,
}

/// Merges hits into findings, sorted by id and package.
pub(super) fn findings(hits: Vec<Hit<'_>>, snapshot: &Snapshot) -> Result<Vec<Vulnerability>, Error> {
    let mut by_record: BTreeMap<u32, Vec<Hit<'_>>> = BTreeMap::new();
    for hit in hits {
        by_record.entry(hit.record).or_default().push(hit);
    }
    let mut records = Cursor::new(snapshot, Table::Records);
    let mut findings: BTreeMap<(String, &str), Merged<'_>> = BTreeMap::new();
    for (number, hits) in by_record {
        let Some(record) = records.get::<StoredRecord>(&number.to_be_bytes())? else {
            return Err(snapshot.damaged(format!("record {number} is missing")));
        };
        for hit in &hits {
            for id in &record.findings {
                let reason = || reason(&record, hit);
                findings
                    .entry((id.clone(), &hit.query.package.id))
                    .and_modify(|merged| {
                        if record.id < merged.reason.record {
                            merged.reason = reason();
                            merged.summary = record.summary.clone().or(merged.summary.take());
                        } else if merged.summary.is_none() {
                            merged.summary.clone_from(&record.summary);
                        }
                    })
                    .or_insert_with(|| Merged::new(hit.query, reason(), record.summary.clone()))
                    .add(id, &record, hit);
            }
        }
    }
    let mut ratings = Cursor::new(snapshot, Table::Ratings);
    findings
        .into_iter()
        .map(|((id, _), mut merged)| {
            if merged.severity.is_none() || merged.cvss.is_empty() {
                merged.borrow_rating(ratings.get::<StoredRating>(id.as_bytes())?.unwrap_or_default());
            }
            Ok(merged.into_vulnerability(id))
        })
        .collect()
}

impl<'q> Merged<'q> {
    fn new(query: &'q Query<'q>, reason: MatchReason, summary: Option<String>) -> Self {
        Self {
            query,
            reason,
            summary,
            advisories: BTreeSet::new(),
            aliases: BTreeSet::new(),
            severity: None,
            cvss: Vec::new(),
            fixed: Vec::new(),
            affected: Vec::new(),
            will_not_fix: false,
        }
    }

    fn add(&mut self, id: &str, record: &StoredRecord, hit: &Hit<'_>) {
        self.advisories.insert(record.id.clone());
        // The aliases of a record of several vulnerabilities are the names of the others as well.
        if record.findings.len() == 1 {
            self.aliases.extend(record.aliases.iter().filter(|alias| *alias != id).cloned());
            if record.id != id && !hit.query.kind.is_distro {
                self.aliases.insert(record.id.clone());
            }
        }
        if let Some((severity, field)) = record.rating.severity.as_ref().or(hit.rating.severity.as_ref()) {
            rating::worse(&mut self.severity, *severity, format!("{} {field}", record.id));
        }
        for score in record.rating.cvss.iter().chain(&hit.rating.cvss) {
            rating::add_score(&mut self.cvss, score, &record.id);
        }
        self.fixed.extend(hit.fixed.iter().cloned());
        self.affected.extend(hit.affected.iter().cloned());
        self.will_not_fix |= hit.will_not_fix;
    }

    /// Takes from the other records of the vulnerability what its own do not say.
    fn borrow_rating(&mut self, others: StoredRating) {
        self.severity = self.severity.take().or(others.severity);
        if self.cvss.is_empty() {
            self.cvss = others.cvss;
        }
    }

    /// Leaves out what one record calls a fix and another still calls affected, as long as all agree on some version.
    fn settle_fixes(&mut self) {
        let scheme = self.query.kind.scheme;
        let is_affected = |fix: &String| {
            order::version(scheme, fix)
                .is_some_and(|fix| self.affected.iter().any(|range| range.contains(&fix)))
        };
        let agreed: Vec<String> = self.fixed.iter().filter(|fix| !is_affected(fix)).cloned().collect();
        if !agreed.is_empty() {
            self.fixed = agreed;
        }
        order::sort(scheme, &mut self.fixed);
    }

    fn into_vulnerability(mut self, id: String) -> Vulnerability {
        self.settle_fixes();
        let status = match (self.fixed.is_empty(), self.will_not_fix) {
            (false, _) => FindingStatus::Fixed,
            (true, true) => FindingStatus::WillNotFix,
            (true, false) => FindingStatus::Affected,
        };
        let (severity, severity_source) = match self.severity {
            Some((severity, source)) => (severity, Some(source)),
            None => (Severity::Unknown, None),
        };
        let package = self.query.package;
        Vulnerability {
            id,
            aliases: self.aliases.into_iter().collect(),
            advisories: self.advisories.into_iter().collect(),
            severity,
            severity_source,
            cvss: self.cvss.into_iter().map(cvss).collect(),
            package_id: package.id.clone(),
            purl: package.purl.clone(),
            fixed_versions: self.fixed,
            status,
            matched: self.reason,
            layer: package.layer,
            summary: self.summary,
        }
    }
}

fn cvss((score, source): (Score, String)) -> Cvss {
    Cvss { version: score.version, vector: score.vector, score: score.score, source }
}

fn reason(record: &StoredRecord, hit: &Hit<'_>) -> MatchReason {
    let Query { kind, ecosystem, name, names, version, foreign, .. } = hit.query;
    let what = match names {
        NameRule::Source => "source package",
        NameRule::Binary => "package",
    };
    let doubt = if *foreign { "; the package was built by a third party" } else { "" };
    MatchReason {
        record: record.id.clone(),
        range: hit.range.clone(),
        rule: format!("{ecosystem} {what} {name}, version {version}, {} order{doubt}", kind.scheme),
    }
}
