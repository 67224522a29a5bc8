//! From a header to a package.

use plimsoll_types::{PackageRecord, PackageType, PathBytes, Payload, Record, Section, SourcePackage};

use super::header::{Header, Tag};
use crate::ReadError;
use crate::budget::Budget;

/// Linux refuses longer paths.
const PATH_MAX: usize = 4096;

/// States of files that are not there as this package has them: replaced, not installed, of another colour.
const NOT_OWNED: &[u8] = &[1, 2, 4];

/// Adds the package of a header blob. `gpg-pubkey` is one, as for `rpm -qa` and other scanners.
pub(super) fn add(
    blob: &[u8],
    database: &PathBytes,
    section: &mut Section,
    budget: &mut Budget,
) -> Result<(), ReadError> {
    let payload = Payload::Package(Box::new(package(blob, database, budget)?));
    section.records.push(Record { path: database.clone(), payload });
    Ok(())
}

fn package(blob: &[u8], database: &PathBytes, budget: &mut Budget) -> Result<PackageRecord, ReadError> {
    let header = Header::parse(blob)?;
    budget.package()?;
    let missing = |what: &str| ReadError::Malformed(format!("package header: no {what}"));
    // One long text of the data may be the value of every tag.
    let mut text = |tag| {
        let text = header.string(tag);
        budget.text(text.as_ref().map_or(0, String::len))?;
        Ok::<_, ReadError>(text)
    };
    let name = text(Tag::Name)?.ok_or_else(|| missing("name"))?;
    let version = text(Tag::Version)?.ok_or_else(|| missing("version"))?;
    let version = match text(Tag::Release)? {
        Some(release) => format!("{version}-{release}"),
        None => version,
    };
    let mut package = PackageRecord::new(PackageType::Rpm, name, version);
    package.epoch = header.number(Tag::Epoch);
    package.arch = text(Tag::Arch)?;
    package.vendor = text(Tag::Vendor)?;
    package.maintainer = text(Tag::Packager)?;
    package.licenses.extend(text(Tag::License)?.and_then(|text| crate::license::claim(&text, database)));
    package.extra.extend(text(Tag::ModularityLabel)?.map(|text| ("modularitylabel".to_owned(), text)));
    if let Some(file) = text(Tag::SourceRpm)? {
        package.source = source(&file);
        package.extra.push(("sourcerpm".to_owned(), file));
    }
    package.owned_paths = owned_paths(&header, budget)?;
    Ok(package)
}

/// `NAME-VERSION-RELEASE.src.rpm`, where only the name may contain dashes.
fn source(file: &str) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.to_owned(), version: Some(format!("{version}-{release}")) })
}

