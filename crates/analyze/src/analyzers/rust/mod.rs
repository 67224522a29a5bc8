//! Rust crates.

pub(crate) mod auditable;
