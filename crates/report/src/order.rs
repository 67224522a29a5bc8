//! The one place where packages meet `plimsoll-version`.

use plimsoll_types::PackageType;
use plimsoll_version::{Scheme, Version};

/// The order of a package format; `None` for what has none.
fn scheme(package_type: PackageType) -> Option<Scheme> {
    Some(match package_type {
        PackageType::Deb => Scheme::Deb,
        PackageType::Apk => Scheme::Apk,
        PackageType::Rpm => Scheme::Rpm,
        PackageType::Pypi => Scheme::Pep440,
        PackageType::Npm => Scheme::Npm,
        PackageType::Maven => Scheme::Maven,
        PackageType::Golang => Scheme::Go,
        PackageType::Cargo => Scheme::Semver,
        PackageType::Gem => Scheme::RubyGems,
        PackageType::Nuget => Scheme::NuGet,
        PackageType::Composer => Scheme::Packagist,
        _ => return None,
    })
}

/// A version, where its ecosystem can order it.
pub(crate) fn version(package_type: PackageType, text: &str) -> Option<Version> {
    Version::parse(scheme(package_type)?, text).ok()
}
