//! dpkg: the package database, its file lists, and the licences of its packages.

mod control;
pub(crate) mod copyright;
pub(crate) mod dpkg_lists;
pub(crate) mod dpkg_status;
mod license_names;
