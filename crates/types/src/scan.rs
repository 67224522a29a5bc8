//! A scan: somebody's request for a verdict, and how far it is.

mod id;
mod lane;
mod request;
mod tenant;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use id::{ScanId, ScanIdError};
pub use lane::{Lane, LaneError};
pub use request::{RequestError, ScanRequest};
pub use tenant::{Tenant, TenantError};

/// How far a scan is. The last four states are terminal: a scan that reached one never leaves it.
///
/// A scan whose deadline passed is [`ScanState::Judged`] too; its verdict is "not judged" and says how many layers
/// were known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanState {
    /// Accepted; nobody has resolved the reference yet.
    Submitted,
    /// Resolved and planned: targets and layers are known, some layers may be outstanding.
    Analyzing,
    /// Every target has its verdict.
    Judged,
    /// It cannot be judged, and [`Failure`] says why.
    Failed,
    /// The image, or one of its layers, is gone from its registry.
    Gone,
    /// Somebody asked for it to end.
    Cancelled,
}

/// A text that is not a [`ScanState`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scan state; expected submitted, analyzing, judged, failed, gone or cancelled")]
pub struct ScanStateError(String);

impl ScanState {
    /// Every state, in the order a scan can go through them.
    pub const ALL: &'static [Self] =
        &[Self::Submitted, Self::Analyzing, Self::Judged, Self::Failed, Self::Gone, Self::Cancelled];

    /// The text form, as in JSON and in databases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Analyzing => "analyzing",
            Self::Judged => "judged",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Cancelled => "cancelled",
        }
    }

    /// True if the scan stays as it is for ever.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Submitted | Self::Analyzing)
    }
}

impl fmt::Display for ScanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ScanState {
    type Err = ScanStateError;

    fn from_str(text: &str) -> Result<Self, ScanStateError> {
        let found = Self::ALL.iter().find(|state| state.as_str() == text);
        found.copied().ok_or_else(|| ScanStateError(text.chars().take(40).collect()))
    }
}

/// Why something ended badly, or has to wait: for the person who asked, and for the machine that tries again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// A stable snake_case word: `unauthorized`, `not_found`, `digest_mismatch`, `memory_limit`.
    pub kind: String,
    /// One or two sentences for a person: what happened, to what, and what to do. Never a secret.
    pub message: String,
    /// Whether the adapter that saw it thinks that another attempt can help.
    pub retryable: bool,
}

impl Failure {
    /// A failure that stays one, however often it is tried.
    pub fn lasting(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), retryable: false }
    }

    /// A failure that may pass.
    pub fn passing(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), retryable: true }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_the_serde_form() {
        for state in ScanState::ALL {
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{state}\""));
            assert_eq!(state.to_string().parse(), Ok(*state));
        }
        assert!("done".parse::<ScanState>().is_err());
    }

    #[test]
    fn only_a_scan_somebody_still_works_on_can_change() {
        let open: Vec<_> = ScanState::ALL.iter().filter(|state| !state.is_terminal()).collect();
        assert_eq!(open, [&ScanState::Submitted, &ScanState::Analyzing]);
    }
}
