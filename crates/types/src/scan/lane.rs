//! How urgent work is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who waits for a scan. Lanes compare by urgency: the greatest is the most urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Nobody waits: a registry is worked through.
    Backfill,
    /// Somebody pushed an image and a pipeline goes on without us.
    Push,
    /// Somebody waits for the answer. What a request means when it does not say.
    #[default]
    Interactive,
}

/// A text that is not a [`Lane`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a lane; expected interactive, push or backfill")]
pub struct LaneError(String);

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: &'static [Self] = &[Self::Interactive, Self::Push, Self::Backfill];

    /// The text form, as in JSON and in names of queues.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Push => "push",
            Self::Backfill => "backfill",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lane {
    type Err = LaneError;

    fn from_str(text: &str) -> Result<Self, LaneError> {
        let found = Self::ALL.iter().find(|lane| lane.as_str() == text);
        found.copied().ok_or_else(|| LaneError(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_goes_from_the_most_urgent_down() {
        assert!(Lane::ALL.is_sorted_by(|a, b| a > b));
        assert_eq!(Lane::ALL.len(), 3);
    }

    #[test]
    fn text_form_is_the_serde_form() {
        for lane in Lane::ALL {
            assert_eq!(serde_json::to_string(lane).unwrap(), format!("\"{lane}\""));
            assert_eq!(lane.to_string().parse(), Ok(*lane));
        }
        assert!("urgent".parse::<Lane>().is_err());
    }
}
