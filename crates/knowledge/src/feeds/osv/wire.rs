//! The record as it is on the wire. Fields nothing is made of are not read.

use serde::Deserialize;
use serde_json::Value;

use crate::advisory;

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) modified: Option<String>,
    pub(super) withdrawn: Option<String>,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) upstream: Option<Vec<String>>,
    pub(super) related: Option<Vec<String>>,
    pub(super) summary: Option<String>,
    pub(super) details: Option<String>,
    pub(super) severity: Option<Vec<Severity>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) affected: Vec<Affected>,
    pub(super) database_specific: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Severity {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) score: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Affected {
    pub(super) package: Option<Package>,
    pub(super) severity: Option<Vec<Severity>>,
    pub(super) ranges: Option<Vec<Range>>,
    pub(super) versions: Option<Vec<String>>,
    pub(super) ecosystem_specific: Option<Value>,
    pub(super) database_specific: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) ecosystem: String,
    pub(super) name: String,
    pub(super) purl: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(rename = "type")]
    pub(super) range_type: RangeType,
    #[serde(default)]
    pub(super) events: Vec<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RangeType {
    Git,
    Semver,
    Ecosystem,
}

/// The schema asks for one key per event; some feeds write two in one.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
    pub(super) limit: Option<String>,
}

impl Event {
    /// The events, in the order in which they make sense. `limit: *` is no limit.
    pub(super) fn events(&self) -> impl Iterator<Item = advisory::Event> {
        let introduced = self.introduced.clone().map(advisory::Event::Introduced);
        let fixed = self.fixed.clone().map(advisory::Event::Fixed);
        let last = self.last_affected.clone().map(advisory::Event::LastAffected);
        let limit = self.limit.clone().filter(|limit| limit != "*").map(advisory::Event::Limit);
        introduced.into_iter().chain(fixed).chain(last).chain(limit)
    }
}

fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
