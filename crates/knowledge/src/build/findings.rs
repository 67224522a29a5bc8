//! Which findings a record makes: one per vulnerability it is about, named by CVE where there is one.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisory::Advisory;

/// Errata of the Red Hat family come in three kinds; only the security ones (`ALSA`, `RLSA`, `RHSA`) need
/// not name a CVE to be about a vulnerability.
const MAINTENANCE: &[&str] = &["ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-"];

/// True for a bug fix or enhancement that fixes no vulnerability.
pub(super) fn is_maintenance(advisory: &Advisory) -> bool {
    MAINTENANCE.iter().any(|prefix| advisory.id.starts_with(prefix)) && cves(advisory).is_empty()
}

/// For every record, in order, the ids of the findings it makes. Never empty.
pub(super) fn ids(records: &[Advisory]) -> Vec<Vec<String>> {
    let own: Vec<_> = records.iter().map(cves).collect();
    let by_id: BTreeMap<&str, usize> =
        records.iter().enumerate().map(|(index, record)| (record.id.as_str(), index)).collect();
    let mut named_by: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        for name in record.aliases.iter().chain(&record.upstream) {
            named_by.entry(name).or_default().push(index);
        }
    }
    let settle = |(index, record): (usize, &Advisory)| {
        if !own[index].is_empty() {
            return own[index].iter().cloned().collect();
        }
        // No CVE of its own: the records it is an alias of, or that are an alias of it, may have one.
        let names = record.aliases.iter().chain(&record.upstream).filter_map(|name| by_id.get(name.as_str()));
        let namers = named_by.get(record.id.as_str()).into_iter().flatten();
        let relatives: Vec<usize> = names.chain(namers).copied().collect();
        // A record of several CVEs does not say which of them this one is.
        let borrowed: BTreeSet<&String> = relatives
            .iter()
            .map(|relative| &own[*relative])
            .filter(|cves| cves.len() == 1)
            .flatten()
            .collect();
        if !borrowed.is_empty() {
            return borrowed.into_iter().cloned().collect();
        }
        let without_cve = relatives.iter().filter(|relative| own[**relative].is_empty());
        let smallest = without_cve.map(|relative| &records[*relative].id).chain([&record.id]).min();
        vec![smallest.unwrap_or(&record.id).clone()]
    };
    records.iter().enumerate().map(settle).collect()
}

/// The CVEs a record is about: itself, its aliases, what it was made for, and, where a distribution
/// publishes errata, what those are related to. The first of these that names any decides.
fn cves(advisory: &Advisory) -> BTreeSet<String> {
    let of = |names: &[String]| -> BTreeSet<String> {
        names.iter().filter(|name| is_cve(name)).cloned().collect()
    };
    if is_cve(&advisory.id) {
        return BTreeSet::from([advisory.id.clone()]);
    }
    let is_distro = advisory.affected.iter().any(|part| part.ecosystem.kind.is_distro);
    let related: &[String] = if is_distro { &advisory.related } else { &[] };
    let named = [of(&advisory.aliases), of(&advisory.upstream), of(related)];
    let named = named.into_iter().find(|names| !names.is_empty());
    // DEBIAN-CVE-…, UBUNTU-CVE-…, ALPINE-CVE-…: the CVE is in the id.
    let in_id = || advisory.id.find("-CVE-").map(|at| advisory.id[at + 1..].to_owned());
    named.unwrap_or_else(|| in_id().into_iter().collect())
}

/// True for `CVE-<year>-<number>`.
pub(super) fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}
