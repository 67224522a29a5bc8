//! The OSV schema (<https://ossf.github.io/osv-schema/>), as JSON or as YAML.

mod rating;
mod wire;

use crate::advisory::{Advisory, Affected, Event, Rating, Stream};
use crate::ecosystem::{Ecosystem, NameRule};
use crate::feeds::{Feed, FeedError};

/// Longest summary kept, in characters. It is one line in a table; the record has the rest.
const SUMMARY: usize = 200;

/// One OSV record per file.
#[derive(Debug)]
pub(super) struct Osv;

impl Feed for Osv {
    fn id(&self) -> &'static str {
        "osv"
    }

    fn wants(&self, name: &str) -> bool {
        is_yaml(name) || has_extension(name, "json")
    }

    fn read(&self, name: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError> {
        let record: wire::Record = if is_yaml(name) {
            // The library's default budget bounds nesting, events and alias expansion.
            serde_saphyr::from_slice(bytes).map_err(|error| FeedError(first_line(&error.to_string())))?
        } else {
            serde_json::from_slice(bytes).map_err(|error| FeedError(error.to_string()))?
        };
        Ok(vec![advisory(record)?])
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(extension))
}

fn is_yaml(name: &str) -> bool {
    has_extension(name, "yaml") || has_extension(name, "yml")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn advisory(record: wire::Record) -> Result<Advisory, FeedError> {
    if record.id.trim().is_empty() {
        return Err(FeedError("the record has no id".to_owned()));
    }
    let mut problems = Vec::new();
    let mut unsupported = Vec::new();
    let mut affected = Vec::new();
    let stream = stream(record.summary.as_deref().unwrap_or_default());
    for part in &record.affected {
        // Without a package there are only commits, which no installed package states.
        let Some(package) = part.package.as_ref().filter(|package| !is_rebuild(package)) else { continue };
        match Ecosystem::parse(&package.ecosystem) {
            None => unsupported.push(package.ecosystem.clone()),
            Some(ecosystem) => {
                let parts = affected_of(part, package, &ecosystem, stream.as_ref());
                if parts.is_empty() && !only_commits(part) {
                    problems.push(format!("{ecosystem} {} has neither ranges nor versions", package.name));
                }
                affected.extend(parts);
            }
        }
    }
    unsupported.sort();
    unsupported.dedup();
    let mut rating = rating::of_record(&record);
    add_database_rating(&rating::of_database(&record), &mut rating, &mut affected);
    Ok(Advisory {
        rating,
        modified: record.modified.as_deref().and_then(instant),
        withdrawn: record.withdrawn.is_some(),
        summary: summary(&record),
        id: record.id,
        aliases: record.aliases.unwrap_or_default(),
        upstream: record.upstream.unwrap_or_default(),
        related: record.related.unwrap_or_default(),
        affected,
        problems,
        unsupported,
    })
}

/// Rocky Linux files what its special interest groups rebuild (`?distro=rocky-linux-8-sig-cloud`) under the
/// release itself. Those are other builds, with versions that sort above the release's own.
fn is_rebuild(package: &wire::Package) -> bool {
    package
        .purl
        .as_deref()
        .is_some_and(|purl| purl.starts_with("pkg:rpm/rocky-linux/") && purl.contains("-sig-"))
}

/// The database's rating of the whole record counts where neither the record nor the entry has one.
fn add_database_rating(database: &Rating, record: &mut Rating, affected: &mut [Affected]) {
    if record.severity.is_some() || *database == Rating::default() {
        return;
    }
    if affected.iter().all(|part| part.rating.severity.is_none()) {
        record.severity.clone_from(&database.severity);
        record.cvss.extend(database.cvss.iter().cloned());
        return;
    }
    for part in affected.iter_mut().filter(|part| part.rating.severity.is_none()) {
        part.rating.severity.clone_from(&database.severity);
    }
}

/// An RFC 3339 instant. Go's database states year 1 for "unknown".
fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse::<jiff::Timestamp>().ok().filter(|instant| instant.as_second() > 0)
}

fn only_commits(part: &wire::Affected) -> bool {
    let ranges = part.ranges.as_deref().unwrap_or_default();
    !ranges.is_empty() && ranges.iter().all(|range| range.range_type == wire::RangeType::Git)
}

/// What one entry says, in terms of the names its ecosystem matches by.
fn affected_of(
    part: &wire::Affected,
    package: &wire::Package,
    ecosystem: &Ecosystem,
    stream: Option<&Stream>,
) -> Vec<Affected> {
    let ranges: Vec<Vec<Event>> = part
        .ranges
        .iter()
        .flatten()
        .filter(|range| range.range_type != wire::RangeType::Git)
        .map(|range| range.events.iter().flat_map(wire::Event::events).collect::<Vec<_>>())
        .filter(|events| !events.is_empty())
        .collect();
    let versions = part.versions.clone().unwrap_or_default();
    if ranges.is_empty() && versions.is_empty() {
        return Vec::new();
    }
    let base = Affected {
        ecosystem: ecosystem.clone(),
        package: package.name.clone(),
        names: ecosystem.kind.names,
        ranges,
        versions,
        rating: rating::of_affected(part),
        will_not_fix: rating::will_not_fix(part),
        stream: stream.filter(|_| is_modular(part)).cloned(),
    };
    match suse_binaries(part, ecosystem) {
        Some(binaries) => binaries.into_iter().map(|binary| for_binary(&base, binary)).collect(),
        None => vec![base],
    }
}

/// SUSE lists under each source the binaries that were published, with their own versions. Those are exact;
/// the source's version need not be the binary's.
fn suse_binaries(part: &wire::Affected, ecosystem: &Ecosystem) -> Option<Vec<(String, String)>> {
    if !matches!(ecosystem.kind.name, "SUSE" | "openSUSE") {
        return None;
    }
    let lists = part.ecosystem_specific.as_ref()?.get("binaries")?.as_array()?;
    let binaries: Vec<_> = lists
        .iter()
        .filter_map(|list| list.as_object())
        .flatten()
        .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
        .collect();
    (!binaries.is_empty()).then_some(binaries)
}

fn for_binary(source: &Affected, (package, version): (String, String)) -> Affected {
    Affected {
        package,
        names: NameRule::Binary,
        ranges: vec![vec![Event::Introduced("0".to_owned()), Event::Fixed(version)]],
        versions: Vec::new(),
        ..source.clone()
    }
}

/// `nodejs:18` in a title like `Important: nodejs:18 security update`.
fn stream(title: &str) -> Option<Stream> {
    let (_, rest) = title.split_once(": ")?;
    let (module, stream) = rest.split_whitespace().next()?.split_once(':')?;
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    (plain(module) && plain(stream)).then(|| Stream { module: module.to_owned(), stream: stream.to_owned() })
}

/// Fixed versions of module builds carry `.module_el8` or `.module+el8` in their release.
fn is_modular(part: &wire::Affected) -> bool {
    part.ranges
        .iter()
        .flatten()
        .flat_map(|range| &range.events)
        .any(|event| event.fixed.as_deref().is_some_and(|version| version.contains(".module")))
}

/// The summary, or the first sentence of the details, on one line.
fn summary(record: &wire::Record) -> Option<String> {
    let text = match record.summary.as_deref().map(str::trim) {
        Some(summary) if !summary.is_empty() => summary,
        _ => {
            let details = record.details.as_deref()?.trim();
            let line = details.split("\n\n").next().unwrap_or_default();
            line.find(". ").map_or(line, |end| &line[..=end])
        }
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = text.chars().take(SUMMARY).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

#[cfg(test)]
mod tests;
