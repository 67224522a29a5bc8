//! Installed Python distributions: `*.dist-info` and `*.egg-info`.

use plimsoll_types::{
    LicenseClaim, OwnedPaths, PackageRecord, PackageType, PathBytes, Payload, Record, Section,
};

use super::{metadata::Metadata, record};
use crate::{Analyzer, Content, FileMeta, HEAD_INTEREST_BYTES, Interest, ReadError, Scratch, license};

/// A list of a hundred thousand files has about 10 MB.
const LIST_LIMIT: u64 = 64 << 20;

/// See the module documentation.
pub(crate) struct PythonDistInfo;

/// What a file of an installed distribution is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Metadata,
    Record,
    InstalledFiles,
}

impl Analyzer for PythonDistInfo {
    fn id(&self) -> &'static str {
        "python/dist_info"
    }

    fn version(&self) -> u32 {
        2
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        match part(file.path) {
            // The header comes first; what follows it is a description of any length.
            Some(Part::Metadata) => Interest::Head(HEAD_INTEREST_BYTES),
            Some(Part::Record | Part::InstalledFiles) => Interest::Stream,
            None => Interest::None,
        }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let Some(part) = part(file.path) else { return Ok(()) };
        let bytes = content.bytes(LIST_LIMIT)?;
        let directory = file.path.parent();
        let payload = match part {
            Part::Metadata => match package(&bytes, file.path) {
                Some(package) => Payload::Package(Box::new(package)),
                None if is_installed(file.path) => {
                    return Err(ReadError::Malformed("it names no distribution".to_owned()));
                }
                None => return Ok(()),
            },
            Part::Record => owned(&directory, record::record(&bytes, &directory.parent())),
            Part::InstalledFiles => owned(&directory, record::installed_files(&bytes, &directory)),
        };
        section.records.push(Record { path: file.path.clone(), payload });
        Ok(())
    }
}

fn part(path: &PathBytes) -> Option<Part> {
    let name = path.file_name();
    if ends_with(name, b".egg-info") {
        return Some(Part::Metadata);
    }
    let directory = path.parent_bytes();
    let (dist, egg) = (ends_with(directory, b"dist-info"), ends_with(directory, b"egg-info"));
    match name {
        b"METADATA" if dist => Some(Part::Metadata),
        b"PKG-INFO" if egg => Some(Part::Metadata),
        b"RECORD" if dist || egg => Some(Part::Record),
        b"installed-files.txt" if egg => Some(Part::InstalledFiles),
        _ => None,
    }
}

/// Whether an installer put the metadata there. What packages ship for their own tests lies deeper.
fn is_installed(path: &PathBytes) -> bool {
    let mut from_the_end = path.components().rev().skip(1);
    let info = from_the_end.next().is_some_and(|name| ends_with(name, b".dist-info"));
    info && matches!(from_the_end.next(), Some(b"site-packages" | b"dist-packages"))
}

