//! The one place where packages meet `plimsoll-version`.

use plimsoll_types::PackageType;
use plimsoll_version::{Scheme, Version};

/// A version, where its ecosystem can order it.
pub(crate) fn version(package_type: PackageType, text: &str) -> Option<Version> {
    Version::parse(Scheme::of_purl_type(package_type.as_str())?, text).ok()
}
