//! Layers as registries, builders and attackers write them.

#![expect(clippy::unwrap_used, reason = "what a test's own helper cannot do has failed the test")]

mod compression;
mod dialects;
mod hostile;
mod limits;
mod pull;
mod sparse;
mod support;
mod writers;
