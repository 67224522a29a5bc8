//! `lib/apk/db/installed`: stanzas of one-letter fields (apk-tools, `apk-installed(5)`).

use std::io::Read;

use plimsoll_types::{
    DatabaseState, PackageRecord, PackageType, PathBytes, Payload, Record, Section, SourcePackage,
};

use crate::budget::Budget;
use crate::lines::{Lines, reason};
use crate::suffix::ends_with;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

/// Linux refuses longer paths.
const PATH_MAX: usize = 4096;

/// Reads apk's database of installed packages.
pub(crate) struct Apk;

impl Analyzer for Apk {
    fn id(&self) -> &'static str {
        "alpine/apk"
    }

    fn version(&self) -> u32 {
        2
    }

    /// `usr/lib/apk/db` ends alike: Alpine moved the database there in 3.22.
    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        let is_database =
            file.path.file_name() == b"installed" && ends_with(file.path.as_bytes(), b"lib/apk/db/installed");
        if is_database { Interest::Stream } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let mut database = Database::new(file.path, section);
        let broken = database.read(content)?;
        database.finish(broken);
        Ok(())
    }
}

/// The stanza being read, and where finished ones go.
struct Database<'s> {
    path: &'s PathBytes,
    section: &'s mut Section,
    packages: u64,
    package: PackageRecord,
    starts_at: Option<u64>,
    directory: Vec<u8>,
    budget: Budget,
}

impl<'s> Database<'s> {
    fn new(path: &'s PathBytes, section: &'s mut Section) -> Self {
        let package = PackageRecord::new(PackageType::Apk, "", "");
        Self {
            path,
            section,
            packages: 0,
            package,
            starts_at: None,
            directory: Vec::new(),
            budget: Budget::default(),
        }
    }

