//! What to upgrade, layer by layer.

use plimsoll_types::dockerfile_line;
use plimsoll_types::report::Report;

use super::columns::{cut, pad, widest};
use super::count;
use super::style::Page;
use crate::sanitize::sanitize;
use crate::upgrade::{Upgrade, upgrades};

/// How many ids, names and places of one package are listed before the rest is counted.
const LISTED: usize = 4;

/// One line of the table, before it is aligned.
struct Row {
    severity: String,
    findings: String,
    package: String,
    installed: String,
    to: String,
    details: Vec<String>,
}

pub(super) fn section(report: &Report, page: &mut Page) {
    let upgrades = upgrades(report);
    if upgrades.is_empty() {
        return;
    }
    page.heading("WHAT TO UPGRADE");
    let rows: Vec<Row> = upgrades.iter().map(row).collect();
    let column = |title: &str, cell: fn(&Row) -> &str| widest(rows.iter().map(cell)).max(title.len());
    let widths = [
        column("SEVERITY", |row| &row.severity),
        column("CVES", |row| &row.findings),
        column("PACKAGE", |row| &row.package),
        column("INSTALLED", |row| &row.installed),
    ];
    let titles = ["SEVERITY", "CVES", "PACKAGE", "INSTALLED"];
    let titles: Vec<String> = titles.iter().zip(widths).map(|(title, width)| pad(title, width)).collect();
    let titles = page.dim(&format!("{}  UPGRADE TO", titles.join("  ")));
    page.line(&format!("  {titles}"));

    let mut layer = None;
    for (upgrade, row) in upgrades.iter().zip(&rows) {
        if layer != Some(upgrade.layer) {
            layer = Some(upgrade.layer);
            let line = brought_by(report, upgrade.layer);
            let line = page.width().map_or(line.clone(), |width| cut(&line, width.saturating_sub(2)));
            page.line(&format!("  {line}"));
        }
        let severity = page.severity(upgrade.severity, &pad(&row.severity, widths[0]));
        let to = if upgrade.to.is_some() { page.good(&row.to) } else { page.dim(&row.to) };
        page.line(&format!(
            "  {severity}  {}  {}  {}  {to}",
            pad(&row.findings, widths[1]),
            pad(&row.package, widths[2]),
            pad(&row.installed, widths[3]),
        ));
        for detail in &row.details {
            let indent = 2 + widths[0] + 2 + widths[1] + 2;
            page.aside(indent, detail);
        }
    }
}

fn row(upgrade: &Upgrade<'_>) -> Row {
    let to = match (&upgrade.to, upgrade.unfixed) {
        (Some(to), 0) => sanitize(to).into_owned(),
        (Some(to), unfixed) => format!("{} ({unfixed} without a fix)", sanitize(to)),
        (None, unfixed) if unfixed == upgrade.ids.len() => "no fix is known".to_owned(),
        (None, _) => "no one version fixes all".to_owned(),
    };
    let mut details = vec![list(upgrade.ids.iter().copied())];
    if upgrade.packages.len() > 1 || !upgrade.packages.contains(upgrade.name) {
        details.push(format!("in {}", list(upgrade.packages.iter().copied())));
    }
    if !upgrade.locations.is_empty() {
        details.push(format!("at {}", list(upgrade.locations.iter().copied())));
    }
    Row {
        severity: upgrade.severity.as_str().to_owned(),
        findings: upgrade.ids.len().to_string(),
        package: format!("{} ({})", sanitize(upgrade.name), upgrade.package_type),
        installed: sanitize(upgrade.version).into_owned(),
        to,
        details,
    }
}

fn list<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = texts.len().saturating_sub(LISTED);
    let listed = texts.take(LISTED).map(sanitize).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// The layer and the Dockerfile line behind it.
fn brought_by(report: &Report, layer: Option<u32>) -> String {
    let layers = report.image.as_ref().map(|image| image.layers.as_slice()).unwrap_or_default();
    let Some(index) = layer else { return "in no one layer".to_owned() };
    let position = format!("layer {} of {}", u64::from(index) + 1, layers.len());
    match layers.get(index as usize).and_then(|layer| layer.created_by.as_deref()) {
        Some(created_by) => format!("{position}: {}", sanitize(&dockerfile_line(created_by))),
        None => match layers.get(index as usize) {
            Some(layer) => format!("{position}: no history line fits it; {}", layer.digest),
            None => format!("{} the image does not list", count(1, "layer")),
        },
    }
}
