//! The ecosystems' ways to order versions.

use std::fmt;
use std::str::FromStr;

/// A way to order versions. Text forms are lower case, for example `pep440`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// dpkg: `epoch:upstream-revision`.
    Deb,
    /// apk-tools 3.
    Apk,
    /// rpm: `epoch:version-release`.
    Rpm,
    /// Python, PEP 440.
    Pep440,
    /// Semantic Versioning 2.0.0, as cargo has it.
    Semver,
    /// npm: what node-semver reads in loose mode.
    Npm,
    /// Go modules, and the toolchain's own releases (`go1.21.3`).
    Go,
    /// Maven 3.9's `ComparableVersion`.
    Maven,
    /// `Gem::Version`.
    RubyGems,
    /// `NuGetVersion`.
    NuGet,
    /// Composer: normalised, then PHP's `version_compare`.
    Packagist,
}

/// A text that names no [`Scheme`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version scheme; known are {known}", known = names())]
pub struct UnknownScheme(pub String);

impl Scheme {
    /// The order of a purl type (`deb`, `pypi`, `golang`); `None` for types that have none here.
    pub fn of_purl_type(purl_type: &str) -> Option<Self> {
        Some(match purl_type {
            "apk" => Self::Apk,
            "cargo" => Self::Semver,
            "composer" => Self::Packagist,
            "deb" => Self::Deb,
            "gem" => Self::RubyGems,
            "golang" => Self::Go,
            "maven" => Self::Maven,
            "npm" => Self::Npm,
            "nuget" => Self::NuGet,
            "pypi" => Self::Pep440,
            "rpm" => Self::Rpm,
            _ => return None,
        })
    }

    /// Every scheme.
    pub const ALL: &'static [Self] = &[
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::Pep440,
        Self::Semver,
        Self::Npm,
        Self::Go,
        Self::Maven,
        Self::RubyGems,
        Self::NuGet,
        Self::Packagist,
    ];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pep440 => "pep440",
            Self::Semver => "semver",
            Self::Npm => "npm",
            Self::Go => "go",
            Self::Maven => "maven",
            Self::RubyGems => "rubygems",
            Self::NuGet => "nuget",
            Self::Packagist => "packagist",
        }
    }
}

fn names() -> String {
    Scheme::ALL.iter().map(|scheme| scheme.as_str()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        let found = Self::ALL.iter().find(|scheme| scheme.as_str() == text);
        found.copied().ok_or_else(|| UnknownScheme(text.chars().take(100).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip_and_are_unique() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.as_str().parse(), Ok(*scheme));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "cpan".parse::<Scheme>().unwrap_err();
        assert!(
            error.to_string().contains("\"cpan\" is not a version scheme; known are deb, apk"),
            "{error}"
        );
    }
}
