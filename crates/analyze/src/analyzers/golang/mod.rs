//! Go modules.

pub(crate) mod build_info;
pub(crate) mod buildinfo;
mod main_version;
