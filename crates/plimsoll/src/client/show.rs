//! What is shown of scans and verdicts.

use std::process::ExitCode;

use plimsoll_api::client::messages as v1;
use plimsoll_types::report::VerdictStatus;

use super::Trouble;
use crate::exit;

/// A message on one line, without what a hostile name could do to a terminal.
pub(super) fn one_line(message: &str) -> String {
    plimsoll_report::sanitize::one_line(message).into_owned()
}

/// The status a server sent. One this version does not know is no pass.
pub(super) fn status(status: v1::VerdictStatus) -> VerdictStatus {
    match status {
        v1::VerdictStatus::Pass => VerdictStatus::Pass,
        v1::VerdictStatus::Warn => VerdictStatus::Warn,
        v1::VerdictStatus::Fail => VerdictStatus::Fail,
        v1::VerdictStatus::NotJudged | v1::VerdictStatus::Unspecified => VerdictStatus::NotJudged,
    }
}

/// One verdict: `fail  linux/amd64  registry.example/app@sha256:…  document sha256:…`.
pub(super) fn verdict(verdict: &v1::Verdict) -> String {
    let name = repository(&verdict.reference);
    one_line(&format!(
        "{:<10}  {:<12}  {name}@{}  document {}",
        status(verdict.status()).as_str(),
        verdict.platform,
        verdict.manifest_digest,
        verdict.document_digest
    ))
}

/// A reference without tag and digest.
fn repository(reference: &str) -> &str {
    let name = reference.split_once('@').map_or(reference, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// How far a scan is, in a few words.
pub(super) fn progress(scan: &v1::Scan) -> String {
    match scan.state() {
        v1::ScanState::Analyzing => {
            format!("analyzing, layer {} of {}", scan.layers_settled, scan.layers_total)
        }
        state => word(state).to_owned(),
    }
}

/// The text form of a state.
pub(super) fn word(state: v1::ScanState) -> &'static str {
    match state {
        v1::ScanState::Unspecified => "unknown",
        v1::ScanState::Submitted => "submitted",
        v1::ScanState::Analyzing => "analyzing",
        v1::ScanState::Judged => "judged",
        v1::ScanState::Failed => "failed",
        v1::ScanState::Gone => "gone",
        v1::ScanState::Cancelled => "cancelled",
    }
}

/// Prints the verdicts of a scan that has ended, and gives the exit code; if it has none, why.
pub(super) fn ended(scan: &v1::Scan, warn: u8) -> Result<ExitCode, Trouble> {
    for one in &scan.verdicts {
        say(&verdict(one))?;
    }
    if scan.state() == v1::ScanState::Judged {
        return Ok(ExitCode::from(exit::of(status(scan.status()), warn)));
    }
    let why = match &scan.failure {
        Some(failure) => format!("{} ({})", failure.message, failure.kind),
        None if scan.state() == v1::ScanState::Cancelled => {
            "somebody cancelled it; submit it again".to_owned()
        }
        None => "the server does not say why".to_owned(),
    };
    Err(Trouble::new(format!("scan {} of {}: {}: {why}", scan.id, scan.reference, word(scan.state()))))
}

/// A line on standard output.
pub(super) fn say(line: &str) -> Result<(), Trouble> {
    use std::io::Write as _;
    writeln!(std::io::stdout().lock(), "{line}")
        .map_err(|error| Trouble::new(format!("cannot write to standard output: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_the_digest_that_was_judged() {
        let judged = v1::Verdict {
            status: v1::VerdictStatus::NotJudged.into(),
            reference: "127.0.0.1:5000/app:1".into(),
            platform: "linux/amd64".into(),
            manifest_digest: "sha256:ab".into(),
            document_digest: "sha256:cd".into(),
            ..Default::default()
        };
        assert_eq!(
            verdict(&judged),
            "not_judged  linux/amd64   127.0.0.1:5000/app@sha256:ab  document sha256:cd"
        );
    }

    #[test]
    fn repositories_lose_tag_and_digest_and_no_port() {
        assert_eq!(repository("127.0.0.1:5000/app"), "127.0.0.1:5000/app");
        assert_eq!(repository("a.example/app:1@sha256:ab"), "a.example/app");
    }

    #[test]
    fn a_status_of_a_newer_server_is_no_pass() {
        let newer = v1::Verdict { status: 99, ..Default::default() };
        assert_eq!(status(newer.status()), VerdictStatus::NotJudged);
    }

    #[test]
    fn a_scan_without_a_verdict_says_why_and_is_not_judged() {
        let gone = v1::Scan {
            id: "7".into(),
            reference: "app:1".into(),
            state: v1::ScanState::Gone.into(),
            failure: Some(v1::Failure {
                kind: "not_found".into(),
                message: "layer sha256:ab is gone".into(),
                retryable: false,
            }),
            ..Default::default()
        };
        let trouble = ended(&gone, 2).unwrap_err();
        assert_eq!(trouble.to_string(), "scan 7 of app:1: gone: layer sha256:ab is gone (not_found)");
    }
}
