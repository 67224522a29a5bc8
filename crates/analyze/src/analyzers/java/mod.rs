//! Java archives.

pub(crate) mod archive;
mod budget;
mod file_name;
mod group_id;
mod manifest;
mod packages;
mod pom;
mod zip;