    /// Reads to the end, or to what is broken, which it returns.
    fn read(&mut self, content: impl Read) -> Result<Option<String>, ReadError> {
        let mut lines = Lines::new(content);
        let mut broken = None;
        loop {
            let number = lines.number() + 1;
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => return Ok(Some(reason(error)?)),
            };
            match line {
                [] => broken = broken.or(self.end_stanza()),
                [field, b':', value @ ..] => {
                    if let Err(error) = self.field(*field, value, number) {
                        return Ok(Some(reason(error)?));
                    }
                }
                _ => return Ok(Some(format!("line {number} is not a field"))),
            }
        }
        Ok(broken.or(self.end_stanza()))
    }

    fn field(&mut self, field: u8, value: &[u8], number: u64) -> Result<(), ReadError> {
        if self.starts_at.is_none() {
            self.starts_at = Some(number);
            self.budget.package()?;
        }
        if matches!(field, b'P' | b'V' | b'A' | b'L' | b'o' | b'm') {
            self.budget.text(value.len())?;
        }
        let text = || String::from_utf8_lossy(value).trim().to_owned();
        let package = &mut self.package;
        match field {
            b'P' => package.name = text(),
            b'V' => package.version = text(),
            b'A' => package.arch = Some(text()).filter(|text| !text.is_empty()),
            b'L' => package.licenses.extend(crate::license::claim(&text(), self.path)),
            b'o' => package.vendor = Some(text()).filter(|text| !text.is_empty()),
            b'm' => package.maintainer = Some(text()).filter(|text| !text.is_empty()),
            b'F' => self.directory = value.to_vec(),
            b'R' if self.directory.len() + value.len() < PATH_MAX => {
                self.budget.text(self.directory.len() + value.len())?;
                package.owned_paths.push(PathBytes::clean(&self.directory).join(value));
            }
            _ => {}
        }
        Ok(())
    }

    fn end_stanza(&mut self) -> Option<String> {
        let line = self.starts_at.take()?;
        self.directory.clear();
        let mut package = std::mem::replace(&mut self.package, PackageRecord::new(PackageType::Apk, "", ""));
        for (value, letter) in [(&package.name, 'P'), (&package.version, 'V')] {
            if value.is_empty() {
                return Some(format!("the package at line {line} has no {letter}"));
            }
        }
        package.source = Some(SourcePackage {
            name: package.vendor.clone().unwrap_or_else(|| package.name.clone()),
            version: Some(package.version.clone()),
        });
        package.owned_paths.sort_unstable();
        package.owned_paths.dedup();
        package.owned_paths.shrink_to_fit();
        self.packages += 1;
        let payload = Payload::Package(Box::new(package));
        self.section.records.push(Record { path: self.path.clone(), payload });
        None
    }

    fn finish(self, broken: Option<String>) {
        let format = "apk".to_owned();
        let state = match broken {
            None => DatabaseState::Read { format, packages: self.packages },
            Some(message) => DatabaseState::Unreadable { format, message },
        };
        self.section.records.push(Record { path: self.path.clone(), payload: Payload::Database(state) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, databases, packages, real};

    const INSTALLED: &str = "\
C:Q1pJ5A6w=
P:musl-utils
V:1.2.4-r2
A:x86_64
T:the musl c library (libc) implementation
L:MIT AND BSD-2-Clause
o:musl
m:Maintainer <m@example.org>
F:sbin
R:ldconfig
a:0:0:755
F:
F:usr/bin
R:ldd
R:getent

P:zlib
V:1.3-r0
L:Zlib
";

    #[test]
    fn packages_come_with_origin_licence_and_files() {
        let section = analyze(&Apk, &[("lib/apk/db/installed", INSTALLED.as_bytes())]);
        let [musl, zlib] = &packages(&section)[..] else { panic!("two packages") };
        assert_eq!(
            (&*musl.name, &*musl.version, musl.arch.as_deref()),
            ("musl-utils", "1.2.4-r2", Some("x86_64"))
        );
        let source = musl.source.as_ref().unwrap();
        assert_eq!((&*source.name, source.version.as_deref()), ("musl", Some("1.2.4-r2")));
        assert_eq!(
            (musl.vendor.as_deref(), musl.maintainer.as_deref()),
            (Some("musl"), Some("Maintainer <m@example.org>"))
        );
        assert_eq!(musl.owned_paths, ["sbin/ldconfig", "usr/bin/getent", "usr/bin/ldd"].map(PathBytes::from));
        assert_eq!(musl.licenses[0].spdx.as_deref(), Some("MIT AND BSD-2-Clause"));
        assert_eq!((zlib.source.as_ref().unwrap().name.as_str(), zlib.vendor.as_deref()), ("zlib", None));
        assert_eq!(databases(&section), [DatabaseState::Read { format: "apk".into(), packages: 2 }]);
    }

    #[test]
    fn the_database_is_found_in_both_homes_and_below_other_roots() {
        for (path, found) in [
            ("usr/lib/apk/db/installed", true),
            ("srv/root/lib/apk/db/installed", true),
            ("xlib/apk/db/installed", false),
            ("lib/apk/db/installed.new", false),
        ] {
            assert_eq!(!analyze(&Apk, &[(path, b"")]).records.is_empty(), found, "{path}");
        }
    }

    #[test]
    fn a_broken_database_keeps_what_it_gave_and_says_so() {
        for (text, listed, message) in [
            ("P:a\nV:1\n\nnonsense\n", 1, "line 4 is not a field"),
            ("P:a\n\nP:b\nV:1\n", 1, "the package at line 1 has no V"),
            ("V:1\n", 0, "the package at line 1 has no P"),
        ] {
            let section = analyze(&Apk, &[("lib/apk/db/installed", text.as_bytes())]);
            assert_eq!(packages(&section).len(), listed, "{text:?}");
            let state = DatabaseState::Unreadable { format: "apk".into(), message: message.into() };
            assert_eq!(databases(&section), [state]);
        }
    }

    #[test]
    fn a_long_directory_cannot_be_multiplied_without_end() {
        let stanza = format!("P:a\nV:1\nF:{}\n", "d".repeat(4000));
        let text = format!("{stanza}\n{stanza}{}", "R:f\n".repeat(70_000));
        let section = analyze(&Apk, &[("lib/apk/db/installed", text.as_bytes())]);
        assert_eq!(packages(&section).len(), 1);
        let [DatabaseState::Unreadable { message, .. }] = &databases(&section)[..] else { panic!() };
        assert!(message.contains("more than 256 MiB"), "{message}");
    }

    #[test]
    fn real_databases_are_read() {
        for file in ["single", "base", "multiple-1/lib/apk/db/installed", "multiple-2/lib/apk/db/installed"] {
            let Some(bytes) = real(&format!("packages/os/syft/alpine/testdata/{file}")) else { return };
            let count = bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"P:")).count();
            let section = analyze(&Apk, &[("lib/apk/db/installed", &bytes)]);
            let state = DatabaseState::Read { format: "apk".into(), packages: count as u64 };
            assert_eq!(databases(&section), [state], "{file}");
        }
    }
}
