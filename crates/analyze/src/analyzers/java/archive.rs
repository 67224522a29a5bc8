//! Java archives: the artifact each one is, those shaded into it, and those of the archives nested in it.

use std::io::Cursor;

use plimsoll_types::{ContentKind, PathBytes, Payload, Record, Section};

use super::{
    budget::{Budget, DEPTH_LIMIT, METADATA_LIMIT, WAY_LIMIT},
    manifest::Manifest,
    packages::{Contents, packages},
    pom::Pom,
    zip::{self, Body, Entry},
};
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch, extent::Extent};

/// Archives the JVM or a container for it loads classes from.
const EXTENSIONS: &[&str] = &["ear", "hpi", "jar", "jpi", "kar", "lpkg", "nar", "par", "rar", "sar", "war"];
const MANIFEST: &str = "META-INF/MANIFEST.MF";
const PROPERTIES: &str = "pom.properties";
const PROJECT: &str = "pom.xml";

/// See the module documentation.
pub(crate) struct JavaArchive;

impl Analyzer for JavaArchive {
    fn id(&self) -> &'static str {
        "java/archive"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        // Archives that start themselves begin with a shell script.
        let kind = matches!(file.content, ContentKind::Zip | ContentKind::Script);
        if kind && is_archive(file.path.file_name()) { Interest::Whole } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let size = content.size();
        let name = String::from_utf8_lossy(file.path.file_name()).into_owned();
        let mut walk = Walk { path: file.path, records: &mut section.records, budget: Budget::default() };
        walk.archive(&mut Extent::new(content, size), &name, "", 0)
    }
}

fn is_archive(name: &[u8]) -> bool {
    let extension = name.iter().rposition(|byte| *byte == b'.').map(|dot| &name[dot + 1..]);
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| found.eq_ignore_ascii_case(known.as_bytes())))
}

/// One file with everything in it.
struct Walk<'a> {
    path: &'a PathBytes,
    records: &'a mut Vec<Record>,
    budget: Budget,
}

