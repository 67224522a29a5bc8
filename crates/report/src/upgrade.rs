//! What to upgrade, and to which version.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plimsoll_types::report::{FindingStatus, Report, Severity, Vulnerability};
use plimsoll_types::{Package, PackageType};
use plimsoll_version::Version;

use crate::order::version;

/// Packages that are upgraded together, because they were built from one source or are copies of one another,
/// with everything found against them.
#[derive(Debug)]
pub(crate) struct Upgrade<'a> {
    pub(crate) package_type: PackageType,
    /// The source package, or the package itself.
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) layer: Option<u32>,
    /// Names of the packages, without duplicates.
    pub(crate) packages: BTreeSet<&'a str>,
    /// Where the packages of a language are.
    pub(crate) locations: BTreeSet<&'a str>,
    pub(crate) severity: Severity,
    /// Ids of the vulnerabilities, worst first.
    pub(crate) ids: Vec<&'a str>,
    /// How many of them no version is known to fix.
    pub(crate) unfixed: usize,
    /// The lowest version that fixes all others.
    pub(crate) to: Option<String>,
}

/// Everything worth an upgrade or a worry: layer by layer, worst first.
pub(crate) fn upgrades(report: &Report) -> Vec<Upgrade<'_>> {
    let packages: HashMap<&str, &Package> =
        report.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let mut groups: BTreeMap<_, Vec<(&Package, &Vulnerability)>> = BTreeMap::new();
    for found in &report.vulnerabilities {
        if found.status == FindingStatus::NotAffected {
            continue;
        }
        if let Some(package) = packages.get(found.package_id.as_str()) {
            groups.entry(key(package)).or_default().push((package, found));
        }
    }
    let mut upgrades: Vec<_> = groups.into_iter().map(|(key, group)| upgrade(key, &group)).collect();
    upgrades.sort_by(|a, b| {
        (a.layer.is_none(), a.layer)
            .cmp(&(b.layer.is_none(), b.layer))
            .then(b.severity.cmp(&a.severity))
            .then(b.ids.len().cmp(&a.ids.len()))
            .then_with(|| (a.name, a.version, a.package_type).cmp(&(b.name, b.version, b.package_type)))
    });
    upgrades
}

type Key<'a> = (Option<u32>, PackageType, &'a str, &'a str, Option<u32>);

fn key(package: &Package) -> Key<'_> {
    let source = package.source.as_ref().filter(|_| package.package_type.is_os());
    let name = source.map_or(package.name.as_str(), |source| source.name.as_str());
    (package.layer, package.package_type, name, &package.version, package.epoch)
}

fn upgrade<'a>(
    (layer, package_type, name, installed, epoch): Key<'a>,
    group: &[(&'a Package, &'a Vulnerability)],
) -> Upgrade<'a> {
    let mut by_id: BTreeMap<&str, (Severity, Vec<&Vulnerability>)> = BTreeMap::new();
    for (_, found) in group {
        let (severity, all) = by_id.entry(&found.id).or_default();
        *severity = found.severity.max(*severity);
        all.push(found);
    }
    let mut ids: Vec<(Severity, &str)> = by_id.iter().map(|(id, (severity, _))| (*severity, *id)).collect();
    ids.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));

    let current = match epoch {
        Some(epoch) if package_type == PackageType::Rpm => {
            version(package_type, &format!("{epoch}:{installed}"))
        }
        _ => version(package_type, installed),
    };
    let fixes: Vec<Vec<Fix<'_>>> = by_id
        .values()
        .flat_map(|(_, all)| all)
        .map(|found| fixes(package_type, current.as_ref(), &found.fixed_versions))
        .collect();
    let fixable: Vec<_> = fixes.iter().filter(|fixes| !fixes.is_empty()).collect();
    let unfixed = by_id.values().filter(|(_, all)| {
        all.iter().all(|found| fixes_none(package_type, current.as_ref(), &found.fixed_versions))
    });
    Upgrade {
        package_type,
        name,
        version: installed,
        layer,
        packages: group.iter().map(|(package, _)| package.name.as_str()).collect(),
        locations: group
            .iter()
            .filter(|(package, _)| !package.package_type.is_os())
            .flat_map(|(package, _)| package.locations.iter().map(String::as_str))
            .collect(),
        severity: ids.first().map(|(severity, _)| *severity).unwrap_or_default(),
        unfixed: unfixed.count(),
        ids: ids.into_iter().map(|(_, id)| id).collect(),
        to: lowest(&fixable),
    }
}

/// A version that fixes something, and its place in the order if it has one.
struct Fix<'a> {
    text: &'a str,
    version: Option<Version>,
}

/// The versions of `texts` that are an upgrade from `current`, as far as anyone can tell.
fn fixes<'a>(package_type: PackageType, current: Option<&Version>, texts: &'a [String]) -> Vec<Fix<'a>> {
    let all = texts.iter().map(|text| Fix { text, version: version(package_type, text) });
    all.filter(|fix| match (&fix.version, current) {
        (Some(version), Some(current)) => version.compare(current).is_gt(),
        _ => true,
    })
    .collect()
}

fn fixes_none(package_type: PackageType, current: Option<&Version>, texts: &[String]) -> bool {
    fixes(package_type, current, texts).is_empty()
}

