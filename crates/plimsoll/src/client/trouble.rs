//! What keeps a command from answering.

use std::process::ExitCode;

use plimsoll_api::client::Error;

/// One line for a person, and an exit code.
#[derive(Debug)]
pub(super) struct Trouble {
    message: String,
    usage: bool,
}

impl Trouble {
    /// Exit code 3.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: false }
    }

    /// Exit code 64: the command line makes no sense.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: true }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.usage { 64 } else { 3 })
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match &error {
            // The flag is the command line's to name.
            Error::TokenInTheClear { .. } => Self::usage(format!("{error} (--token-in-the-clear)")),
            Error::Server { .. } | Error::Token => Self::usage(error.to_string()),
            _ if error.is_invalid() => Self::usage(error.to_string()),
            _ => Self::new(error.to_string()),
        }
    }
}

impl From<plimsoll_state::Error> for Trouble {
    fn from(error: plimsoll_state::Error) -> Self {
        match error {
            plimsoll_state::Error::Url(_) => Self::usage(format!("--state: {error}")),
            _ => Self::new(format!("--state: {error}")),
        }
    }
}
