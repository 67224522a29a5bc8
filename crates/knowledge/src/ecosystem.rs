//! OSV ecosystems: whose packages an advisory speaks of, by which names, in which version order.

use std::borrow::Cow;
use std::fmt;

use plimsoll_types::PackageType;
use plimsoll_version::Scheme;

/// Which name of an installed package an advisory's `package.name` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// The name of the source package; versions are the source's.
    Source,
    /// The name of the installed (binary) package.
    Binary,
}

/// What is fixed about an ecosystem whatever its release.
#[derive(Debug, PartialEq, Eq)]
pub struct EcosystemKind {
    /// Name as OSV spells it.
    pub name: &'static str,
    /// Version order.
    pub scheme: Scheme,
    /// What its names name.
    pub names: NameRule,
    /// The installed packages it can be about.
    pub package_type: PackageType,
    /// Whether a distribution speaks here of packages it built itself.
    pub is_distro: bool,
}

const fn distro(
    name: &'static str,
    package_type: PackageType,
    scheme: Scheme,
    names: NameRule,
) -> EcosystemKind {
    EcosystemKind { name, scheme, names, package_type, is_distro: true }
}

const fn language(name: &'static str, package_type: PackageType, scheme: Scheme) -> EcosystemKind {
    EcosystemKind { name, scheme, names: NameRule::Binary, package_type, is_distro: false }
}

/// The register. Ecosystems of OSV that are not here have no version order in `plimsoll-version` or no
/// analyzer that could find their packages; a build counts their records by name.
///
/// Which name a distribution uses is not in the OSV schema; it was read off each feed. AlmaLinux and Red
/// Hat list every binary package. Rocky, SUSE, Mageia, openEuler, Azure Linux and Photon list sources.
pub const ALL: &[EcosystemKind] = &[
    distro("AlmaLinux", PackageType::Rpm, Scheme::Rpm, NameRule::Binary),
    distro("Alpaquita", PackageType::Apk, Scheme::Apk, NameRule::Source),
    distro("Alpine", PackageType::Apk, Scheme::Apk, NameRule::Source),
    distro("Azure Linux", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    language("Bitnami", PackageType::Generic, Scheme::Semver),
    distro("Chainguard", PackageType::Apk, Scheme::Apk, NameRule::Source),
    language("crates.io", PackageType::Cargo, Scheme::Semver),
    distro("Debian", PackageType::Deb, Scheme::Deb, NameRule::Source),
    distro("Echo", PackageType::Deb, Scheme::Deb, NameRule::Source),
    language("Go", PackageType::Golang, Scheme::Go),
    distro("Mageia", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    language("Maven", PackageType::Maven, Scheme::Maven),
    distro("MinimOS", PackageType::Apk, Scheme::Apk, NameRule::Source),
    language("npm", PackageType::Npm, Scheme::Npm),
    language("NuGet", PackageType::Nuget, Scheme::NuGet),
    distro("openEuler", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    distro("openSUSE", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    language("Packagist", PackageType::Composer, Scheme::Packagist),
    distro("Photon OS", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    language("PyPI", PackageType::Pypi, Scheme::Pep440),
    distro("Red Hat", PackageType::Rpm, Scheme::Rpm, NameRule::Binary),
    distro("Rocky Linux", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    language("RubyGems", PackageType::Gem, Scheme::RubyGems),
    distro("SUSE", PackageType::Rpm, Scheme::Rpm, NameRule::Source),
    distro("Ubuntu", PackageType::Deb, Scheme::Deb, NameRule::Source),
    distro("Wolfi", PackageType::Apk, Scheme::Apk, NameRule::Source),
];

/// An ecosystem, with the release where it has releases: `Debian:12`, `npm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ecosystem {
    /// What is fixed about it.
    pub kind: &'static EcosystemKind,
    /// What follows the first colon, for distributions. The suffix of a language ecosystem names a
    /// repository (`Maven:https://…`), which an installed package does not tell, so it is dropped.
    pub release: Option<String>,
}

impl Ecosystem {
    /// An ecosystem from OSV's text. Letter case is forgiven: feeds differ in it.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, suffix) = match text.split_once(':') {
            Some((name, suffix)) => (name, Some(suffix)),
            None => (text, None),
        };
        let kind = ALL.iter().find(|kind| kind.name.eq_ignore_ascii_case(name.trim()))?;
        let release = suffix.filter(|suffix| kind.is_distro && !suffix.is_empty()).map(str::to_owned);
        Some(Self { kind, release })
    }

    /// A package name in the spelling its ecosystem takes for equal names.
    pub fn normalise<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.kind.package_type {
            PackageType::Pypi => pep503(name),
            PackageType::Composer | PackageType::Nuget => Cow::Owned(name.to_lowercase()),
            _ => Cow::Borrowed(name),
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name)?;
        self.release.iter().try_for_each(|release| write!(f, ":{release}"))
    }
}

/// The language ecosystem whose advisories are about packages of this type, if there is one.
pub fn of_language(package_type: PackageType) -> Option<&'static EcosystemKind> {
    ALL.iter().find(|kind| !kind.is_distro && kind.package_type == package_type)
}

/// PEP 503: runs of `-`, `_` and `.` are one `-`, letters are lower case.
fn pep503(name: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(name.len());
    let mut separator = false;
    for character in name.chars() {
        if matches!(character, '-' | '_' | '.') {
            separator = true;
            continue;
        }
        if separator {
            out.push('-');
            separator = false;
        }
        out.extend(character.to_lowercase());
    }
    if separator {
        out.push('-');
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_sorted_and_names_are_unique() {
        let names: Vec<_> = ALL.iter().map(|kind| kind.name.to_lowercase()).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn releases_belong_to_distributions_only() {
        for (text, canonical) in [
            ("Debian:12", "Debian:12"),
            ("debian:12", "Debian:12"),
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS"),
            ("Rocky Linux:9", "Rocky Linux:9"),
            ("Maven:https://repo.example.org", "Maven"),
            ("pypi", "PyPI"),
            ("Wolfi", "Wolfi"),
        ] {
            assert_eq!(Ecosystem::parse(text).unwrap().to_string(), canonical);
        }
        for unknown in ["", "Debianish:12", "GHC", "Linux", "OSS-Fuzz"] {
            assert_eq!(Ecosystem::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn names_are_compared_as_each_ecosystem_does() {
        for (ecosystem, name, normal) in [
            ("PyPI", "Zope.Interface__x", "zope-interface-x"),
            ("PyPI", "a-", "a-"),
            ("npm", "JSONStream", "JSONStream"),
            ("Packagist", "Symfony/Yaml", "symfony/yaml"),
            ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
            ("Go", "github.com/BurntSushi/toml", "github.com/BurntSushi/toml"),
        ] {
            assert_eq!(Ecosystem::parse(ecosystem).unwrap().normalise(name), normal);
        }
    }

    #[test]
    fn every_language_type_has_one_ecosystem() {
        assert_eq!(of_language(PackageType::Cargo).unwrap().name, "crates.io");
        assert_eq!(of_language(PackageType::Golang).unwrap().name, "Go");
        assert!(of_language(PackageType::Deb).is_none());
    }
}
