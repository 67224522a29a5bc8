//! An advisory as every feed hands it over, whatever its wire format was.

use plimsoll_types::report::Severity;
use serde::{Deserialize, Serialize};

use crate::ecosystem::{Ecosystem, NameRule};

/// One record of one feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Advisory {
    /// Id of the record.
    pub id: String,
    /// When it was last changed; `None` if the feed does not say.
    pub modified: Option<jiff::Timestamp>,
    /// True if the record was taken back.
    pub withdrawn: bool,
    /// Other ids of the very same vulnerability.
    pub aliases: Vec<String>,
    /// Vulnerabilities a distribution's record was made for.
    pub upstream: Vec<String>,
    /// Ids that have something to do with it.
    pub related: Vec<String>,
    /// One line for a person.
    pub summary: Option<String>,
    /// Rating of the record as a whole.
    pub rating: Rating,
    /// What is affected.
    pub affected: Vec<Affected>,
    /// Parts of the record that cannot be matched, one sentence each.
    pub problems: Vec<String>,
    /// Ecosystems of the record that Plimsoll does not know.
    pub unsupported: Vec<String>,
}

/// How bad it is, and who says so where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// The severity and the field of the record it was read from.
    pub severity: Option<(Severity, String)>,
    /// CVSS vectors as stated.
    pub cvss: Vec<Score>,
}

/// A CVSS vector and what it comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `2.0`, `3.0`, `3.1`, `4.0`.
    pub version: String,
    /// The vector.
    pub vector: String,
    /// Its score, if the vector is valid.
    pub score: Option<f64>,
}

/// A package in an ecosystem, and its affected versions: in any range, or in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Affected {
    /// Whose package.
    pub ecosystem: Ecosystem,
    /// Its name, as the feed spells it.
    pub package: String,
    /// What that name names.
    pub names: NameRule,
    /// Affected ranges.
    pub ranges: Vec<Vec<Event>>,
    /// Affected versions, listed one by one.
    pub versions: Vec<String>,
    /// Rating for this package, where it differs from the record's.
    pub rating: Rating,
    /// True if the distribution says that no fix will come.
    pub will_not_fix: bool,
    /// The module stream the fix belongs to (rpm modularity).
    pub stream: Option<Stream>,
}

/// A module stream, `nodejs:18`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stream {
    /// `nodejs`.
    pub module: String,
    /// `18`.
    pub stream: String,
}

/// A change of state at a version (OSV schema, `affected[].ranges[].events`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Event {
    /// Affected from here; `0` is before every version.
    Introduced(String),
    /// No longer affected from here.
    Fixed(String),
    /// Affected up to and including this.
    LastAffected(String),
    /// Nothing is said from here on.
    Limit(String),
}
