//! The register: every analyzer, one file each, one line each, sorted by id.

use crate::Analyzer;

/// Every analyzer of group `packages`.
pub const ALL: &[&dyn Analyzer] = &[];
