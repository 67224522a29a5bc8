//! The snapshot file: what every advisory says, sorted so that a match reads only what it needs.

pub(crate) mod format;
mod info;
mod read;
mod write;

pub use info::{Completeness, EcosystemInfo, Info};
pub use read::Snapshot;
pub(crate) use read::{Cursor, Table};
pub(crate) use write::Writer;
