//! What somebody asks for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BlindKind, Digest, Lane, Platform, Tenant};

/// A request for a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanRequest {
    /// Who asks.
    pub tenant: Tenant,
    /// The image as the asker wrote it.
    pub reference: String,
    /// The platforms to judge. Empty: every platform of an index, or the one there is.
    pub platforms: Vec<Platform>,
    /// The policy, by the digest of its bytes in the store. None: the one in force when it is judged.
    pub policy: Option<Digest>,
    /// Allowlists, by the digests of their bytes in the store.
    pub allowlists: Vec<Digest>,
    /// Kinds of blind spots the asker accepts.
    pub allow_blind: Vec<BlindKind>,
    /// How urgent it is.
    pub lane: Lane,
    /// When an answer is due at the latest, in milliseconds since the epoch.
    pub deadline: Option<i64>,
    /// The URL the verdict is posted to.
    pub callback: Option<String>,
    /// A key of the asker's; a repeated request with the same key is the same scan.
    pub idempotency_key: Option<String>,
    /// Whatever the asker wants to find the scan by.
    pub labels: BTreeMap<String, String>,
    /// The name of the registry credential to use. Never the credential.
    pub credential: Option<String>,
    /// Talk to the registry without TLS.
    pub plain_http: bool,
}

/// What is wrong with a [`ScanRequest`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No reference.
    #[error("the request names no image; set reference")]
    NoReference,
    /// No registry.
    #[error("the request names no registry; set registry")]
    NoRegistry,
    /// A text is longer than anything sensible.
    #[error("{field} is {len} bytes long; {max} is the most")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The bound in bytes.
        max: usize,
    },
    /// A list has too many items.
    #[error("{field} has {len} items; {max} is the most")]
    TooMany {
        /// Which field.
        field: &'static str,
        /// How many.
        len: usize,
        /// The bound.
        max: usize,
    },
    /// A text holds a control character.
    #[error("{0} holds a control character; remove it")]
    Control(&'static str),
}

impl ScanRequest {
    /// The longest reference, in bytes.
    pub const MAX_REFERENCE: usize = 2048;
    /// The longest callback URL, in bytes.
    pub const MAX_CALLBACK: usize = 2048;
    /// The longest idempotency key or credential name, in bytes.
    pub const MAX_NAME: usize = 255;
    /// The longest key or value of a label, in bytes.
    pub const MAX_LABEL: usize = 255;
    /// The most items in a list or labels on a request.
    pub const MAX_ITEMS: usize = 64;

    /// A request for one image with everything else left to the installation.
    pub fn new(tenant: Tenant, reference: impl Into<String>) -> Self {
        Self { tenant, reference: reference.into(), ..Self::default() }
    }

    /// Checks every bound, so that nothing behind the door has to.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn check(&self) -> Result<(), RequestError> {
        if self.reference.is_empty() {
            return Err(RequestError::NoReference);
        }
        text("reference", &self.reference, Self::MAX_REFERENCE)?;
        text("callback", self.callback.as_deref().unwrap_or_default(), Self::MAX_CALLBACK)?;
        text("idempotency_key", self.idempotency_key.as_deref().unwrap_or_default(), Self::MAX_NAME)?;
        text("credential", self.credential.as_deref().unwrap_or_default(), Self::MAX_NAME)?;
        items("platforms", self.platforms.len())?;
        items("allowlists", self.allowlists.len())?;
        items("allow_blind", self.allow_blind.len())?;
        items("labels", self.labels.len())?;
        for (key, value) in &self.labels {
            text("a label's key", key, Self::MAX_LABEL)?;
            text("a label's value", value, Self::MAX_LABEL)?;
        }
        self.platforms.iter().try_for_each(|it| text("a platform", &it.to_string(), Self::MAX_NAME))
    }

    /// True if `other` asks for the same: what an idempotency key stands for. The deadline does not count, since
    /// an asker that counts it from now names another one whenever it repeats itself.
    pub fn asks_the_same_as(&self, other: &Self) -> bool {
        Self { deadline: None, ..self.clone() } == Self { deadline: None, ..other.clone() }
    }
}

fn text(field: &'static str, text: &str, max: usize) -> Result<(), RequestError> {
    if text.len() > max {
        return Err(RequestError::TooLong { field, len: text.len(), max });
    }
    if text.chars().any(char::is_control) { Err(RequestError::Control(field)) } else { Ok(()) }
}

fn items(field: &'static str, len: usize) -> Result<(), RequestError> {
    let max = ScanRequest::MAX_ITEMS;
    if len > max { Err(RequestError::TooMany { field, len, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ScanRequest {
        ScanRequest::new(Tenant::default(), "registry.example/app:1")
    }

    #[test]
    fn a_request_survives_json_also_when_fields_are_missing() {
        let request = ScanRequest { labels: [("a".into(), "b".into())].into(), ..request() };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<ScanRequest>(&json).unwrap(), request);
        let short: ScanRequest = serde_json::from_str(r#"{"reference": "x"}"#).unwrap();
        assert_eq!(short, ScanRequest::new(Tenant::default(), "x"));
    }

    #[test]
    fn bounds_hold_at_the_limit_and_not_beyond() {
        assert_eq!(request().check(), Ok(()));
        assert_eq!(ScanRequest::default().check(), Err(RequestError::NoReference));
        let long = |len| ScanRequest { reference: "r".repeat(len), ..request() };
        assert_eq!(long(2048).check(), Ok(()));
        assert!(matches!(long(2049).check(), Err(RequestError::TooLong { field: "reference", .. })));
        let labels = |n: usize| ScanRequest {
            labels: (0..n).map(|i| (i.to_string(), String::new())).collect(),
            ..request()
        };
        assert_eq!(labels(64).check(), Ok(()));
        assert!(matches!(labels(65).check(), Err(RequestError::TooMany { field: "labels", .. })));
        let key = ScanRequest { idempotency_key: Some("a\0b".into()), ..request() };
        assert_eq!(key.check(), Err(RequestError::Control("idempotency_key")));
    }

    #[test]
    fn a_repeated_request_may_count_its_deadline_anew_and_change_nothing_else() {
        let first = ScanRequest { deadline: Some(1), ..request() };
        assert!(first.asks_the_same_as(&ScanRequest { deadline: Some(2), ..request() }));
        assert!(!first.asks_the_same_as(&ScanRequest { plain_http: true, ..first.clone() }));
    }
}
