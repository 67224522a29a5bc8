//! Node packages.

pub(crate) mod package_json;
