//! Advisories in, an immutable snapshot out, and the matcher over it.
//!
//! [`build()`] reads advisories through [`feeds`] and writes a snapshot file that depends on nothing but
//! the set of records. [`Snapshot::open`] reads its table of contents; [`match_inventory`] is a pure function
//! of an inventory and a snapshot.

pub mod advisory;
mod build;
mod distro;
pub mod ecosystem;
mod error;
pub mod feeds;
#[cfg(test)]
mod fixture;
mod matching;
mod order;
mod rating;
mod severity;
mod snapshot;
mod source;
mod vendor;

pub use build::{BuildOptions, BuildReport, build};
pub use error::Error;
pub use matching::{Matches, ages, match_inventory};
pub use snapshot::{Completeness, EcosystemInfo, Info, Snapshot};
pub use source::{Limits, MARKER, Skipped};
