//! Exit codes: a contract others script against.

use std::process::ExitCode;

use plimsoll_types::report::VerdictStatus;

/// EX_USAGE of sysexits.h; clap's own 2 would read as "warn".
const USAGE: u8 = 64;

/// Prints what clap has to say: help and version are no mistakes, and a mistake is one line, as all our errors are.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    let asked_for_nothing = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && !asked_for_nothing {
        eprintln!("plimsoll: {}", mistake(&error.render().to_string()));
    } else {
        // Nobody is left to tell if standard error is closed.
        drop(error.print());
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

/// What clap writes in paragraphs, in one line: what is wrong, its tips, and which help to ask.
fn mistake(rendered: &str) -> String {
    let (what, usage) = rendered.split_once("\nUsage: ").unwrap_or((rendered, "plimsoll"));
    let what = what.split("\nFor more information").next().unwrap_or(what);
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let bracketed = |line: &str| match line.strip_prefix("tip: ") {
        Some(tip) => format!("({tip})"),
        None => line.to_owned(),
    };
    let lines = what.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(bracketed).collect();
    // The path of commands is the words before the first argument.
    let is_command = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
    let command: Vec<&str> = usage.split_whitespace().take_while(is_command).collect();
    format!("{}; see '{} --help'", lines.join(" "), command.join(" "))
}

/// The code of a command line that makes no sense in a way clap cannot see.
pub(crate) fn usage_code() -> ExitCode {
    ExitCode::from(USAGE)
}

/// Runs a command. Rust's code for a panic, 101, is none of those others script against: whatever was asked, it was not
/// answered.
pub(crate) fn or_panicked(command: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(command)).unwrap_or_else(|_| {
        eprintln!("plimsoll: it panicked; please report it with the text above");
        ExitCode::from(VerdictStatus::NotJudged.exit_code())
    })
}

/// The code of a scan. `warn` is what the user wants warnings to be; nothing makes "not judged" a success.
pub(crate) fn of(status: VerdictStatus, warn: u8) -> u8 {
    match status {
        VerdictStatus::Warn => warn,
        status => status.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_not_judged() {
        let shown = |code: ExitCode| format!("{code:?}");
        assert_eq!(shown(or_panicked(|| panic!("on purpose"))), shown(ExitCode::from(3)));
        assert_eq!(shown(or_panicked(|| ExitCode::from(2))), shown(ExitCode::from(2)));
    }

    #[test]
    fn a_mistake_is_one_line_that_names_the_help() {
        let line = |arguments: &[&str]| {
            use clap::Parser as _;
            let parsed = crate::cli::Cli::try_parse_from([&["plimsoll"], arguments].concat());
            let Err(error) = parsed else { panic!("{arguments:?} is no mistake") };
            mistake(&error.render().to_string())
        };
        let unknown = line(&["scan", "image:1", "--formt", "json"]);
        assert!(unknown.starts_with("unexpected argument '--formt' found"), "{unknown}");
        assert!(unknown.contains("'--format'"), "clap's tip is kept: {unknown}");
        assert!(unknown.ends_with("; see 'plimsoll scan --help'"), "{unknown}");
        let missing = line(&["scan"]);
        assert!(missing.contains("<IMAGE>"), "{missing}");
        for line in [unknown, missing, line(&["scna"]), line(&["db", "build", "x"])] {
            assert!(!line.contains('\n') && line.contains("--help'"), "{line}");
        }
    }

    #[test]
    fn only_warn_can_be_changed() {
        let codes = [VerdictStatus::Pass, VerdictStatus::Fail, VerdictStatus::Warn, VerdictStatus::NotJudged];
        assert_eq!(codes.map(|status| of(status, 0)), [0, 1, 0, 3]);
        assert_eq!(of(VerdictStatus::Warn, 2), 2);
    }
}
