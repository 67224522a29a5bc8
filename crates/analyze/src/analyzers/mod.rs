//! The register: every analyzer, one file each, one line each, sorted by id.

pub(crate) mod alpine;
pub(crate) mod debian;
pub(crate) mod golang;
pub(crate) mod java;
pub(crate) mod javascript;
pub(crate) mod linux;
#[cfg(feature = "poison")]
pub(crate) mod poison;
pub(crate) mod python;
pub(crate) mod rpm;
pub(crate) mod rust;

use crate::Analyzer;

/// Every analyzer of group `packages`.
pub const ALL: &[&dyn Analyzer] = &[
    &alpine::apk::Apk,
    &debian::copyright::Copyright,
    &debian::dpkg_lists::DpkgLists,
    &debian::dpkg_status::DpkgStatus,
    &golang::buildinfo::GoBuildInfo,
    &java::archive::JavaArchive,
    &javascript::package_json::PackageJson,
    &linux::os_release::OsReleaseFile,
    #[cfg(feature = "poison")]
    &poison::Poison,
    &python::dist_info::PythonDistInfo,
    &rpm::berkeley::RpmBerkeley,
    &rpm::ndb::RpmNdb,
    &rpm::sqlite::RpmSqlite,
    &rust::auditable::CargoAuditable,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_sorted_and_every_id_is_there_once() {
        assert!(ALL.is_sorted_by(|one, other| one.id() < other.id()));
    }
}
