//! Why something is not taken.

use plimsoll_types::Retry;

/// Why a message is no event. Whoever sent it would have to send another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// The longest reason: it may quote what strangers wrote.
const MAX_REASON: usize = 500;

impl Malformed {
    /// With a reason for a person to read.
    pub fn new(why: impl Into<String>) -> Self {
        let why: String = why.into();
        Self(why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect())
    }
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!("not the JSON of an event: {error}"))
    }
}

/// Why a webhook is turned away. Nothing of what it brought was submitted, unless the state failed half way: then it
/// can be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// Nobody is meant to send something here.
    #[error("there is no webhook here; those there are: {0}")]
    Unknown(String),
    /// It does not prove that it comes from whom it should.
    #[error("this is not signed with a secret of this webhook: {0}")]
    Stranger(&'static str),
    /// It is larger than events are.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// It is no event.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The scan could not be made durable.
    #[error("it cannot be taken now; send it again: {0}")]
    State(#[from] plimsoll_state::Error),
}

impl Rejection {
    /// The status of HTTP that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown(_) => 404,
            Self::Stranger(_) => 401,
            Self::TooLarge(_) => 413,
            Self::Malformed(_) => 400,
            Self::State(_) => 503,
        }
    }

    /// What may be told to whoever sent it. What failed behind the door is not theirs to know.
    pub fn told(&self) -> String {
        match self {
            Self::State(_) => "it cannot be taken now; send it again".to_owned(),
            other => other.to_string(),
        }
    }
}

/// Why a configuration of webhooks cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebhooksError(pub(crate) String);

/// Whether an error of the state may pass.
pub(crate) fn passes(error: &plimsoll_state::Error) -> bool {
    matches!(error.retry(), Retry::After(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_on_one_line() {
        let why = Malformed::new(format!("a\n\u{1b}[31m{}", "é".repeat(1000))).to_string();
        assert_eq!(why.chars().count(), MAX_REASON);
        assert!(!why.chars().any(char::is_control));
    }

    #[test]
    fn strangers_do_not_learn_what_failed_behind_the_door() {
        let failed = Rejection::from(plimsoll_state::Error::Usage("the password is hunter2"));
        assert!(!failed.told().contains("hunter2"));
        assert_eq!(failed.status(), 503);
        assert!(Rejection::from(Malformed::new("no digest")).told().contains("no digest"));
    }
}
