//! For tests of analyzers and of the runner: layers without a tar.

use std::io;

use plimsoll_layer::EntrySink;
use plimsoll_types::{
    ContentKind, DatabaseState, Digest, EntryKind, Evidence, FileEntry, PackageRecord, Payload, Section,
};

use crate::{Analyzer, Content, FileMeta, Finished, Interest, LayerRun, Limits, ReadError, Scratch};

/// The section `analyzer` makes of a layer of these files, in this order.
pub(crate) fn analyze(analyzer: &dyn Analyzer, files: &[(&str, &[u8])]) -> Section {
    analyze_within(analyzer, files, &Limits::default())
}

/// [`analyze`] under other limits.
pub(crate) fn analyze_within(analyzer: &dyn Analyzer, files: &[(&str, &[u8])], limits: &Limits) -> Section {
    let layer: Vec<_> = files.iter().map(|(path, bytes)| (file(path, bytes.len()), bytes.to_vec())).collect();
    run(&[analyzer], &layer, limits).packages.sections.remove(0)
}

/// The evidence of a layer of these entries; with a second run over them if one is asked for.
pub(crate) fn run(analyzers: &[&dyn Analyzer], layer: &[(FileEntry, Vec<u8>)], limits: &Limits) -> Evidence {
    let mut first = LayerRun::new(analyzers, limits);
    feed(&mut first, layer).unwrap();
    match first.finish(Digest::from_bytes([7; 32]), 0) {
        Finished::Done(evidence) => evidence,
        Finished::Reread(mut second) => {
            feed(&mut *second, layer).unwrap();
            second.finish()
        }
    }
}

/// Shows the entries to a sink.
pub(crate) fn feed(sink: &mut dyn EntrySink, layer: &[(FileEntry, Vec<u8>)]) -> io::Result<()> {
    layer.iter().try_for_each(|(entry, bytes)| sink.entry(entry.clone(), &mut &bytes[..]))
}

/// A regular file as the layer crate hands it out.
pub(crate) fn file(path: &str, size: usize) -> FileEntry {
    FileEntry {
        path: path.into(),
        kind: EntryKind::File,
        link_target: Box::default(),
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 0,
        rdev: None,
        size: size as u64,
        xattrs: Vec::new(),
        link_group: 0,
        content: ContentKind::None,
        sha256: None,
    }
}

/// Another kind of entry.
pub(crate) fn entry(path: &str, kind: EntryKind, target: &str) -> FileEntry {
    FileEntry { kind, link_target: target.as_bytes().into(), ..file(path, 0) }
}

/// A symbolic link.
pub(crate) fn symlink(path: &str, target: &str) -> FileEntry {
    entry(path, EntryKind::Symlink, target)
}

/// An analyzer that has a name and wants nothing.
pub(crate) struct Named {
    pub(crate) id: &'static str,
    pub(crate) version: u32,
}

impl Analyzer for Named {
    fn id(&self) -> &'static str {
        self.id
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn wants(&self, _: &FileMeta<'_>) -> Interest {
        Interest::None
    }

    fn read(
        &self,
        _: &FileMeta<'_>,
        _: &mut Content<'_>,
        _: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        Ok(())
    }
}

/// The payloads of a section, in order.
pub(crate) fn payloads(section: &Section) -> Vec<Payload> {
    section.records.iter().map(|record| record.payload.clone()).collect()
}

/// The packages of a section, in order.
pub(crate) fn packages(section: &Section) -> Vec<PackageRecord> {
    let package = |payload| if let Payload::Package(package) = payload { Some(*package) } else { None };
    payloads(section).into_iter().filter_map(package).collect()
}

/// The states of the databases of a section, in order.
pub(crate) fn databases(section: &Section) -> Vec<DatabaseState> {
    let state = |payload| if let Payload::Database(state) = payload { Some(state) } else { None };
    payloads(section).into_iter().filter_map(state).collect()
}

/// A file of the real data, if `PLIMSOLL_TEST_DATA` says where it is; says so if not.
pub(crate) fn real(path: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("PLIMSOLL_TEST_DATA") else {
        println!("skipped: PLIMSOLL_TEST_DATA does not name the folder that holds {path}");
        return None;
    };
    Some(std::fs::read(std::path::Path::new(&root).join(path)).unwrap())
}
