//! What a snapshot knows, and how far it can be trusted to know all of it.

use std::fmt;

use plimsoll_types::Digest;
use serde::{Deserialize, Serialize};

/// Whether what is missing here can be taken as unknown to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// A few records that show how things work.
    Demonstration,
    /// A part of a feed, or by-catch of another release's feed.
    Incomplete,
    /// A whole feed.
    Complete,
}

impl Completeness {
    /// Text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Demonstration => "demonstration",
            Self::Incomplete => "incomplete",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a snapshot knows of one ecosystem or of one release of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcosystemInfo {
    /// `Debian`, `npm`.
    pub ecosystem: String,
    /// `12`, `22.04:LTS`; none for languages.
    pub release: Option<String>,
    /// Records that speak of it.
    pub records: u64,
    /// Packages they speak of.
    pub packages: u64,
    /// RFC 3339 instant of the newest change of a record, if the feed states any.
    pub newest_modified: Option<String>,
    /// The same of the oldest.
    pub oldest_modified: Option<String>,
    /// How much of it is here.
    pub completeness: Completeness,
}

impl EcosystemInfo {
    /// The ecosystem as OSV writes it, `Debian:12`.
    pub fn key(&self) -> String {
        match &self.release {
            Some(release) => format!("{}:{release}", self.ecosystem),
            None => self.ecosystem.clone(),
        }
    }
}

/// What a snapshot knows. [`fmt::Display`] is what `plimsoll db info` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Digest of the snapshot.
    pub digest: Digest,
    /// RFC 3339 instant of the newest change of any record. Not when it was built: the same records make the
    /// same snapshot on any day.
    pub created: Option<String>,
    /// Records, each counted once.
    pub records: u64,
    /// By ecosystem and release, sorted by key.
    pub ecosystems: Vec<EcosystemInfo>,
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |instant: &Option<String>| {
            instant.as_deref().map_or("-", |text| text.get(..10).unwrap_or(text)).to_owned()
        };
        writeln!(f, "digest   {}", self.digest)?;
        writeln!(f, "newest   {}", self.created.as_deref().unwrap_or("-"))?;
        writeln!(f, "records  {}", self.records)?;
        writeln!(f)?;
        let keys: Vec<_> = self.ecosystems.iter().map(EcosystemInfo::key).collect();
        let width = keys.iter().map(|key| key.chars().count()).max().unwrap_or(0).max("ecosystem".len());
        writeln!(
            f,
            "{:width$}  {:>8}  {:>8}  {:10}  {:10}  complete?",
            "ecosystem", "records", "packages", "oldest", "newest"
        )?;
        for (key, info) in keys.iter().zip(&self.ecosystems) {
            writeln!(
                f,
                "{key:width$}  {:>8}  {:>8}  {:10}  {:10}  {}",
                info.records,
                info.packages,
                day(&info.oldest_modified),
                day(&info.newest_modified),
                info.completeness
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_read_it() {
        let info = Info {
            digest: Digest::from_bytes([0; 32]),
            created: Some("2026-11-24T00:00:00Z".into()),
            records: 3,
            ecosystems: vec![EcosystemInfo {
                ecosystem: "Debian".into(),
                release: Some("12".into()),
                records: 3,
                packages: 2,
                newest_modified: Some("2026-11-24T00:00:00Z".into()),
                oldest_modified: None,
                completeness: Completeness::Demonstration,
            }],
        };
        let text = info.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "newest   2026-11-24T00:00:00Z");
        assert_eq!(lines[4], "ecosystem   records  packages  oldest      newest      complete?");
        assert_eq!(lines[5], "Debian:12         3         2  -           2026-11-24  demonstration");
    }
}
