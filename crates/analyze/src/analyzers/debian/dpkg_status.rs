//! `var/lib/dpkg/status` and the single-package files of `var/lib/dpkg/status.d` (distroless images).

use std::io::Read;

use plimsoll_types::{
    DatabaseState, PackageRecord, PackageType, PathBytes, Payload, Record, Section, SourcePackage,
};

use super::control::{Stanza, Stanzas};
use crate::budget::Budget;
use crate::lines::reason;
use crate::suffix::ends_with;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

const FIELDS: &[&str] =
    &["Package", "Status", "Version", "Architecture", "Source", "Maintainer", "Origin", "Multi-Arch"];

/// What lies in `status.d` beside the stanzas: maintainer scripts and lists, named after their package.
const NOT_A_STANZA: &[&str] = &[
    ".conffiles",
    ".config",
    ".list",
    ".md5sums",
    ".postinst",
    ".postrm",
    ".preinst",
    ".prerm",
    ".shlibs",
    ".symbols",
    ".templates",
    ".triggers",
];

/// Reads dpkg's status database.
pub(crate) struct DpkgStatus;

impl Analyzer for DpkgStatus {
    fn id(&self) -> &'static str {
        "debian/dpkg-status"
    }

    fn version(&self) -> u32 {
        3
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if is_status(file.path) { Interest::Stream } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        read_database(file.path, content, section)
    }

    fn depends_on_name(&self) -> bool {
        false
    }
}

/// Where `var/lib` is a symlink, layers name the place it leads to: `dpkg` is all that can be relied on.
fn is_status(path: &PathBytes) -> bool {
    if path.file_name() == b"status" && ends_with(path.as_bytes(), b"dpkg/status") {
        return true;
    }
    let parent = path.parent_bytes();
    parent.ends_with(b"status.d")
        && ends_with(parent, b"dpkg/status.d")
        && !NOT_A_STANZA.iter().any(|suffix| path.file_name().ends_with(suffix.as_bytes()))
}

/// Packages first read stay listed when a later line is broken, but the database then counts as unreadable.
fn read_database(path: &PathBytes, content: impl Read, section: &mut Section) -> Result<(), ReadError> {
    let mut stanzas = Stanzas::new(content, FIELDS);
    let mut budget = Budget::default();
    let mut packages = 0;
    let mut broken = None;
    loop {
        let stanza = match stanzas.next_stanza() {
            Ok(Some(stanza)) => stanza,
            Ok(None) => break,
            Err(error) => {
                broken = Some(reason(error)?);
                break;
            }
        };
        match package(&stanza) {
            Ok(Some(package)) => {
                if let Err(error) = paid(&package, &mut budget) {
                    broken = Some(reason(error)?);
                    break;
                }
                packages += 1;
                let payload = Payload::Package(Box::new(package));
                section.records.push(Record { path: path.clone(), payload });
            }
            Ok(None) => {}
            Err(message) => broken = broken.or(Some(message)),
        }
    }
    let format = "deb".to_owned();
    let state = match broken {
        None => DatabaseState::Read { format, packages },
        Some(message) => DatabaseState::Unreadable { format, message },
    };
    section.records.push(Record { path: path.clone(), payload: Payload::Database(state) });
    Ok(())
}

/// The package of a stanza; none if dpkg only remembers it.
fn package(stanza: &Stanza) -> Result<Option<PackageRecord>, String> {
    let status = stanza.get("Status").map(|status| status.split_ascii_whitespace().collect::<Vec<_>>());
    let state = match status.as_deref() {
        None => None,
        Some([_want, _flag, state]) => Some(*state),
        Some(_) => {
            return Err(format!("the Status of the package at line {} is not three words", stanza.line));
        }
    };
    if matches!(state, Some("not-installed" | "config-files")) {
        return Ok(None);
    }
    let field = |name| stanza.get(name).map(str::to_owned);
    let missing = |name: &str| format!("the package at line {} has no {name}", stanza.line);
    let name = field("Package").ok_or_else(|| missing("Package"))?;
    let version = field("Version").ok_or_else(|| missing("Version"))?;
    let mut package = PackageRecord::new(PackageType::Deb, name, version);
    package.epoch = package.version.split_once(':').and_then(|(epoch, _)| epoch.parse().ok());
    package.arch = field("Architecture");
    package.source = Some(source(stanza.get("Source"), &package));
    package.maintainer = field("Maintainer");
    package.vendor = field("Origin");
    package.status = state.map(str::to_owned);
    package.extra.extend(field("Multi-Arch").map(|value| ("multi-arch".to_owned(), value)));
    Ok(Some(package))
}

/// Takes what the package needs.
fn paid(package: &PackageRecord, budget: &mut Budget) -> Result<(), ReadError> {
    let texts = [&package.arch, &package.maintainer, &package.vendor, &package.status];
    let texts = texts.into_iter().flatten().chain([&package.name, &package.version]);
    budget.package()?;
    budget.text(texts.map(String::len).sum())
}

