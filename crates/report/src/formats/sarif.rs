//! SARIF 2.1.0 (OASIS), shaped as GitHub code scanning and others read it.

mod log;
mod result;
mod rule;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use plimsoll_types::Package;
use plimsoll_types::report::{Reason, Report};

use crate::sanitize::sanitize;
use log::{Driver, Invocation, Level, Log, Message, Notification, Run, Tool};
use rule::Rules;

pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &log(report))?;
    out.write_all(b"\n")
}

/// What results are made from, looked up once.
struct Facts<'a> {
    report: &'a Report,
    packages: HashMap<&'a str, &'a Package>,
    /// Reasons of gate `vulnerabilities`, by trigger id.
    reasons: HashMap<&'a str, &'a Reason>,
}

/// Gate whose reasons are shown as the findings they are about.
const VULNERABILITIES: &str = "vulnerabilities";

fn log(report: &Report) -> Log<'_> {
    let of_findings = report.verdict.reasons.iter().filter(|reason| reason.gate == VULNERABILITIES);
    let facts = Facts {
        report,
        packages: report.packages.iter().map(|package| (package.id.as_str(), package)).collect(),
        reasons: of_findings.map(|reason| (reason.trigger_id.as_str(), reason)).collect(),
    };
    let mut rules = Rules::default();
    let mut results = Vec::new();
    for found in &report.vulnerabilities {
        results.extend(result::finding(found, &facts, &mut rules));
    }
    for reason in report.verdict.reasons.iter().filter(|reason| reason.gate != VULNERABILITIES) {
        results.push(result::reason(reason, &facts, &mut rules));
    }
    Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "plimsoll",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: rules.into_vec(),
                },
            },
            invocations: [invocation(report)],
            results,
            column_kind: "unicodeCodePoints",
        }],
    }
}

fn invocation(report: &Report) -> Invocation<'_> {
    let error = report.error.iter().map(|error| Notification {
        level: Level::Error,
        message: Message { text: message(&error.message) },
    });
    let blind = report.coverage.blind_spots.iter().map(|spot| Notification {
        level: Level::Warning,
        message: Message { text: message(&format!("{} ({}): {}", spot.kind, spot.subject, spot.message)) },
    });
    Invocation {
        execution_successful: report.error.is_none(),
        exit_code: report.verdict.exit_code,
        end_time_utc: &report.verdict.evaluated_at,
        tool_execution_notifications: error.chain(blind).collect(),
    }
}

/// A text of a stranger as a SARIF message, in which braces are placeholders (section 3.11.5) and brackets may
/// begin a link (3.11.6).
fn message(text: &str) -> String {
    let text = sanitize(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            '[' | ']' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Where a person can read about an advisory or vulnerability.
pub(crate) fn advisory_url(id: &str) -> String {
    format!("https://osv.dev/vulnerability/{}", percent_encode(id, b""))
}

/// A path inside the image as a relative reference: `opt/app.jar` for `/opt/app.jar`.
fn relative_uri(path: &str) -> String {
    percent_encode(path.trim_start_matches('/'), b"/")
}

/// Everything but unreserved characters (RFC 3986, section 2.3) and what `also` allows; no colon, which would
/// end a scheme. `..` loses its meaning, for it must not lead out of the image.
fn percent_encode(text: &str, also: &[u8]) -> String {
    let text = if text.split('/').any(|part| part == "..") {
        Cow::Owned(text.split('/').filter(|part| *part != "..").collect::<Vec<_>>().join("/"))
    } else {
        Cow::Borrowed(text)
    };
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || also.contains(&byte) {
            out.push(byte as char);
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests;
