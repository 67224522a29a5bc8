//! Who owns which path: `var/lib/dpkg/info/NAME[:ARCH].list`, the `md5sums` of distroless images, and
//! `var/lib/dpkg/diversions`.

use std::io::Read;

use plimsoll_types::{OwnedPaths, PathBytes, Payload, Record, Section};

use crate::budget::Budget;
use crate::lines::Lines;
use crate::suffix::ends_with;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

/// Reads dpkg's lists of files.
pub(crate) struct DpkgLists;

enum List<'p> {
    /// Absolute paths; named after its package.
    Files(&'p [u8]),
    /// `MD5  PATH`; named after its package.
    Sums(&'p [u8]),
    /// Lines of three.
    Diversions,
}

impl Analyzer for DpkgLists {
    fn id(&self) -> &'static str {
        "debian/dpkg-lists"
    }

    fn version(&self) -> u32 {
        3
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if list(file.path).is_some() { Interest::Stream } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        match list(file.path) {
            None => Ok(()),
            Some(List::Diversions) => diversions(file.path, content, section),
            Some(List::Files(stem)) => {
                let paths = paths(content, |line| line.starts_with(b"/").then_some(line))?;
                owned(file.path, stem, paths, section);
                Ok(())
            }
            Some(List::Sums(stem)) => {
                let paths = paths(content, |line| {
                    let space = line.iter().position(|byte| *byte == b' ').filter(|space| *space == 32)?;
                    Some(line[space..].trim_ascii_start())
                })?;
                owned(file.path, stem, paths, section);
                Ok(())
            }
        }
    }
}

fn list(path: &PathBytes) -> Option<List<'_>> {
    let name = path.file_name();
    let within = |home: &[u8]| ends_with(path.parent_bytes(), home);
    if let Some(stem) = name.strip_suffix(b".list") {
        return within(b"dpkg/info").then_some(List::Files(stem));
    }
    if let Some(stem) = name.strip_suffix(b".md5sums") {
        return within(b"dpkg/status.d").then_some(List::Sums(stem));
    }
    (name == b"diversions" && within(b"dpkg")).then_some(List::Diversions)
}

/// The path of every line, cleaned, sorted, each once, without the root.
fn paths(content: impl Read, path: impl Fn(&[u8]) -> Option<&[u8]>) -> Result<Vec<PathBytes>, ReadError> {
    let mut paths = Vec::new();
    let mut budget = Budget::default();
    let mut lines = Lines::new(content);
    while let Some(line) = lines.next_line()? {
        if line.is_empty() {
            continue;
        }
        let Some(raw) = path(line) else {
            return Err(ReadError::Malformed(format!("line {} names no path", lines.number())));
        };
        let path = PathBytes::clean(raw);
        if !path.is_root() {
            budget.text(path.as_bytes().len())?;
            paths.push(path);
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths.shrink_to_fit();
    Ok(paths)
}

fn owned(list: &PathBytes, stem: &[u8], paths: Vec<PathBytes>, section: &mut Section) {
    let stem = String::from_utf8_lossy(stem);
    let (package, arch) = match stem.split_once(':') {
        Some((package, arch)) => (package.to_owned(), Some(arch.to_owned())),
        None => (stem.into_owned(), None),
    };
    let payload = Payload::Owned(OwnedPaths { package, arch, paths });
    section.records.push(Record { path: list.clone(), payload });
}

/// Three lines each: the path, where it went, and the package that keeps it (`:` for none).
fn diversions(list: &PathBytes, content: impl Read, section: &mut Section) -> Result<(), ReadError> {
    let mut budget = Budget::default();
    let mut lines = Lines::new(content);
    while let Some(from) = lines.next_line()? {
        let from = PathBytes::clean(from);
        let broken = || ReadError::Malformed("ends within a diversion, which has three lines".to_owned());
        let to = PathBytes::clean(lines.next_line()?.ok_or_else(broken)?);
        let by = String::from_utf8_lossy(lines.next_line()?.ok_or_else(broken)?).into_owned();
        let by = if by == ":" { String::new() } else { by };
        for length in [from.as_bytes().len(), to.as_bytes().len(), by.len(), size_of::<Record>()] {
            budget.text(length)?;
        }
        section.records.push(Record { path: list.clone(), payload: Payload::Diversion { from, to, by } });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, payloads};

    fn owned(package: &str, arch: Option<&str>, paths: &[&str]) -> Payload {
        let paths = paths.iter().map(|path| PathBytes::from(*path)).collect();
        Payload::Owned(OwnedPaths { package: package.into(), arch: arch.map(str::to_owned), paths })
    }

    #[test]
    fn a_list_says_what_its_package_owns() {
        let section = analyze(
            &DpkgLists,
            &[
                ("var/lib/dpkg/info/bash.list", b"/.\n/usr\n/bin/bash\n/bin\n"),
                ("var/lib/dpkg/info/libc6:i386.list", b"/lib/ld-linux.so.2\n"),
                ("var/lib/dpkg/info/bash.md5sums", b"x"),
                (
                    "var/lib/dpkg/status.d/tzdata.md5sums",
                    b"d41d8cd98f00b204e9800998ecf8427e  usr/share/a b\n",
                ),
                ("srv/info/x.list", b"/x\n"),
            ],
        );
        assert_eq!(
            payloads(&section),
            [
                owned("bash", None, &["bin", "bin/bash", "usr"]),
                owned("libc6", Some("i386"), &["lib/ld-linux.so.2"]),
                owned("tzdata", None, &["usr/share/a b"]),
            ]
        );
    }

    #[test]
    fn diversions_come_in_three_lines() {
        let text = b"/bin/sh\n/bin/sh.distrib\ndash\n/etc/x\n/etc/x.real\n:\n";
        let section = analyze(&DpkgLists, &[("var/lib/dpkg/diversions", text)]);
        let diversion = |from: &str, to: &str, by: &str| Payload::Diversion {
            from: from.into(),
            to: to.into(),
            by: by.into(),
        };
        assert_eq!(
            payloads(&section),
            [diversion("bin/sh", "bin/sh.distrib", "dash"), diversion("etc/x", "etc/x.real", "")]
        );
    }

    #[test]
    fn broken_lists_are_told() {
        for (path, text, message) in [
            ("var/lib/dpkg/diversions", &b"/a\n/b\n"[..], "ends within a diversion, which has three lines"),
            ("var/lib/dpkg/info/a.list", b"/a\nb\n", "line 2 names no path"),
            ("var/lib/dpkg/status.d/a.md5sums", b"abc  x\n", "line 1 names no path"),
        ] {
            let section = analyze(&DpkgLists, &[(path, text)]);
            let unreadable = Payload::Unreadable { limit: false, message: message.into() };
            assert_eq!(payloads(&section), [unreadable]);
        }
    }
}
