//! What a snapshot can say anything about in this inventory, and what it cannot.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::{BlindKind, BlindSpot, Distro, Inventory, Package};

use super::age;
use crate::ecosystem::{self, EcosystemKind};
use crate::snapshot::{Completeness, EcosystemInfo, Snapshot};
use crate::{distro, vendor};

/// Package names a message lists before it says how many more there are.
const NAMED: usize = 5;

/// What speaks for each part of an inventory.
pub(super) struct Coverage<'a> {
    /// By root: the distribution and what speaks for it.
    roots: BTreeMap<&'a str, Root<'a>>,
    /// Ids of language packages the distribution answers for.
    excused: BTreeSet<&'a str>,
    /// Ids of OS packages the distribution did not build.
    foreign: BTreeSet<&'a str>,
    /// Language ecosystems the snapshot has.
    languages: BTreeSet<&'a str>,
    /// What speaks of a package that is there, by key.
    pub(super) sources: BTreeMap<String, &'a EcosystemInfo>,
    /// What cannot be said.
    pub(super) blind_spots: Vec<BlindSpot>,
}

struct Root<'a> {
    distro: &'a Distro,
    speaking: distro::Speaking<'a>,
}

/// True for places a distribution's packages install to (Filesystem Hierarchy Standard 3.0): below `/usr` but not
/// `/usr/local`, or a root directory that is a part of it.
fn is_distributions(location: &str) -> bool {
    const TREES: [&str; 6] = ["/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/etc/"];
    TREES.iter().any(|tree| location.starts_with(tree)) && !location.starts_with("/usr/local/")
}

impl<'a> Coverage<'a> {
    pub(super) fn of(inventory: &'a Inventory, snapshot: &'a Snapshot) -> Self {
        let known = snapshot.ecosystems();
        let nested =
            inventory.nested_roots.iter().map(|nested| (nested.root.as_str(), nested.distro.as_ref()));
        let roots = std::iter::once(("/", inventory.distro.as_ref())).chain(nested);
        let roots = roots
            .filter_map(|(root, found)| {
                let found = found?;
                Some((root, Root { distro: found, speaking: distro::speaking(found, known) }))
            })
            .collect();
        let languages =
            known.iter().filter(|info| info.release.is_none()).map(|info| info.ecosystem.as_str());
        let mut coverage = Self {
            roots,
            excused: BTreeSet::new(),
            foreign: BTreeSet::new(),
            languages: languages.collect(),
            sources: BTreeMap::new(),
            blind_spots: Vec::new(),
        };
        coverage.foreign = inventory
            .packages
            .iter()
            .filter(|package| package.package_type.is_os() && !coverage.is_vendors(package))
            .map(|package| package.id.as_str())
            .collect();
        coverage.excused = coverage.excused_of(inventory);
        coverage.note_roots(inventory);
        coverage.note_languages(inventory, known);
        coverage
    }

