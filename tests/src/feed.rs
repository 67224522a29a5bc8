//! A feed of advisories of our own, for scenarios that need a finding.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// An advisory for a package that only images of tests have, in a feed that says it is complete.
const FILES: [(&str, &str); 2] = [
    ("plimsoll-feed.json", r#"{"completeness": "complete"}"#),
    (
        "TEST-9.json",
        r#"{"id": "TEST-9", "modified": "2999-01-01T00:00:00Z", "summary": "Quay gives way",
            "affected": [{"package": {"ecosystem": "PyPI", "name": "quay"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            "database_specific": {"severity": "CRITICAL"}}]}"#,
    ),
];

/// Writes it to a new directory below `place`, which is what `plimsoll db build` takes: critical for `quay` of PyPI below 2.0.
///
/// # Errors
/// The directory is there already, or cannot be written.
pub fn write(place: &Path) -> io::Result<PathBuf> {
    let feed = place.join("feed");
    fs::create_dir(&feed)?;
    for (name, content) in FILES {
        fs::write(feed.join(name), content)?;
    }
    Ok(feed)
}
