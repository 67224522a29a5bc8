//! For tests of analyzers and of the runner: layers without a tar.

use std::io;

use plimsoll_layer::EntrySink;
use plimsoll_types::{ContentKind, Digest, EntryKind, Evidence, FileEntry, Section};

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
