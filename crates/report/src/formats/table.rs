//! For a person: what is wrong, what to upgrade, which line of which Dockerfile brought it, and the verdict
//! last, where a terminal stops scrolling.

mod columns;
mod reasons;
mod style;
mod upgrades;

use plimsoll_types::report::{Report, VerdictStatus};

use crate::format::Options;
use crate::sanitize::sanitize;
use style::Page;

pub(crate) fn render(report: &Report, options: &Options) -> String {
    let mut page = Page::new(options);
    head(report, &mut page);
    upgrades::section(report, &mut page);
    reasons::section(report, &mut page);
    reasons::allowlisted(report, &mut page);
    if let Some(error) = &report.error {
        page.heading("ERROR");
        page.paragraph(2, &sanitize(&error.message));
        if error.retryable {
            page.paragraph(2, "the same command may work later");
        }
    }
    verdict(report, &mut page);
    page.finish()
}

/// What was judged.
fn head(report: &Report, page: &mut Page) {
    let Some(image) = &report.image else { return };
    page.strong(&sanitize(&image.reference));
    let (Some(digest), Some(platform)) = (image.digest, &image.platform) else { return };
    let distro = report.distro.as_ref();
    let distro = distro.map(|distro| distro.pretty_name.as_deref().unwrap_or(&distro.id));
    let known = image.layers.iter().filter(|layer| layer.known).count();
    page.paragraph(2, &digest.to_string());
    page.paragraph(
        2,
        &format!(
            "{platform} · {} · {} · {}",
            sanitize(distro.unwrap_or("no distribution")),
            count(report.packages.len(), "package"),
            match (count(image.layers.len(), "layer"), known) {
                (layers, 0) => layers,
                (layers, known) => format!("{layers}, {known} already known"),
            }
        ),
    );
}

fn verdict(report: &Report, page: &mut Page) {
    let word = match report.verdict.status {
        VerdictStatus::Pass => "PASS",
        VerdictStatus::Warn => "WARN",
        VerdictStatus::Fail => "FAIL",
        VerdictStatus::NotJudged => "NOT JUDGED",
    };
    let summary = reasons::summary(report);
    page.verdict(report.verdict.status, word, &summary);
}

/// `1 layer`, `2 layers`.
fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests;
