//! Analyzers and the runner that shows them the entries of one layer.
//!
//! [`LayerRun`] is a [`plimsoll_layer::EntrySink`]: it receives the entries of a layer in one pass, hashes every
//! regular file, shows it to the analyzers that want it, and ends as [`plimsoll_types::Evidence`]. See
//! `README.md` for how the parts fit together.

mod analyzer;
pub mod analyzers;
mod budget;
mod executable;
mod extent;
mod fingerprint;
mod intake;
mod kept;
mod kind;
mod license;
mod limits;
mod lines;
mod links;
mod names;
mod run;
mod second_run;
mod source;
mod suffix;
mod symlinks;
#[cfg(test)]
pub(crate) mod testing;
mod tray;

pub use analyzer::{Analyzer, Content, FileMeta, Interest, ReadError, ReadSeek, Scratch};
pub use fingerprint::fingerprint;
pub use limits::{HEAD_BYTES, HEAD_INTEREST_BYTES, Limits};
pub use run::{Finished, LayerRun};
pub use second_run::SecondRun;