/// The lowest version that surely fixes everything. A version between two fixes of one vulnerability may lie on
/// a branch that was never fixed, so it counts only if it is one of the fixes or not below the highest.
///
/// It is found by comparing, not by sorting: the order of some ecosystems is not transitive at its edges.
fn lowest(all: &[&Vec<Fix<'_>>]) -> Option<String> {
    let mut best: Option<&Fix<'_>> = None;
    for candidate in all.iter().flat_map(|fixes| fixes.iter()) {
        if all.iter().all(|fixes| is_fix(candidate, fixes))
            && best.is_none_or(|best| is_below(candidate, best))
        {
            best = Some(candidate);
        }
    }
    best.map(|fix| fix.text.to_owned())
}

fn is_fix(candidate: &Fix<'_>, fixes: &[Fix<'_>]) -> bool {
    fixes.iter().any(|fix| fix.text == candidate.text)
        || fixes.iter().all(|fix| match (&candidate.version, &fix.version) {
            (Some(candidate), Some(fix)) => candidate.compare(fix).is_ge(),
            _ => false,
        })
}

fn is_below(a: &Fix<'_>, b: &Fix<'_>) -> bool {
    match (&a.version, &b.version) {
        (Some(a), Some(b)) => a.compare(b).is_lt(),
        (a, b) => a.is_some() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{empty, finding, package};

    fn report(package_type: PackageType, installed: &str, fixed: &[&[&str]]) -> Report {
        let mut report = empty();
        report.packages.push(package(package_type, "p", installed));
        let found = fixed
            .iter()
            .enumerate()
            .map(|(n, fixed)| finding(&format!("CVE-{n}"), "p", Severity::High, fixed));
        report.vulnerabilities.extend(found);
        report
    }

    fn to(package_type: PackageType, installed: &str, fixed: &[&[&str]]) -> Option<String> {
        upgrades(&report(package_type, installed, fixed)).remove(0).to
    }

    #[test]
    fn the_version_fixes_everything_in_the_order_of_the_ecosystem() {
        let to = |fixed: &[&[&str]]| to(PackageType::Maven, "2.14.1", fixed).unwrap();
        assert_eq!(to(&[&["2.15.0"], &["2.9.1", "2.16.0"]]), "2.16.0");
        assert_eq!(to(&[&["2.3.2", "2.15.0", "2.17.1"]]), "2.15.0");
        assert_eq!(to(&[&["2.100"], &["2.20"]]), "2.100");
    }

    #[test]
    fn a_version_between_two_fixes_may_be_on_an_unfixed_branch() {
        let to = |fixed: &[&[&str]]| to(PackageType::Maven, "2.12.1", fixed).unwrap();
        assert_eq!(to(&[&["2.12.4", "2.17.1"], &["2.17.0"]]), "2.17.1");
        assert_eq!(to(&[&["2.12.4", "2.17.1"], &["2.12.3", "2.17.0"]]), "2.17.1");
        assert_eq!(to(&[&["2.12.4", "2.17.1"], &["2.12.4", "2.17.0"]]), "2.12.4");
    }

    #[test]
    fn what_nothing_fixes_is_counted_and_stops_no_upgrade() {
        let report = report(PackageType::Deb, "1.0-1", &[&["1.0-2"], &[], &["0.9-1"]]);
        let upgrade = upgrades(&report).remove(0);
        assert_eq!((upgrade.to.as_deref(), upgrade.unfixed, upgrade.ids.len()), (Some("1.0-2"), 2, 3));
    }

    #[test]
    fn texts_without_an_order_are_named_if_they_are_all_the_same() {
        assert_eq!(to(PackageType::Generic, "a", &[&["b"], &["b"]]).as_deref(), Some("b"));
        assert_eq!(to(PackageType::Generic, "a", &[&["b"], &["c"]]), None);
    }

    #[test]
    fn binary_packages_of_one_source_are_one_upgrade() {
        let mut report = empty();
        for name in ["libssl3", "openssl"] {
            let mut package = package(PackageType::Deb, name, "3.0.11-1");
            package.source =
                Some(plimsoll_types::SourcePackage { name: "openssl".to_owned(), version: None });
            report.packages.push(package);
            report.vulnerabilities.push(finding("CVE-1", name, Severity::Low, &["3.0.13-1"]));
        }
        report.vulnerabilities.push(finding("CVE-2", "openssl", Severity::High, &["3.0.12-1"]));
        let upgrades = upgrades(&report);
        assert_eq!(upgrades.len(), 1);
        assert_eq!((upgrades[0].name, upgrades[0].packages.len()), ("openssl", 2));
        assert_eq!(
            (upgrades[0].ids.as_slice(), upgrades[0].severity),
            (&["CVE-2", "CVE-1"][..], Severity::High)
        );
        assert_eq!(upgrades[0].to.as_deref(), Some("3.0.13-1"));
    }

    #[test]
    fn what_the_vendor_calls_not_affected_needs_no_upgrade() {
        let mut report = report(PackageType::Deb, "1", &[&["2"]]);
        report.vulnerabilities[0].status = FindingStatus::NotAffected;
        assert!(upgrades(&report).is_empty());
    }
}
