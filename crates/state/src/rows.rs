//! Between rows and nouns, for both dialects.
//!
//! Digests are bytes, so that they sort the same everywhere; ids and states are text; lanes and flags are numbers;
//! what only travels through (requests, failures, blind spots, platforms) is JSON as text.

use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, Failure, Lane, LayerSource, Platform, ScanId, ScanState, Tenant};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::{DeliveryState, Error, Fingerprints, KnownLayer, LayerState};

/// The most bytes of a text that strangers have a say in.
const MAX_TEXT: usize = 4096;
/// The most bytes of a name in a key. Four of them fit an index entry of Postgres (a third of 8 KiB).
const MAX_NAME: usize = 512;

/// Columns by name.
pub(crate) trait Columns {
    fn text(&self, name: &str) -> Result<String, Error>;
    fn opt_text(&self, name: &str) -> Result<Option<String>, Error>;
    fn int(&self, name: &str) -> Result<i64, Error>;
    fn opt_int(&self, name: &str) -> Result<Option<i64>, Error>;
    fn bytes(&self, name: &str) -> Result<Vec<u8>, Error>;
    fn opt_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;
    fn flag(&self, name: &str) -> Result<bool, Error>;

    fn count(&self, name: &str) -> Result<u32, Error> {
        Ok(u32::try_from(self.int(name)?).unwrap_or(u32::MAX))
    }

    fn digest(&self, name: &str) -> Result<Digest, Error> {
        digest(&self.bytes(name)?)
    }

    fn opt_digest(&self, name: &str) -> Result<Option<Digest>, Error> {
        self.opt_bytes(name)?.as_deref().map(digest).transpose()
    }

    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, Error> {
        from_json(name, &self.text(name)?)
    }

    fn scan_id(&self, name: &str) -> Result<ScanId, Error> {
        let text = self.text(name)?;
        text.parse().map_err(|_| Error::row("scan id", text))
    }

    fn opt_scan_id(&self, name: &str) -> Result<Option<ScanId>, Error> {
        let text = self.opt_text(name)?;
        text.map(|text| text.parse().map_err(|_| Error::row("scan id", text))).transpose()
    }

    fn scan_state(&self, name: &str) -> Result<ScanState, Error> {
        let text = self.text(name)?;
        text.parse().map_err(|_| Error::row("scan state", text))
    }

    fn tenant(&self, name: &str) -> Result<Tenant, Error> {
        let text = self.text(name)?;
        text.parse().map_err(|_| Error::row("tenant", text))
    }

    fn lane(&self, name: &str) -> Result<Lane, Error> {
        let number = self.int(name)?;
        Lane::ALL
            .iter()
            .copied()
            .find(|lane| lane_number(*lane) == number)
            .ok_or_else(|| Error::row("lane", number))
    }

    fn platform(&self, name: &'static str) -> Result<Platform, Error> {
        let (os, architecture, variant) = self.json(name)?;
        Ok(Platform { os, architecture, variant })
    }

    fn failure(&self, name: &'static str) -> Result<Option<Failure>, Error> {
        self.opt_text(name)?.map(|text| from_json(name, &text)).transpose()
    }

    fn status(&self, name: &str) -> Result<Option<VerdictStatus>, Error> {
        let text = self.opt_text(name)?;
        text.map(|text| verdict_status(&text)).transpose()
    }

    fn layer_state(&self, name: &str) -> Result<LayerState, Error> {
        let text = self.text(name)?;
        LayerState::ALL
            .iter()
            .copied()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::row("layer state", text))
    }

    fn delivery_state(&self, name: &str) -> Result<DeliveryState, Error> {
        let text = self.text(name)?;
        [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::row("delivery state", text))
    }

    /// `verified_diff_id`, `uncompressed_size`, `index_fingerprint` and `packages_fingerprint`, all or none.
    fn known(&self) -> Result<Option<KnownLayer>, Error> {
        let Some(diff_id) = self.opt_digest("verified_diff_id")? else { return Ok(None) };
        Ok(Some(KnownLayer {
            diff_id,
            uncompressed_size: self.int("uncompressed_size")?.cast_unsigned(),
            fingerprints: self.fingerprints()?,
        }))
    }

    fn fingerprints(&self) -> Result<Fingerprints, Error> {
        Ok(Fingerprints {
            index: self.digest("index_fingerprint")?,
            packages: self.digest("packages_fingerprint")?,
        })
    }
}