    /// What speaks for an OS package.
    pub(super) fn speaking(&self, package: &Package) -> Option<&distro::Speaking<'a>> {
        self.roots.get(package.root.as_str()).map(|root| &root.speaking)
    }

    /// The ecosystem to look a language package up in, if the snapshot has it and nobody else answers for it.
    pub(super) fn language(&self, package: &Package) -> Option<&'static EcosystemKind> {
        let kind = language_of(package)?;
        (self.languages.contains(kind.name) && !self.excused.contains(package.id.as_str())).then_some(kind)
    }

    /// True for an OS package that a third party built.
    pub(super) fn is_foreign(&self, package: &Package) -> bool {
        self.foreign.contains(package.id.as_str())
    }

    fn is_vendors(&self, package: &Package) -> bool {
        self.roots.get(package.root.as_str()).is_none_or(|root| vendor::built_by(package, root.distro))
    }

    /// A language package that is part of an OS package gets its fixes carried back under an old version, so
    /// upstream's versions say nothing about it. But only if the distribution built that OS package, and only
    /// if the snapshot has all that the distribution says: else nobody would speak for it. And only where
    /// distributions install: a file list is a text anybody can append a line to.
    fn excused_of(&self, inventory: &'a Inventory) -> BTreeSet<&'a str> {
        let by_id: BTreeMap<&str, &Package> =
            inventory.packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let answers = |owner: &Package| {
            owner.package_type.is_os()
                && !self.is_foreign(owner)
                && self.speaking(owner).is_some_and(|speaking| {
                    speaking.is_about(owner.package_type)
                        && speaking.base.iter().any(|info| info.completeness == Completeness::Complete)
                })
        };
        let owned = |package: &&Package| {
            let owner = package.owned_by.as_deref().and_then(|id| by_id.get(id));
            !package.package_type.is_os()
                && package.locations.iter().all(|location| is_distributions(location))
                && owner.is_some_and(|owner| answers(owner))
        };
        inventory.packages.iter().filter(owned).map(|package| package.id.as_str()).collect()
    }

    fn note_roots(&mut self, inventory: &Inventory) {
        let (mut spots, mut sources) = (Vec::new(), Vec::new());
        for (path, root) in &self.roots {
            let packages: Vec<&Package> = inventory
                .packages
                .iter()
                .filter(|package| package.package_type.is_os() && package.root == *path)
                .collect();
            if packages.is_empty() {
                continue;
            }
            let name = distro::name(root.distro);
            let place = if *path == "/" { String::new() } else { format!(" below {path}") };
            if root.speaking.is_empty() {
                spots.push(BlindSpot::new(
                    BlindKind::DistroUnknown,
                    &name,
                    format!(
                        "the knowledge snapshot has no advisories for {name}, so its {} packages{place} were not matched; build one that has",
                        packages.len()
                    ),
                ));
            } else {
                spots.extend(root.speaking.base.iter().filter_map(|info| incomplete(info)));
                // One of several may have had its day; the release is as fresh as the newest.
                sources.extend(root.speaking.base.iter().max_by_key(|info| age::newest(info)).copied());
                // An os-release that lies, or a second package manager beside the distribution's own.
                let unspoken =
                    packages.iter().filter(|package| !root.speaking.is_about(package.package_type)).count();
                if unspoken > 0 {
                    spots.push(BlindSpot::new(
                        BlindKind::DistroUnknown,
                        &name,
                        format!(
                            "the advisories for {name} are about another package format than {unspoken} of the packages{place}, which were not matched; correct os-release or remove the packages"
                        ),
                    ));
                }
            }
            let foreign: Vec<_> = packages.into_iter().filter(|package| self.is_foreign(package)).collect();
            if !foreign.is_empty() && !root.speaking.is_empty() {
                spots.push(BlindSpot::new(
                    BlindKind::KnowledgeIncomplete,
                    format!("packages not built by {name}"),
                    format!(
                        "{}{place} not built by {name}: its advisories were applied, which may not know their versions and fixes; check with their publishers",
                        listed(&foreign)
                    ),
                ));
            }
        }
        self.blind_spots.extend(spots);
        self.sources.extend(sources.into_iter().map(|info| (info.key(), info)));
    }

    fn note_languages(&mut self, inventory: &Inventory, known: &'a [EcosystemInfo]) {
        let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
        for package in &inventory.packages {
            if let Some(kind) = language_of(package).filter(|_| !self.excused.contains(package.id.as_str())) {
                *asked.entry(kind.name).or_default() += 1;
            }
        }
        for (name, count) in asked {
            match known.iter().find(|info| info.ecosystem == name) {
                Some(info) => {
                    self.blind_spots.extend(incomplete(info));
                    self.sources.insert(info.key(), info);
                }
                None => self.blind_spots.push(BlindSpot::new(
                    BlindKind::EcosystemUnknown,
                    name,
                    format!(
                        "the knowledge snapshot has no {name} advisories, so {count} packages were not matched; build one that has"
                    ),
                )),
            }
        }
    }
}

/// The ecosystem of a language package. Bitnami's components are told by their purl alone.
fn language_of(package: &Package) -> Option<&'static EcosystemKind> {
    let kind = ecosystem::of_language(package.package_type)?;
    let bitnami = package.purl.as_ref().is_some_and(|purl| purl.purl_type == "bitnami");
    (kind.name != "Bitnami" || bitnami).then_some(kind)
}

fn incomplete(info: &EcosystemInfo) -> Option<BlindSpot> {
    let key = info.key();
    let message = match info.completeness {
        Completeness::Complete => return None,
        Completeness::Demonstration => format!(
            "the knowledge snapshot holds a demonstration of {} {key} advisories only; build one from the whole feed",
            info.records
        ),
        Completeness::Incomplete => format!(
            "the knowledge snapshot holds a part of the {key} advisories only ({}); build one from the whole feed",
            info.records
        ),
    };
    Some(BlindSpot::new(BlindKind::KnowledgeIncomplete, key, message))
}

/// `a, b and 3 more packages`.
fn listed(packages: &[&Package]) -> String {
    let mut names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let names = names.join(", ");
    match more {
        0 => format!("packages {names}"),
        more => format!("packages {names} and {more} more"),
    }
}
