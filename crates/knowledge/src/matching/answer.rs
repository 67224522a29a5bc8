//! What a snapshot says of a package, whatever image the package is in.

use plimsoll_types::report::{Cvss, Vulnerability};
use plimsoll_types::{BlindKind, BlindSpot, Package};

/// An answer: findings and blind spots without what is the package's own (id, purl and layer).
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) vulnerabilities: Vec<Vulnerability>,
    pub(super) blind_spots: Vec<BlindSpot>,
}

impl Answer {
    /// Takes up a finding.
    pub(super) fn add(&mut self, finding: &Vulnerability) {
        self.vulnerabilities.push(Vulnerability {
            package_id: String::new(),
            purl: None,
            layer: None,
            ..copy(finding)
        });
    }

    /// Takes up blind spots.
    pub(super) fn add_spots(&mut self, spots: &[BlindSpot]) {
        self.blind_spots.extend(spots.iter().map(|spot| match spot.kind {
            BlindKind::VersionUnparsable => BlindSpot { subject: String::new(), layer: None, ..spot.clone() },
            _ => spot.clone(),
        }));
    }

    /// Its findings, as those of a package.
    pub(super) fn findings<'s>(&'s self, package: &'s Package) -> impl Iterator<Item = Vulnerability> + 's {
        self.vulnerabilities.iter().map(|finding| Vulnerability {
            package_id: package.id.clone(),
            purl: package.purl.clone(),
            layer: package.layer,
            ..copy(finding)
        })
    }

    /// Its blind spots, as those of a package.
    pub(super) fn spots<'s>(&'s self, package: &'s Package) -> impl Iterator<Item = BlindSpot> + 's {
        self.blind_spots.iter().map(|spot| match spot.kind {
            BlindKind::VersionUnparsable => {
                BlindSpot { subject: package.id.clone(), layer: package.layer, ..spot.clone() }
            }
            _ => spot.clone(),
        })
    }

    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let findings: usize = self.vulnerabilities.iter().map(bytes).sum();
        let spots = self.blind_spots.iter();
        let spots: usize =
            spots.map(|spot| size_of::<BlindSpot>() + text(&spot.subject) + text(&spot.message)).sum();
        findings + spots
    }
}

/// A copy without what is the package's own.
fn copy(finding: &Vulnerability) -> Vulnerability {
    Vulnerability {
        id: finding.id.clone(),
        aliases: finding.aliases.clone(),
        advisories: finding.advisories.clone(),
        severity: finding.severity,
        severity_source: finding.severity_source.clone(),
        cvss: finding.cvss.clone(),
        package_id: String::new(),
        purl: None,
        fixed_versions: finding.fixed_versions.clone(),
        status: finding.status,
        matched: finding.matched.clone(),
        layer: None,
        summary: finding.summary.clone(),
    }
}

/// The bytes of a text, and what the allocator adds.
fn text(text: &str) -> usize {
    if text.is_empty() { 0 } else { text.len() + 16 }
}

fn texts(list: &[String]) -> usize {
    list.iter().map(|one| size_of::<String>() + text(one)).sum()
}

fn bytes(finding: &Vulnerability) -> usize {
    let Vulnerability {
        id,
        aliases,
        advisories,
        severity_source,
        cvss,
        fixed_versions,
        matched,
        summary,
        ..
    } = finding;
    let score = |Cvss { version, vector, source, .. }: &Cvss| {
        size_of::<Cvss>() + text(version) + text(vector) + text(source)
    };
    size_of::<Vulnerability>()
        + text(id)
        + texts(aliases)
        + texts(advisories)
        + severity_source.as_deref().map_or(0, text)
        + cvss.iter().map(score).sum::<usize>()
        + texts(fixed_versions)
        + text(&matched.record)
        + text(&matched.range)
        + text(&matched.rule)
        + summary.as_deref().map_or(0, text)
}
