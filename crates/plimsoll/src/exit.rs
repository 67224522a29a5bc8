//! Exit codes: a contract others script against.

use std::process::ExitCode;

use plimsoll_types::report::VerdictStatus;

/// EX_USAGE of sysexits.h; clap's own 2 would read as "warn".
const USAGE: u8 = 64;

/// Prints what clap has to say: help and version are no mistakes.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell if standard error is closed.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
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
    fn only_warn_can_be_changed() {
        let codes = [VerdictStatus::Pass, VerdictStatus::Fail, VerdictStatus::Warn, VerdictStatus::NotJudged];
        assert_eq!(codes.map(|status| of(status, 0)), [0, 1, 0, 3]);
        assert_eq!(of(VerdictStatus::Warn, 2), 2);
    }
}