/// `Source: name (version)`; what is left out is the same as the package's own.
fn source(field: Option<&str>, package: &PackageRecord) -> SourcePackage {
    let field = field.unwrap_or(&package.name);
    let (name, version) = match field.split_once('(') {
        Some((name, version)) => (name.trim(), version.trim().trim_end_matches(')').trim()),
        None => (field, package.version.as_str()),
    };
    SourcePackage { name: name.to_owned(), version: Some(version.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, databases, packages};

    const STATUS: &str = "\
Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u4
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>

Package: libc6
Status: install ok installed
Architecture: i386
Source: glibc
Version: 2.36-9+deb12u4

Package: bash
Status: hold ok half-configured
Source: bash (5.2.15-2)
Version: 5.2.15-2+b2
Architecture: amd64
Origin: Debian

Package: bsdutils
Status: deinstall ok installed
Version: 1:2.38.1-5
Source: util-linux (2.38.1-5)

Package: gone
Status: deinstall ok config-files
Version: 1

Package: never
Status: purge ok not-installed
";

    #[test]
    fn installed_packages_are_listed_with_their_source() {
        let section = analyze(&DpkgStatus, &[("var/lib/dpkg/status", STATUS.as_bytes())]);
        let packages = packages(&section);
        let short: Vec<_> = packages
            .iter()
            .map(|one| {
                let source = one.source.as_ref().unwrap();
                (
                    &*one.name,
                    &*one.version,
                    one.arch.as_deref(),
                    &*source.name,
                    source.version.as_deref().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("bash", "5.2.15-2+b2", Some("amd64"), "bash", "5.2.15-2"),
                ("bsdutils", "1:2.38.1-5", None, "util-linux", "2.38.1-5"),
                ("libc6", "2.36-9+deb12u4", Some("amd64"), "glibc", "2.36-9+deb12u4"),
                ("libc6", "2.36-9+deb12u4", Some("i386"), "glibc", "2.36-9+deb12u4"),
            ]
        );
        assert_eq!(
            (packages[0].status.as_deref(), packages[0].vendor.as_deref()),
            (Some("half-configured"), Some("Debian"))
        );
        assert_eq!((packages[1].epoch, packages[1].status.as_deref()), (Some(1), Some("installed")));
        assert_eq!(packages[2].extra, [("multi-arch".to_owned(), "same".to_owned())]);
        assert!(packages[2].maintainer.as_ref().unwrap().starts_with("GNU Libc"));
        assert_eq!(databases(&section), [DatabaseState::Read { format: "deb".into(), packages: 4 }]);
    }

    #[test]
    fn stanzas_of_status_d_need_no_status() {
        let stanza = b"Package: libstdc++6\nVersion: 12.2.0-14\nSource: gcc-12\n";
        let section = analyze(
            &DpkgStatus,
            &[
                ("var/lib/dpkg/status.d/libstdc++6", stanza),
                ("var/lib/dpkg/status.d/libstdc++6.md5sums", b"0 usr/lib/x\n"),
                ("rootfs/var/lib/dpkg/status.d/python3.11", stanza),
            ],
        );
        assert_eq!(packages(&section).len(), 2);
        assert_eq!(packages(&section)[0].status, None);
    }

    #[test]
    fn a_database_is_known_by_its_directory_wherever_that_lies() {
        let stanza = b"Package: libstdc++6\nVersion: 12.2.0-14\n";
        let listed = |path: &str| packages(&analyze(&DpkgStatus, &[(path, stanza)])).len();
        for path in ["var/lib/dpkg/status", "data/lib/dpkg/status", "usr/lib/dpkg/status.d/base"] {
            assert_eq!(listed(path), 1, "{path}");
        }
        for path in ["var/lib/status", "var/lib/notdpkg/status", "var/lib/dpkg/status-old"] {
            assert_eq!(listed(path), 0, "{path}");
        }
    }

    #[test]
    fn a_broken_database_keeps_what_it_gave_and_says_so() {
        for (text, listed, message) in [
            ("Package: a\nVersion: 1\n\nPackage: b\nVersion: 2\nPack", 1, "line 6 is not a field"),
            (
                "Package: a\nVersion: 1\n\nPackage: b\n\nPackage: c\nVersion: 1\n",
                2,
                "the package at line 4 has no Version",
            ),
            ("Version: 1\n", 0, "the package at line 1 has no Package"),
            (
                "Package: a\nVersion: 1\nStatus: installed\n",
                0,
                "the Status of the package at line 1 is not three words",
            ),
            ("\0\0\0\0", 0, "line 1 is not a field"),
        ] {
            let section = analyze(&DpkgStatus, &[("var/lib/dpkg/status", text.as_bytes())]);
            assert_eq!(packages(&section).len(), listed, "{text:?}");
            let state = DatabaseState::Unreadable { format: "deb".into(), message: message.into() };
            assert_eq!(databases(&section), [state]);
        }
    }

    #[test]
    fn an_empty_database_lists_nothing() {
        let section = analyze(&DpkgStatus, &[("var/lib/dpkg/status", b"")]);
        assert_eq!(databases(&section), [DatabaseState::Read { format: "deb".into(), packages: 0 }]);
    }

    #[test]
    fn a_real_debian_12_is_read() {
        let Some(status) = crate::testing::real("packages/os/debian12-real/status") else { return };
        let section = analyze(&DpkgStatus, &[("var/lib/dpkg/status", &status)]);
        let blocks =
            status.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"Package: ")).count();
        assert_eq!(packages(&section).len(), blocks);
        assert_eq!(
            databases(&section),
            [DatabaseState::Read { format: "deb".into(), packages: blocks as u64 }]
        );
    }
}