macro_rules! columns {
    ($row:ty) => {
        impl Columns for $row {
            fn text(&self, name: &str) -> Result<String, Error> {
                Ok(self.try_get(name)?)
            }
            fn opt_text(&self, name: &str) -> Result<Option<String>, Error> {
                Ok(self.try_get(name)?)
            }
            fn int(&self, name: &str) -> Result<i64, Error> {
                Ok(self.try_get(name)?)
            }
            fn opt_int(&self, name: &str) -> Result<Option<i64>, Error> {
                Ok(self.try_get(name)?)
            }
            fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
                Ok(self.try_get(name)?)
            }
            fn opt_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
                Ok(self.try_get(name)?)
            }
            fn flag(&self, name: &str) -> Result<bool, Error> {
                Ok(self.try_get(name)?)
            }
        }
    };
}

columns!(SqliteRow);
columns!(PgRow);

fn digest(bytes: &[u8]) -> Result<Digest, Error> {
    let bytes = bytes.try_into().map_err(|_| Error::row("digest", format!("{} bytes", bytes.len())))?;
    Ok(Digest::from_bytes(bytes))
}

fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::row(what, error))
}

fn verdict_status(text: &str) -> Result<VerdictStatus, Error> {
    [VerdictStatus::Pass, VerdictStatus::Warn, VerdictStatus::Fail, VerdictStatus::NotJudged]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| Error::row("verdict status", text))
}

pub(crate) fn lane_number(lane: Lane) -> i64 {
    match lane {
        Lane::Backfill => 0,
        Lane::Push => 1,
        Lane::Interactive => 2,
    }
}

pub(crate) fn to_json<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::row(what, error))
}

pub(crate) fn platform_json(platform: &Platform) -> Result<String, Error> {
    // Not its text form: an image's config may name a platform that is not one, and it must come back as it was.
    to_json("platform", &(&platform.os, &platform.architecture, &platform.variant))
}

/// A failure as text, its message cut to a length a page can show.
pub(crate) fn failure_json(failure: &Failure) -> Result<String, Error> {
    let failure = Failure {
        kind: clean(&failure.kind),
        message: clean(&failure.message),
        retryable: failure.retryable,
    };
    to_json("failure", &failure)
}

/// A stranger's text as every database takes it: no control characters (Postgres has no NUL), and not endless.
pub(crate) fn clean(text: &str) -> String {
    cut(text, MAX_TEXT)
}

/// A name in a key: short enough for an index entry of every database.
pub(crate) fn name(text: &str) -> String {
    cut(text, MAX_NAME)
}

fn cut(text: &str, max: usize) -> String {
    let mut cut = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let c = if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        if cut.len() + c.len_utf8() > max {
            break;
        }
        cut.push(c);
    }
    cut
}

/// A source without its tenant, who is known from the row.
pub(crate) fn source_json(source: &LayerSource) -> Result<String, Error> {
    to_json("source", &(&source.registry, &source.repository, &source.credential, source.plain_http))
}

pub(crate) fn source_of(tenant: &Tenant, json: &str) -> Result<LayerSource, Error> {
    let (registry, repository, credential, plain_http) = from_json("source", json)?;
    Ok(LayerSource { registry, repository, tenant: tenant.to_string(), credential, plain_http })
}

/// A size as databases have it. What is larger than any disk is as large as it gets.
pub(crate) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

pub(crate) fn raw(digest: &Digest) -> Vec<u8> {
    digest.as_bytes().to_vec()
}

pub(crate) fn opt_raw(digest: Option<&Digest>) -> Option<Vec<u8>> {
    digest.map(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_fits_every_database() {
        assert_eq!(clean("a\0b\nc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean(&"x".repeat(4097)).len(), 4096);
        // Two bytes each: the cut falls between characters.
        assert_eq!(clean(&format!("x{}", "é".repeat(4096))).len(), 4095);
    }

    #[test]
    fn lanes_are_numbered_by_urgency() {
        assert!(Lane::ALL.is_sorted_by_key(|lane| -lane_number(*lane)));
    }
}
