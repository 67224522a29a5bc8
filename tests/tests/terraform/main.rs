//! The Terraform of this repository, held to what the binary reads: on every machine, since nothing here needs Terraform or AWS.
//! Where Terraform and its provider are, `validate.rs` asks them too.

mod configuration;
mod containers;
mod evaluation;
mod helper;
mod permissions;
mod references;
mod resources;
mod roles;
mod validate;
