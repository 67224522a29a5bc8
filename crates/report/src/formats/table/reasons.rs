//! Why the verdict is what it is, besides vulnerabilities; what was not seen; what was accepted.

use plimsoll_types::report::{Action, Reason, Report};

use super::columns::{pad, widest};
use super::count;
use super::style::Page;
use crate::sanitize::sanitize;

/// How many reasons of one kind are listed before the rest is counted.
const LISTED: usize = 40;

const COVERAGE: &str = "coverage";
const VULNERABILITIES: &str = "vulnerabilities";

/// Reasons that count and are not already in the table of upgrades.
pub(super) fn section(report: &Report, page: &mut Page) {
    let live = || report.verdict.reasons.iter().filter(|reason| reason.allowlisted.is_none());
    let other: Vec<&Reason> =
        live().filter(|reason| reason.gate != VULNERABILITIES && reason.gate != COVERAGE).collect();
    if !other.is_empty() {
        page.heading("OTHER REASONS");
        list(page, &other);
    }
    let blind: Vec<&Reason> = live().filter(|reason| reason.gate == COVERAGE).collect();
    if !blind.is_empty() {
        page.heading("NOT SEEN");
        list(page, &blind);
    } else if !report.coverage.blind_spots.is_empty() {
        // Nothing was judged, so nothing but the coverage itself tells of them.
        page.heading("NOT SEEN");
        for spot in report.coverage.blind_spots.iter().take(LISTED) {
            let subject = sanitize(&spot.subject);
            page.paragraph(2, &format!("{} ({subject}): {}", spot.kind, sanitize(&spot.message)));
        }
        more(page, report.coverage.blind_spots.len());
    }
}

fn list(page: &mut Page, reasons: &[&Reason]) {
    let width = widest(reasons.iter().map(|reason| reason.action.as_str()));
    for reason in reasons.iter().take(LISTED) {
        let word = pad(reason.action.as_str(), width);
        let shown = page.action(reason.action, &word);
        let message = sanitize(&reason.message);
        let text = match reason.gate.as_str() {
            // The heading says it.
            COVERAGE => message.into_owned(),
            gate => format!("{}.{}: {message}", sanitize(gate), sanitize(&reason.trigger)),
        };
        page.marked(2, &word, &shown, &text);
    }
    more(page, reasons.len());
}

fn more(page: &mut Page, listed: usize) {
    if listed > LISTED {
        page.paragraph(2, &format!("and {} more; --format json has all", listed - LISTED));
    }
}

/// What somebody has accepted, why and until when.
pub(super) fn allowlisted(report: &Report, page: &mut Page) {
    let excused: Vec<_> = report
        .verdict
        .reasons
        .iter()
        .filter_map(|reason| reason.allowlisted.as_ref().map(|excuse| (reason, excuse)))
        .collect();
    if excused.is_empty() {
        return;
    }
    page.heading("ALLOWED");
    for (reason, excuse) in excused.iter().take(LISTED) {
        let why = excuse.reason.as_deref().map(|why| format!(": {}", sanitize(why))).unwrap_or_default();
        let until = excuse.expires.as_deref().map(|end| format!(" until {end}")).unwrap_or_default();
        let id = sanitize(&reason.trigger_id);
        page.paragraph(2, &format!("{id}, by {}{until}{why}", sanitize(&excuse.list)));
    }
    more(page, excused.len());
}

/// `2 reasons to stop, 1 to warn, 1 allowed`.
pub(super) fn summary(report: &Report) -> String {
    let live = |action| {
        let reasons = report.verdict.reasons.iter();
        reasons.filter(|reason| reason.allowlisted.is_none() && reason.action == action).count()
    };
    let excused = report.verdict.reasons.iter().filter(|reason| reason.allowlisted.is_some()).count();
    let mut parts = Vec::new();
    for (number, what) in [
        (live(Action::Stop), "to stop"),
        (live(Action::NotJudged), "not to judge"),
        (live(Action::Warn), "to warn"),
    ] {
        match (number, parts.is_empty()) {
            (0, _) => {}
            (number, true) => parts.push(format!("{} {what}", count(number, "reason"))),
            (number, false) => parts.push(format!("{number} {what}")),
        }
    }
    if excused > 0 {
        parts.push(format!("{excused} allowed"));
    }
    match (parts.is_empty(), &report.error) {
        (true, Some(_)) => "because of the error above".to_owned(),
        (true, None) => "nothing found against it".to_owned(),
        (false, _) => parts.join(", "),
    }
}
