//! `plimsoll policy`: schema, check, default.

use std::path::Path;
use std::process::ExitCode;

use plimsoll_policy::{DEFAULT_POLICY, Policy, schema};

use crate::cli::PolicyCommand;
use crate::{inputs, output};

/// Runs the command. A policy with mistakes is exit code 1, one that cannot be read 3.
pub(crate) fn run(command: PolicyCommand) -> ExitCode {
    match command {
        PolicyCommand::Default => output::say(DEFAULT_POLICY.trim_end()),
        PolicyCommand::Schema => output::say(&format!("{:#}", schema())),
        PolicyCommand::Check { file } => check(&file),
    }
}

fn check(file: &Path) -> ExitCode {
    let text = match inputs::text(file) {
        Ok(text) => text,
        Err(why) => {
            eprintln!("plimsoll: policy {why}");
            return ExitCode::from(3);
        }
    };
    match Policy::parse(&text) {
        Ok(policy) => output::say(&format!("{}: a policy, {}", file.display(), policy.digest())),
        Err(mistakes) => {
            for mistake in &mistakes {
                eprintln!("{}:{mistake}", file.display());
            }
            ExitCode::FAILURE
        }
    }
}
