//! Version order and ranges, exactly as each package ecosystem defines them.
//!
//! A [`Version`] is a text read in a [`Scheme`]; two versions of one scheme compare as that ecosystem's own
//! tool compares them. A [`Range`] is a set of versions built from the events of an OSV record.
//!
//! Parsing notes where the parts of a text are and allocates little; comparing allocates nothing. Neither
//! panics, whatever the text.

mod apk;
mod cursor;
mod deb;
mod error;
mod go;
mod key;
mod maven;
mod npm;
mod nuget;
mod number;
mod packagist;
mod pep440;
pub mod range;
mod rpm;
mod rubygems;
mod scheme;
mod semver;
mod version;

pub use error::VersionError;
pub use range::{Event, Range};
pub use scheme::{Scheme, UnknownScheme};
pub use version::{MAX_VERSION_BYTES, Version, compare};