/// Unpacked eggs have `EGG-INFO`.
fn ends_with(text: &[u8], suffix: &[u8]) -> bool {
    text.len() >= suffix.len() && text[text.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
}

/// The distribution; none without a name, and none for the interpreter, which describes itself the same way.
fn package(bytes: &[u8], path: &PathBytes) -> Option<PackageRecord> {
    let metadata = Metadata::parse(&String::from_utf8_lossy(bytes));
    if matches!(metadata.name.as_str(), "" | "Python") {
        return None;
    }
    let mut extra = Vec::new();
    if !metadata.home_page.is_empty() {
        extra.push(("homepage".to_owned(), metadata.home_page.clone()));
    }
    Some(PackageRecord {
        licenses: licenses(&metadata, path),
        maintainer: metadata.maintainer.display().or_else(|| metadata.author.display()),
        extra,
        ..PackageRecord::new(PackageType::Pypi, metadata.name, metadata.version)
    })
}

/// The expression if there is one, which is what it is for; else the field and the classifiers.
fn licenses(metadata: &Metadata, path: &PathBytes) -> Vec<LicenseClaim> {
    let stated: Vec<&String> = if metadata.license_expression.is_empty() {
        [&metadata.license].into_iter().chain(&metadata.license_classifiers).collect()
    } else {
        vec![&metadata.license_expression]
    };
    let mut claims: Vec<LicenseClaim> = Vec::new();
    for claim in stated.into_iter().filter_map(|value| license::claim(value, path)) {
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    claims
}

/// What the distribution of `directory` (`Flask-0.12.2.dist-info`) owns.
fn owned(directory: &PathBytes, paths: Vec<PathBytes>) -> Payload {
    let name = String::from_utf8_lossy(directory.file_name()).into_owned();
    let package = name.split('-').next().unwrap_or_default().to_owned();
    Payload::Owned(OwnedPaths { package, arch: None, paths })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    fn payload(path: &str, bytes: &[u8]) -> Option<Payload> {
        analyze(&PythonDistInfo, &[(path, bytes)]).records.pop().map(|record| record.payload)
    }

    #[test]
    fn metadata_is_a_package_wherever_distributions_keep_it() {
        for path in [
            "site-packages/a-1.dist-info/METADATA",
            "site-packages/setuptools/_vendor/a-1.dist-info/METADATA",
            "site-packages/a.egg/EGG-INFO/PKG-INFO",
            "site-packages/a.egg-info/PKG-INFO",
            "site-packages/a-1-py3.8.egg-info",
        ] {
            let found = payload(path, b"Name: a\nVersion: 1\nLicense-Expression: MIT OR Apache-2.0\n");
            let Some(Payload::Package(package)) = found else { panic!("{path}: {found:?}") };
            assert_eq!((package.name.as_str(), package.version.as_str()), ("a", "1"));
            assert_eq!(package.licenses[0].spdx.as_deref(), Some("MIT OR Apache-2.0"));
        }
    }

    #[test]
    fn other_files_are_not_looked_at() {
        for path in [
            "src/METADATA",
            "a.dist-info/PKG-INFO",
            "src/PKG-INFO",
            "a.dist-info/licenses/METADATA",
            "RECORD",
        ] {
            assert_eq!(payload(path, b"Name: a\nVersion: 1\n"), None, "{path}");
        }
    }

    #[test]
    fn neither_the_interpreter_nor_the_nameless_is_a_distribution() {
        assert_eq!(payload("lib/python2.7.egg-info", b"Name: Python\nVersion: 2.7\n"), None);
        assert_eq!(payload("lib/a.egg-info", b""), None);
    }

    #[test]
    fn nameless_metadata_is_unreadable_where_distributions_are_installed() {
        for (path, unreadable) in [
            ("lib/python3/dist-packages/a-1.dist-info/METADATA", true),
            ("lib/python3.11/site-packages/a-1.dist-info/METADATA", true),
            ("lib/python3.11/site-packages/a/tests/b-1.dist-info/METADATA", false),
            ("src/a-1.dist-info/METADATA", false),
        ] {
            for bytes in [&b""[..], b"\0\0\0", b"Version: 1\n"] {
                let found = payload(path, bytes);
                assert_eq!(
                    matches!(found, Some(Payload::Unreadable { .. })),
                    unreadable,
                    "{path}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn the_record_says_what_is_owned() {
        let found = payload("lib/Flask-0.12.2.dist-info/RECORD", b"flask/__init__.py,,\n../bin/flask,,\n");
        let Some(Payload::Owned(owned)) = found else { panic!("{found:?}") };
        assert_eq!(owned.package, "Flask");
        assert_eq!(owned.paths, [PathBytes::from("bin/flask"), "lib/flask/__init__.py".into()]);
    }

    #[test]
    fn a_long_description_does_not_hide_the_header() {
        let bytes = [&b"Name: a\nVersion: 1\n\n"[..], &vec![b'x'; 400_000]].concat();
        assert!(payload("a.dist-info/METADATA", &bytes).is_some());
    }
}