impl Walk<'_> {
    /// Reads the archive in `extent`, called `name`; `way` leads to it from the file, and is empty for that.
    fn archive(
        &mut self,
        extent: &mut Extent<'_>,
        name: &str,
        way: &str,
        depth: usize,
    ) -> Result<(), ReadError> {
        let entries = zip::entries(extent, is_wanted)?;
        let contents = self.contents(extent, &entries, way)?;
        for mut package in packages(name, &contents, self.path) {
            way.clone_into(&mut package.nested_in);
            self.records
                .push(Record { path: self.path.clone(), payload: Payload::Package(Box::new(package)) });
        }
        drop(contents);
        for entry in entries.iter().filter(|entry| is_archive(entry.name.as_bytes())) {
            let inner = if way.is_empty() { entry.name.clone() } else { format!("{way}!/{}", entry.name) };
            match self.nested(extent, entry, &inner, depth + 1) {
                Err(ReadError::Io(error)) => return Err(ReadError::Io(error)),
                Err(error) => self.complain(&inner, &error),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Manifest and POMs. Of entries of one name the last counts, as for the JVM.
    fn contents(
        &mut self,
        extent: &mut Extent<'_>,
        entries: &[Entry],
        way: &str,
    ) -> Result<Contents, ReadError> {
        let mut contents = Contents::default();
        for entry in entries {
            let (directory, file) = entry.name.rsplit_once('/').unwrap_or(("", &entry.name));
            let is_manifest = entry.name.eq_ignore_ascii_case(MANIFEST);
            if !is_manifest && !matches!(file, PROPERTIES | PROJECT) {
                continue;
            }
            let limit = METADATA_LIMIT.min(self.budget.total);
            let bytes = zip::read(extent, entry, limit).and_then(|body| Ok(body.into_bytes(extent)?));
            let bytes = match bytes {
                Err(ReadError::Io(error)) => return Err(ReadError::Io(error)),
                Err(error) => {
                    self.complain(way, &error);
                    continue;
                }
                Ok(bytes) => bytes,
            };
            self.budget.total -= bytes.len() as u64;
            let text = String::from_utf8_lossy(&bytes);
            if is_manifest {
                contents.manifest = Some(Manifest::parse(&text));
            } else if file == PROPERTIES {
                contents.properties.insert(directory.to_owned(), Pom::from_properties(&text));
            } else {
                contents.projects.insert(directory.to_owned(), Pom::from_xml(&text));
            }
        }
        Ok(contents)
    }

    fn nested(
        &mut self,
        extent: &mut Extent<'_>,
        entry: &Entry,
        way: &str,
        depth: usize,
    ) -> Result<(), ReadError> {
        if depth > DEPTH_LIMIT || way.len() > WAY_LIMIT {
            return Err(ReadError::Limit(format!("archives are nested deeper than {DEPTH_LIMIT}")));
        }
        self.budget.archives = self.budget.archives.checked_sub(1).ok_or_else(|| {
            ReadError::Limit("there are more nested archives than are read of one file".into())
        })?;
        let limit =
            if entry.is_stored() { self.budget.total } else { self.budget.total.min(self.budget.held) };
        match zip::read(extent, entry, limit)? {
            Body::Stored(start, size) => {
                self.budget.total = self.budget.total.saturating_sub(size);
                self.open(&mut extent.part(start, size), entry, way, depth)
            }
            Body::Bytes(bytes) => {
                let size = bytes.len() as u64;
                self.budget.total = self.budget.total.saturating_sub(size);
                self.budget.held = self.budget.held.saturating_sub(size);
                let result = self.open(&mut Extent::new(&mut Cursor::new(bytes), size), entry, way, depth);
                self.budget.held += size;
                result
            }
        }
    }

    /// Looks into a nested archive if it is one: some have other files under such a name.
    fn open(
        &mut self,
        extent: &mut Extent<'_>,
        entry: &Entry,
        way: &str,
        depth: usize,
    ) -> Result<(), ReadError> {
        let magic = extent.read_at(0, 4)?;
        match magic.as_slice() {
            b"PK\x03\x04" | b"PK\x05\x06" | [b'#', b'!', ..] => self.archive(extent, &entry.name, way, depth),
            _ => Ok(()),
        }
    }

    /// What could not be read, as long as there are not too many of those. The last one says that there are more.
    fn complain(&mut self, way: &str, error: &ReadError) {
        let Some(left) = self.budget.complaints.checked_sub(1) else { return };
        self.budget.complaints = left;
        let place = if way.is_empty() { String::new() } else { format!("{way}: ") };
        let more = if left == 0 { "; there may be more" } else { "" };
        let limit = matches!(error, ReadError::Limit(_));
        let payload = Payload::Unreadable { limit, message: format!("{place}{error}{more}") };
        self.records.push(Record { path: self.path.clone(), payload });
    }
}

fn is_wanted(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    matches!(file, PROPERTIES | PROJECT) || name.eq_ignore_ascii_case(MANIFEST) || is_archive(file.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyzers::java::zip::tests::archive, testing::analyze};

    const JAR: &[(&str, &[u8])] =
        &[("META-INF/MANIFEST.MF", b"Implementation-Version: 1\n"), ("A.class", b"x")];

    fn found(path: &str, bytes: &[u8]) -> Vec<String> {
        let describe = |record: Record| match record.payload {
            Payload::Package(package) => {
                format!("{}@{} {}", package.name, package.version, package.nested_in)
            }
            Payload::Unreadable { limit, message } => format!("limit {limit}: {message}"),
            other => format!("{other:?}"),
        };
        analyze(&JavaArchive, &[(path, bytes)]).records.into_iter().map(describe).collect()
    }

    /// `a.jar` with itself in it, `depth` times.
    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(archive(JAR, true), |inner, _| archive(&[("a.jar", &inner)], true))
    }

    #[test]
    fn archives_in_archives_say_where_they_were() {
        for compress in [true, false] {
            let inner = archive(&[JAR[0], ("lib/c.jar", &archive(JAR, compress))], compress);
            let war = archive(&[("WEB-INF/lib/b-2.jar", &inner)], compress);
            assert_eq!(
                found("srv/app.war", &war),
                ["b:b@2 WEB-INF/lib/b-2.jar", "c:c@1 WEB-INF/lib/b-2.jar!/lib/c.jar"]
            );
        }
    }

    #[test]
    fn a_script_may_start_the_archive() {
        let bytes = [b"#!/bin/sh\nexec java -jar $0\n", &archive(JAR, true)[..]].concat();
        assert_eq!(found("app.jar", &bytes), ["app:app@1 "]);
    }

    #[test]
    fn other_files_are_not_archives() {
        assert!(found("a.zip", &archive(JAR, true)).is_empty());
        assert!(found("a.jar", b"text").is_empty());
        assert!(found("a.war", &archive(&[("b.jar", b"text"), ("jar", b"")], true)).is_empty());
    }

    #[test]
    fn a_broken_archive_is_reported_and_its_neighbours_are_read() {
        let war = archive(&[("a.jar", b"PK\x03\x04"), ("b.jar", &archive(JAR, true))], true);
        let found = found("x.war", &war);
        assert!(found.iter().any(|line| line == "b:b@1 b.jar"), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("limit false: a.jar: ")), "{found:?}");
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let ends = |depth| found("a.jar", &nested(depth)).pop().unwrap();
        assert!(ends(DEPTH_LIMIT).starts_with("a:a@1 a.jar!/a.jar"));
        assert!(ends(DEPTH_LIMIT + 1).starts_with("limit true: "));
    }

    #[test]
    fn a_bomb_is_not_expanded() {
        let zeros = vec![0; 100 << 20];
        let found = found("a.jar", &archive(&[JAR[0], ("b.jar", &zeros), JAR[1]], true));
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|line| line.starts_with("limit true: b.jar: ")), "{found:?}");
    }

    #[test]
    fn complaints_are_few() {
        let names: Vec<String> = (0..40).map(|n| format!("{n}.jar")).collect();
        let entries: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), &b"PK\x03\x04"[..])).collect();
        let found = found("a.war", &archive(&entries, false));
        assert_eq!(found.len(), 16);
        assert_eq!(found.iter().filter(|line| line.ends_with("there may be more")).count(), 1);
    }
}
