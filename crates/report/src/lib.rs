//! Verdicts for people and machines: every format is made from the one [`Report`] of a scan, and none knows
//! more than it says.
//!
//! [`Format`] is the register: a new format is one file in `formats/` and its lines there. Everything in a
//! report that comes from an image or an advisory is a stranger's text, so the table shows it through
//! [`sanitize`](mod@sanitize) and the others as JSON strings.
//!
//! [`Report`]: plimsoll_types::report::Report

mod format;
mod formats;
mod hash;
mod order;
pub mod sanitize;
mod upgrade;

pub use format::{Format, Options, UnknownFormat, write};

#[cfg(test)]
mod testing;
