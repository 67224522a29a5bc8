//! Whether what a record says of a package applies to the version that is there.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::{BlindKind, BlindSpot, Package};
use plimsoll_version::{Range, Version};

use crate::advisory::{Event, Rating, Stream};
use crate::matching::query::{Query, Tier};
use crate::order;
use crate::snapshot::format::StoredEntry;

/// A record that applies.
#[derive(Debug)]
pub(super) struct Hit<'q> {
    /// What was asked.
    pub(super) query: &'q Query<'q>,
    /// Number of the record.
    pub(super) record: u32,
    /// Its rating for this package.
    pub(super) rating: Rating,
    /// No fix will come.
    pub(super) will_not_fix: bool,
    /// What matched, as text.
    pub(super) range: String,
    /// Versions that fix it, as far as this record knows.
    pub(super) fixed: Vec<String>,
    /// The versions this record calls affected.
    pub(super) affected: Vec<Range>,
}

/// Which records of base and overlay speak of a package at all, whether they apply or not.
#[derive(Debug, Default)]
pub(super) struct Spoken<'q> {
    base: BTreeMap<&'q str, BTreeSet<u32>>,
    overlay: BTreeMap<&'q str, BTreeSet<u32>>,
}

impl<'q> Spoken<'q> {
    /// Notes what a query found.
    pub(super) fn note(&mut self, query: &Query<'q>, entries: &[StoredEntry]) {
        let side = match query.tier {
            Tier::Only => return,
            Tier::Base => &mut self.base,
            Tier::Overlay => &mut self.overlay,
        };
        side.entry(&query.package.id).or_default().extend(entries.iter().map(|entry| entry.record));
    }

    /// Where a record speaks of a package in both, one of them counts: for a package that came from the
    /// overlay's archive (Ubuntu marks those `esm`) the overlay, for any other the base.
    pub(super) fn counts(&self, hit: &Hit<'_>) -> bool {
        let id = hit.query.package.id.as_str();
        let says = |side: &BTreeMap<&str, BTreeSet<u32>>| {
            side.get(id).is_some_and(|records| records.contains(&hit.record))
        };
        let from_overlay = is_overlays(hit.query.package);
        match hit.query.tier {
            Tier::Only => true,
            Tier::Base => !(from_overlay && says(&self.overlay)),
            Tier::Overlay => from_overlay || !says(&self.base),
        }
    }
}

/// True for a package that came from an overlay's archive.
pub(super) fn is_overlays(package: &Package) -> bool {
    package.version.contains("esm")
}

/// The entries that apply. What cannot be decided becomes a blind spot.
pub(super) fn hits<'q>(
    query: &'q Query<'q>,
    entries: Vec<StoredEntry>,
    blind: &mut Vec<BlindSpot>,
) -> Vec<Hit<'q>> {
    let version = order::installed(query.kind.scheme, &query.version);
    if version.is_none() {
        blind.push(BlindSpot {
            layer: query.package.layer,
            ..BlindSpot::new(
                BlindKind::VersionUnparsable,
                &query.package.id,
                format!(
                    "{} version {:?} of {} has no place in {} order, so {} advisories were compared with it by its text alone",
                    query.package.package_type,
                    query.version,
                    query.name,
                    query.kind.scheme,
                    entries.len()
                ),
            )
        });
    }
    entries.into_iter().filter_map(|entry| hit(query, version.as_ref(), entry, blind)).collect()
}

fn hit<'q>(
    query: &'q Query<'q>,
    version: Option<&Version>,
    entry: StoredEntry,
    blind: &mut Vec<BlindSpot>,
) -> Option<Hit<'q>> {
    if !is_same_stream(query, &entry) {
        return None;
    }
    let mut matched = Vec::new();
    let mut fixed = Vec::new();
    let mut affected = Vec::new();
    for events in &entry.ranges {
        match (order::range(query.kind.scheme, events), version) {
            (Ok(range), Some(version)) if range.contains(version) => {
                matched.push(range.to_string());
                fixed.extend(range.fixed_after(version).map(str::to_owned));
                affected.push(range);
            }
            (Ok(_), _) => {}
            (Err(error), _) => blind.push(BlindSpot::new(
                BlindKind::KnowledgeIncomplete,
                format!("{} {}", query.ecosystem, query.name),
                format!("a range of an advisory for {} is not understood: {error}", query.name),
            )),
        }
    }
    matched.extend(
        entry.versions.iter().find(|text| is_listed(query, version, text)).map(|text| format!("={text}")),
    );
    (!matched.is_empty()).then(|| Hit {
        query,
        record: entry.record,
        rating: entry.rating,
        will_not_fix: entry.will_not_fix,
        range: matched.join(" || "),
        fixed,
        affected,
    })
}

/// A listed version is the installed one by text or by order (`1.0` and `1.0.0` in PEP 440).
fn is_listed(query: &Query<'_>, version: Option<&Version>, text: &str) -> bool {
    text == query.version
        || version.is_some_and(|version| {
            order::version(query.kind.scheme, text).is_some_and(|listed| listed.compare(version).is_eq())
        })
}

/// rpm modularity: builds of a module stream carry `.module` in their release, and a fix in a module says
/// nothing of the package outside it, nor the other way round. The stream of an installed package is not in
/// its version, but where module and package have one name (nodejs, php, postgresql) the stream is the
/// beginning of the version.
fn is_same_stream(query: &Query<'_>, entry: &StoredEntry) -> bool {
    if query.kind.package_type != plimsoll_types::PackageType::Rpm {
        return true;
    }
    let fixes = entry.ranges.iter().flatten().filter_map(|event| match event {
        Event::Fixed(version) => Some(version),
        _ => None,
    });
    let modular = |version: &str| version.contains(".module");
    let mut fixes = fixes.peekable();
    if fixes.peek().is_some() && !fixes.any(|fix| modular(fix) == modular(&query.version)) {
        return false;
    }
    match &entry.stream {
        Some(Stream { module, stream })
            if *module == query.name && stream.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            let version =
                query.version.split_once(':').map_or(query.version.as_str(), |(_, version)| version);
            version
                .strip_prefix(stream.as_str())
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        }
        _ => true,
    }
}
