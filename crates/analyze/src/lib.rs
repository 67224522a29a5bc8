//! Analyzers and the runner that shows them the entries of one layer.

mod analyzer;
pub mod analyzers;

pub use analyzer::{Analyzer, Content, FileMeta, Interest, ReadError, ReadSeek, Scratch};
