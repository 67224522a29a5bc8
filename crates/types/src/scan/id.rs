//! Names of scans.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The name of a scan: a UUID of version 7, so that names sort by the millisecond they were made in.
/// Text form: lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(Uuid);

/// A text that is not a [`ScanId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scan id; expected a UUID like 0193e4a0-8c1f-7d2a-9a6b-0123456789ab")]
pub struct ScanIdError(String);

impl ScanId {
    /// An id from the moment, in milliseconds since the epoch, and random bytes of the caller. The
    /// clock and the dice are the caller's: this crate has neither.
    pub fn new(now: i64, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

impl fmt::Display for ScanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl fmt::Debug for ScanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ScanId {
    type Err = ScanIdError;

    fn from_str(text: &str) -> Result<Self, ScanIdError> {
        let id = Uuid::try_parse(text).ok().map(Self);
        // One spelling only, so that a text comparison of ids is a comparison of ids.
        id.filter(|id| id.to_string() == text).ok_or_else(|| ScanIdError(text.chars().take(100).collect()))
    }
}

impl Serialize for ScanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScanId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_in_both_forms() {
        let early = ScanId::new(1_700_000_000_000, [0xff; 10]);
        let late = ScanId::new(1_700_000_000_001, [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn the_text_form_is_a_version_7_uuid_and_round_trips() {
        let id = ScanId::new(1_700_000_000_000, [7; 10]);
        assert_eq!(id.to_string().as_bytes()[14], b'7');
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_spellings_are_refused() {
        let id = ScanId::new(1_700_000_000_000, [0xab; 10]).to_string();
        for bad in
            [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), String::new(), "1".to_owned()]
        {
            assert!(bad.parse::<ScanId>().is_err(), "{bad:?}");
        }
    }
}
