//! apk: the package database of Alpine, Wolfi and their kin.

pub(crate) mod apk;
