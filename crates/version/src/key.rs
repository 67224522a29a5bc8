//! What a scheme keeps of a parsed text, so that comparing is cheap.

use std::cmp::Ordering;

use crate::{Scheme, apk, deb, go, maven, npm, nuget, packagist, pep440, rpm, rubygems, semver};

/// Positions of the parts of a version text. Comparing needs the texts, too: a key alone owns none.
#[derive(Clone)]
pub(crate) enum Key {
    Deb(deb::Key),
    Apk(apk::Key),
    Rpm(rpm::Key),
    Pep440(pep440::Key),
    Semver(semver::Key),
    Npm(semver::Key),
    Go(semver::Key),
    Maven(maven::Key),
    RubyGems(rubygems::Key),
    NuGet(nuget::Key),
    Packagist(packagist::Key),
}

impl Key {
    pub(crate) fn parse(scheme: Scheme, text: &str) -> Result<Self, &'static str> {
        Ok(match scheme {
            Scheme::Deb => Self::Deb(deb::Key::parse(text)?),
            Scheme::Apk => Self::Apk(apk::Key::parse(text)),
            Scheme::Rpm => Self::Rpm(rpm::Key::parse(text)),
            Scheme::Pep440 => Self::Pep440(pep440::Key::parse(text)),
            Scheme::Semver => Self::Semver(semver::parse(text)?),
            Scheme::Npm => Self::Npm(npm::parse(text)?),
            Scheme::Go => Self::Go(go::parse(text)?),
            Scheme::Maven => Self::Maven(maven::Key::parse(text)),
            Scheme::RubyGems => Self::RubyGems(rubygems::Key::parse(text)?),
            Scheme::NuGet => Self::NuGet(nuget::Key::parse(text)?),
            Scheme::Packagist => Self::Packagist(packagist::Key::parse(text)?),
        })
    }

    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::Deb(_) => Scheme::Deb,
            Self::Apk(_) => Scheme::Apk,
            Self::Rpm(_) => Scheme::Rpm,
            Self::Pep440(_) => Scheme::Pep440,
            Self::Semver(_) => Scheme::Semver,
            Self::Npm(_) => Scheme::Npm,
            Self::Go(_) => Scheme::Go,
            Self::Maven(_) => Scheme::Maven,
            Self::RubyGems(_) => Scheme::RubyGems,
            Self::NuGet(_) => Scheme::NuGet,
            Self::Packagist(_) => Scheme::Packagist,
        }
    }

    pub(crate) fn is_standard(&self) -> bool {
        match self {
            Self::Apk(key) => key.is_standard(),
            Self::Pep440(key) => key.is_standard(),
            Self::Packagist(key) => key.is_standard(),
            _ => true,
        }
    }

    pub(crate) fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        match (self, other) {
            (Self::Deb(a), Self::Deb(b)) => a.compare(text, b, other_text),
            (Self::Apk(_), Self::Apk(_)) => apk::compare(text, other_text),
            (Self::Rpm(a), Self::Rpm(b)) => a.compare(text, b, other_text),
            (Self::Pep440(a), Self::Pep440(b)) => a.compare(text, b, other_text),
            (Self::Semver(a), Self::Semver(b))
            | (Self::Npm(a), Self::Npm(b))
            | (Self::Go(a), Self::Go(b)) => a.compare(text, b, other_text),
            (Self::Maven(a), Self::Maven(b)) => a.compare(text, b, other_text),
            (Self::RubyGems(a), Self::RubyGems(b)) => a.compare(text, *b, other_text),
            (Self::NuGet(a), Self::NuGet(b)) => a.compare(text, b, other_text),
            (Self::Packagist(a), Self::Packagist(b)) => a.compare(b),
            _ => self.scheme().cmp(&other.scheme()),
        }
    }
}
