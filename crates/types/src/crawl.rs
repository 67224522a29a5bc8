//! A crawl: somebody points at a whole registry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Lane, RequestError, ScanId, ScanRequest, Tenant};

/// What of a registry is to be looked at, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrawlRequest {
    /// Who asks.
    pub tenant: Tenant,
    /// The registry, as references have it: `registry.example`, `127.0.0.1:5000`.
    pub registry: String,
    /// The repositories. Empty: what the registry's catalogue lists.
    pub repositories: Vec<String>,
    /// Globs over `REPOSITORY` or `REPOSITORY:TAG`, of which one has to fit. Empty: everything.
    pub include: Vec<String>,
    /// Globs of which none may fit.
    pub exclude: Vec<String>,
    /// So many tags of each repository, those whose images were made last.
    pub newest: Option<u32>,
    /// Only images that were made at most so many milliseconds ago.
    pub max_age: Option<i64>,
    /// So many tags of one repository are looked at; what has more says so.
    pub max_tags: Option<u32>,
    /// Look and count, and ask for no scan.
    pub plan_only: bool,
    /// The most requests a second. None: the installation's.
    pub rate: Option<u32>,
    /// The name of the registry credential to use. Never the credential.
    pub credential: Option<String>,
    /// Talk to the registry without TLS.
    pub plain_http: bool,
    /// A key of the asker's; a repeated request with the same key is the same crawl.
    pub idempotency_key: Option<String>,
}

impl CrawlRequest {
    /// The most repositories that can be named.
    pub const MAX_REPOSITORIES: usize = 10_000;
    /// The most tags per repository that can be kept apart as the newest.
    pub const MAX_NEWEST: u32 = 10_000;
    /// The lane of the scans a crawl asks for.
    pub const LANE: Lane = Lane::Backfill;

    /// Checks every bound, so that nothing behind the door has to.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn check(&self) -> Result<(), RequestError> {
        if self.registry.is_empty() {
            return Err(RequestError::NoRegistry);
        }
        text("registry", &self.registry)?;
        text("credential", self.credential.as_deref().unwrap_or_default())?;
        text("idempotency_key", self.idempotency_key.as_deref().unwrap_or_default())?;
        for (field, texts, max) in [
            ("repositories", &self.repositories, Self::MAX_REPOSITORIES),
            ("include", &self.include, ScanRequest::MAX_ITEMS),
            ("exclude", &self.exclude, ScanRequest::MAX_ITEMS),
        ] {
            if texts.len() > max {
                return Err(RequestError::TooMany { field, len: texts.len(), max });
            }
            texts.iter().try_for_each(|one| text(field, one))?;
        }
        let newest = self.newest.unwrap_or_default();
        if newest > Self::MAX_NEWEST {
            let (len, max) = (newest as usize, Self::MAX_NEWEST as usize);
            return Err(RequestError::TooMany { field: "newest", len, max });
        }
        Ok(())
    }
}

fn text(field: &'static str, text: &str) -> Result<(), RequestError> {
    let max = ScanRequest::MAX_NAME;
    if text.len() > max {
        return Err(RequestError::TooLong { field, len: text.len(), max });
    }
    if text.chars().any(char::is_control) { Err(RequestError::Control(field)) } else { Ok(()) }
}

/// The name of a crawl: as that of a scan, but nobody takes one for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CrawlId(ScanId);

/// A text that is not a [`CrawlId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a crawl; expected a UUID like 0193e4a0-8c1f-7d2a-9a6b-0123456789ab")]
pub struct CrawlIdError(String);

impl CrawlId {
    /// An id from the moment, in milliseconds since the epoch, and random bytes of the caller.
    pub fn new(now: i64, random: [u8; 10]) -> Self {
        Self(ScanId::new(now, random))
    }
}

impl fmt::Display for CrawlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for CrawlId {
    type Err = CrawlIdError;

    fn from_str(text: &str) -> Result<Self, CrawlIdError> {
        text.parse().map(Self).map_err(|_| CrawlIdError(text.chars().take(100).collect()))
    }
}

/// How far a crawl is. All but the first are terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrawlState {
    /// The registry is being looked at.
    Running,
    /// Everything was looked at. The scans it asked for may still be under way.
    Done,
    /// It had to be given up.
    Failed,
    /// Somebody asked for it to end.
    Cancelled,
}

/// A text that is not a [`CrawlState`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the state of a crawl; expected running, done, failed or cancelled")]
pub struct CrawlStateError(String);

impl CrawlState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True if it stays as it is for ever.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Running)
    }
}

impl fmt::Display for CrawlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CrawlState {
    type Err = CrawlStateError;

    fn from_str(text: &str) -> Result<Self, CrawlStateError> {
        let found = Self::ALL.iter().find(|state| state.as_str() == text);
        found.copied().ok_or_else(|| CrawlStateError(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> CrawlRequest {
        CrawlRequest { registry: "registry.example".into(), ..CrawlRequest::default() }
    }

    #[test]
    fn bounds_hold_at_the_limit_and_not_beyond() {
        assert_eq!(request().check(), Ok(()));
        assert_eq!(CrawlRequest::default().check(), Err(RequestError::NoRegistry));
        let globs = |count| CrawlRequest { include: vec!["a/*".into(); count], ..request() };
        assert_eq!(globs(64).check(), Ok(()));
        assert!(matches!(globs(65).check(), Err(RequestError::TooMany { field: "include", .. })));
        let named = |count| CrawlRequest { repositories: vec!["a".into(); count], ..request() };
        assert_eq!(named(10_000).check(), Ok(()));
        assert!(named(10_001).check().is_err());
        let newest = |newest| CrawlRequest { newest: Some(newest), ..request() };
        assert_eq!(newest(10_000).check(), Ok(()));
        assert!(newest(10_001).check().is_err());
        let glob = CrawlRequest { exclude: vec!["a\n".into()], ..request() };
        assert_eq!(glob.check(), Err(RequestError::Control("exclude")));
    }

    #[test]
    fn a_request_survives_json_also_when_fields_are_missing() {
        let request = CrawlRequest { newest: Some(3), ..request() };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<CrawlRequest>(&json).unwrap(), request);
        assert_eq!(serde_json::from_str::<CrawlRequest>("{}").unwrap(), CrawlRequest::default());
    }

    #[test]
    fn text_forms_round_trip() {
        for state in CrawlState::ALL {
            assert_eq!(state.to_string().parse(), Ok(*state));
        }
        let id = CrawlId::new(1_700_000_000_000, [7; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("1".parse::<CrawlId>().is_err() && "over".parse::<CrawlState>().is_err());
    }
}