fn owned_paths(header: &Header<'_>, budget: &mut Budget) -> Result<Vec<PathBytes>, ReadError> {
    let directories = header.strings(Tag::DirNames);
    let states = header.bytes(Tag::FileStates);
    let is_owned = |at: usize| states.get(at).is_none_or(|state| !NOT_OWNED.contains(state));
    let mut paths = Vec::new();
    // Without the budget, headers could name one long directory for each of many files.
    let mut add = |directory: &[u8], name: &[u8]| -> Result<(), ReadError> {
        let length = directory.len() + name.len();
        budget.text(length)?;
        if length < PATH_MAX {
            paths.push(PathBytes::clean(&[directory, name].concat()));
        }
        Ok(())
    };
    let names = header.strings(Tag::BaseNames).into_iter().zip(header.numbers(Tag::DirIndexes)).enumerate();
    for (at, (name, directory)) in names {
        if let Some(directory) = directories.get(directory as usize).filter(|_| is_owned(at)) {
            add(directory, name)?;
        }
    }
    for (at, path) in header.strings(Tag::OldFileNames).into_iter().enumerate() {
        if is_owned(at) {
            add(b"", path)?;
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths.shrink_to_fit();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::super::header::tests::{Value, header};
    use super::*;

    fn read(tags: &[(Tag, Value<'_>)]) -> Result<PackageRecord, ReadError> {
        read_within(65 << 20, tags)
    }

    fn read_within(budget: usize, tags: &[(Tag, Value<'_>)]) -> Result<PackageRecord, ReadError> {
        package(&header(tags), &"var/lib/rpm/rpmdb.sqlite".into(), &mut Budget::of(budget))
    }

    #[test]
    fn a_package_has_what_its_header_says() {
        let package = read(&[
            (Tag::Name, Value::Text("python3-libs")),
            (Tag::Version, Value::Text("3.9.18")),
            (Tag::Release, Value::Text("3.el9")),
            (Tag::Epoch, Value::Numbers(&[1])),
            (Tag::Arch, Value::Text("x86_64")),
            (Tag::Vendor, Value::Text("Red Hat, Inc.")),
            (Tag::License, Value::Text("Python")),
            (Tag::SourceRpm, Value::Text("python-3.9-3.9.18-3.el9.src.rpm")),
            (Tag::ModularityLabel, Value::Text("python39:3.9:1:2")),
            (Tag::DirNames, Value::Texts(&["/usr/lib/", "/etc/"])),
            (Tag::BaseNames, Value::Texts(&["a", "b", "c", "d"])),
            (Tag::DirIndexes, Value::Numbers(&[0, 1, 0, 7])),
            (Tag::FileStates, Value::Bytes(&[0, 0, 2, 0])),
        ])
        .unwrap();
        assert_eq!(
            (&*package.name, &*package.version, package.epoch),
            ("python3-libs", "3.9.18-3.el9", Some(1))
        );
        assert_eq!(
            (package.arch.as_deref(), package.vendor.as_deref()),
            (Some("x86_64"), Some("Red Hat, Inc."))
        );
        let source = package.source.unwrap();
        assert_eq!((&*source.name, source.version.as_deref()), ("python-3.9", Some("3.9.18-3.el9")));
        assert_eq!(package.owned_paths, ["etc/b", "usr/lib/a"].map(PathBytes::from));
        assert!(package.extra.is_sorted() && package.extra.len() == 2);
        assert_eq!((&*package.licenses[0].value, &package.licenses[0].spdx), ("Python", &None));
    }

    #[test]
    fn a_package_needs_a_name_and_a_version() {
        assert!(read(&[(Tag::Version, Value::Text("1"))]).is_err());
        assert!(read(&[(Tag::Name, Value::Text("a"))]).is_err());
        let key = read(&[(Tag::Name, Value::Text("gpg-pubkey")), (Tag::Version, Value::Text("1"))]).unwrap();
        assert_eq!((key.source, key.arch), (None, None));
    }

    #[test]
    fn texts_cannot_be_multiplied_without_end() {
        let vendor = "v".repeat(10_000);
        let tags = [
            (Tag::Name, Value::Text("a")),
            (Tag::Version, Value::Text("1")),
            (Tag::Vendor, Value::Text(&vendor)),
            (Tag::Packager, Value::Text(&vendor)),
        ];
        assert!(read_within(25_000, &tags).is_ok());
        assert!(matches!(read_within(19_000, &tags), Err(ReadError::Limit(_))));
    }

    #[test]
    fn a_long_directory_cannot_be_multiplied_without_end() {
        let directory = "d".repeat(1 << 20);
        let with = |files: usize| {
            let names = vec!["f"; files];
            let indexes = vec![0; files];
            read(&[
                (Tag::Name, Value::Text("a")),
                (Tag::Version, Value::Text("1")),
                (Tag::DirNames, Value::Texts(&[&directory])),
                (Tag::BaseNames, Value::Texts(&names)),
                (Tag::DirIndexes, Value::Numbers(&indexes)),
            ])
        };
        assert_eq!(with(64).unwrap().owned_paths, []);
        assert!(matches!(with(65), Err(ReadError::Limit(_))));
    }
}
