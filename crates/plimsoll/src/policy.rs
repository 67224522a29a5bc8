//! `plimsoll policy`: schema, check (of policies and of allowlists), default.

use std::path::Path;
use std::process::ExitCode;

use plimsoll_policy::{Allowlist, DEFAULT_POLICY, Policy, schema};

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
            output::complain(&format!("cannot read {why}"));
            return ExitCode::from(3);
        }
    };
    let shown = file.display();
    let read = if Allowlist::is_named_in(&text) {
        Allowlist::parse(&text, &shown.to_string()).map(|list| format!("an allowlist, {}", list.digest()))
    } else {
        Policy::parse(&text).map(|policy| format!("a policy, {}", policy.digest()))
    };
    match read {
        Ok(what) => output::say(&format!("{shown}: {what}")),
        Err(mistakes) => {
            for mistake in &mistakes {
                eprintln!("{shown}: {mistake}");
            }
            ExitCode::FAILURE
        }
    }
}
