//! Where a record says how bad it is, in the order in which the places are believed.

use plimsoll_types::report::Severity;
use serde_json::Value;

use super::wire;
use crate::advisory::Rating;
use crate::ecosystem::Ecosystem;
use crate::severity;

/// The record's own `severity`, or an erratum's title.
pub(super) fn of_record(record: &wire::Record) -> Rating {
    let mut rating = stated(record.severity.as_deref().unwrap_or_default(), "severity");
    if rating.severity.is_none() && is_rpm_erratum(record) {
        rating.severity = record
            .summary
            .as_deref()
            .and_then(severity::from_title)
            .map(|severity| (severity, "summary".to_owned()));
    }
    rating
}

/// What the database adds to the record as a whole; believed after what is said of one package.
pub(super) fn of_database(record: &wire::Record) -> Rating {
    let mut rating = Rating::default();
    or_fields(&mut rating, record.database_specific.as_ref(), "database_specific");
    rating
}

/// The entry's `severity`, then what the ecosystem and the database add to it.
pub(super) fn of_affected(part: &wire::Affected) -> Rating {
    let mut rating = stated(part.severity.as_deref().unwrap_or_default(), "affected.severity");
    or_fields(&mut rating, part.ecosystem_specific.as_ref(), "affected.ecosystem_specific");
    or_fields(&mut rating, part.database_specific.as_ref(), "affected.database_specific");
    rating
}

/// Debian: no fix will come for a release that is over, or for a package it no longer supports.
pub(super) fn will_not_fix(part: &wire::Affected) -> bool {
    let field = |value: &Option<Value>, key: &str| {
        value.as_ref().and_then(|value| value.get(key)).and_then(Value::as_str).map(str::to_ascii_lowercase)
    };
    field(&part.ecosystem_specific, "urgency").as_deref() == Some("end-of-life")
}

/// Scores, and words where a distribution rates by words (`{"type": "Ubuntu", "score": "low"}`). A word
/// is the distribution's own judgement of its own package, so it goes before a score.
fn stated(list: &[wire::Severity], field: &str) -> Rating {
    let mut rating = Rating::default();
    let mut word = None;
    for entry in list {
        if let Some(score) = severity::score(&entry.score) {
            rating.cvss.push(score);
        } else {
            let found = severity::from_word(&entry.score);
            word = word.or(found.map(|found| (found, format!("{field}[{}]", entry.kind))));
        }
    }
    let scored = severity::from_scores(&rating.cvss).map(|found| (found, field.to_owned()));
    rating.severity = word.or(scored);
    rating
}

/// Fields that databases put a word, a vector or a list of vectors in.
const FIELDS: &[&str] = &["severity", "cvss", "urgency", "ubuntu_priority", "priority"];

fn or_fields(rating: &mut Rating, value: Option<&Value>, place: &str) {
    let Some(object) = value.and_then(Value::as_object) else { return };
    for field in FIELDS {
        let Some(value) = object.get(*field) else { continue };
        let found = texts(value).find_map(|text| match severity::score(text) {
            Some(score) => {
                let rated = severity::from_scores(std::slice::from_ref(&score));
                if !rating.cvss.contains(&score) {
                    rating.cvss.push(score);
                }
                rated
            }
            None => severity::from_word(text),
        });
        let found = found.map(|found: Severity| (found, format!("{place}.{field}")));
        rating.severity = rating.severity.take().or(found);
    }
}

/// A text, or the texts of a list or of an object's `score` and `vector` fields.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(list) => Box::new(list.iter().filter_map(Value::as_str)),
        Value::Object(object) => {
            Box::new(["vector", "vectorString", "score"].iter().filter_map(|key| object.get(*key)?.as_str()))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// Titles of AlmaLinux, Rocky Linux and Red Hat begin with the severity.
fn is_rpm_erratum(record: &wire::Record) -> bool {
    record.affected.iter().filter_map(|part| part.package.as_ref()).any(|package| {
        Ecosystem::parse(&package.ecosystem)
            .is_some_and(|ecosystem| matches!(ecosystem.kind.name, "AlmaLinux" | "Red Hat" | "Rocky Linux"))
    })
}
