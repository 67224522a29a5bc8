//! Which names and versions of a package advisories may speak of.

use plimsoll_types::{Inventory, Package, PackageType};

use crate::ecosystem::{Ecosystem, EcosystemKind, NameRule};
use crate::matching::coverage::Coverage;
use crate::snapshot::EcosystemInfo;
use crate::snapshot::format::package_key;

/// Whether an answer stands alone or gives way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// It stands alone.
    Only,
    /// An overlay may say otherwise.
    Base,
    /// It is the overlay.
    Overlay,
}

/// One name of one package in one ecosystem.
#[derive(Debug)]
pub(super) struct Query<'a> {
    /// The package.
    pub(super) package: &'a Package,
    /// The key of its entries.
    pub(super) key: Vec<u8>,
    /// What is fixed about the ecosystem.
    pub(super) kind: &'static EcosystemKind,
    /// The ecosystem with its release.
    pub(super) ecosystem: String,
    /// The name asked for.
    pub(super) name: String,
    /// What that name is.
    pub(super) names: NameRule,
    /// The version to compare.
    pub(super) version: String,
    /// Whether the answer stands alone.
    pub(super) tier: Tier,
    /// The package is a third party's.
    pub(super) foreign: bool,
}

impl Query<'_> {
    /// Appends all that the answer depends on, besides the other queries of the package.
    pub(super) fn write_question(&self, out: &mut Vec<u8>) {
        let flag = |tier| match tier {
            Tier::Only => 0,
            Tier::Base => 1,
            Tier::Overlay => 2,
        };
        out.extend([
            self.package.package_type as u8,
            flag(self.tier),
            u8::from(self.names == NameRule::Source),
            u8::from(self.foreign),
        ]);
        for text in [self.ecosystem.as_str(), &self.name, &self.version] {
            out.extend(text.len().to_le_bytes());
            out.extend(text.as_bytes());
        }
    }
}

/// The queries of all packages, those of one package next to each other.
pub(super) fn queries<'a>(inventory: &'a Inventory, coverage: &Coverage<'_>) -> Vec<Query<'a>> {
    let mut queries = Vec::with_capacity(inventory.packages.len());
    for package in &inventory.packages {
        if let Some(kind) = coverage.language(package) {
            queries.push(language(package, kind));
        } else if let Some(speaking) = coverage.speaking(package).filter(|_| package.package_type.is_os()) {
            let has_overlay = !speaking.overlay.is_empty();
            let base = if has_overlay { Tier::Base } else { Tier::Only };
            let infos = speaking.base.iter().map(|info| (*info, base));
            let infos = infos.chain(speaking.overlay.iter().map(|info| (*info, Tier::Overlay)));
            for (info, tier) in infos {
                os(package, info, tier, coverage.is_foreign(package), &mut queries);
            }
        }
    }
    queries
}

fn language<'a>(package: &'a Package, kind: &'static EcosystemKind) -> Query<'a> {
    let ecosystem = Ecosystem { kind, release: None };
    let name = ecosystem.normalise(&package.name).into_owned();
    Query {
        key: package_key(kind.name, false, &name),
        package,
        kind,
        ecosystem: kind.name.to_owned(),
        name,
        names: NameRule::Binary,
        version: package.version.clone(),
        tier: Tier::Only,
        foreign: false,
    }
}

fn os<'a>(
    package: &'a Package,
    info: &EcosystemInfo,
    tier: Tier,
    foreign: bool,
    queries: &mut Vec<Query<'a>>,
) {
    let Some(ecosystem) = Ecosystem::parse(&info.key()) else { return };
    let kind = ecosystem.kind;
    if kind.package_type != package.package_type {
        return;
    }
    // SUSE's feed names sources, and below them binaries: see `feeds/osv.rs`.
    let both = matches!(kind.name, "SUSE" | "openSUSE");
    let rules = [kind.names, NameRule::Binary];
    for names in &rules[..if both { 2 } else { 1 }] {
        let (name, version) = subject(package, *names);
        let key = ecosystem.to_string();
        queries.push(Query {
            key: package_key(&key, *names == NameRule::Source, &name),
            package,
            kind,
            ecosystem: key,
            name,
            names: *names,
            version,
            tier,
            foreign,
        });
    }
}

/// The name and version a rule compares.
fn subject(package: &Package, names: NameRule) -> (String, String) {
    let source = package.source.as_ref().filter(|_| names == NameRule::Source);
    let name = source.map_or(&package.name, |source| &source.name);
    let version = source.and_then(|source| source.version.as_ref()).unwrap_or(&package.version);
    let version = match package.package_type {
        // The epoch is no part of an rpm's version text, and a source rpm's file name omits it: binaries
        // nearly always have their source's.
        PackageType::Rpm if !version.contains(':') => format!("{}:{version}", package.epoch.unwrap_or(0)),
        _ => version.clone(),
    };
    (name.clone(), version)
}
