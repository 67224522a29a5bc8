//! One analyzer at work on one layer: its section, its scratch, and what happens when it fails.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use plimsoll_types::{PackageRecord, PathBytes, Payload, Record, Section, SectionStatus};

use crate::source::Source;
use crate::{Analyzer, Content, FileMeta, Interest, Limits, ReadError, Scratch};

/// The longest message of a failure that is kept, in characters.
const MESSAGE_CHARS: usize = 500;

pub(crate) struct Tray<'a> {
    pub(crate) analyzer: &'a dyn Analyzer,
    section: Section,
    /// The entry each record came with; ascending until the second run.
    origins: Vec<u32>,
    scratch: Scratch,
    scratch_bytes: u64,
    record_bytes: u64,
    /// A limit was passed: nothing more is read.
    is_full: bool,
}

impl<'a> Tray<'a> {
    pub(crate) fn new(analyzer: &'a dyn Analyzer) -> Self {
        Self {
            analyzer,
            section: Section::new(analyzer.id(), analyzer.version()),
            origins: Vec::new(),
            scratch: Scratch::new(),
            scratch_bytes: 0,
            record_bytes: 0,
            is_full: false,
        }
    }

    /// How much of a file the analyzer wants; nothing if it panics over the question.
    pub(crate) fn wants(&mut self, file: &FileMeta<'_>) -> Interest {
        match catch_unwind(AssertUnwindSafe(|| self.analyzer.wants(file))) {
            Ok(interest) => interest,
            Err(panic) => {
                self.panicked(&format!("deciding on {}", file.path), panic.as_ref());
                Interest::None
            }
        }
    }

    /// Shows a file. Only an I/O error the source itself met comes back.
    pub(crate) fn read(
        &mut self,
        file: &FileMeta<'_>,
        source: &mut dyn Source,
        size: u64,
        origin: u32,
        limits: &Limits,
    ) -> io::Result<()> {
        if self.is_full {
            return Ok(());
        }
        let before = self.section.records.len();
        let scratch_before = self.scratch.get(file.path).map_or(0, Vec::len) as u64;
        let analyzer = self.analyzer;
        let outcome = {
            let mut content = Content::new(source, size);
            let (section, scratch) = (&mut self.section, &mut self.scratch);
            catch_unwind(AssertUnwindSafe(|| analyzer.read(file, &mut content, section, scratch)))
        };
        if let Some(error) = source.failure() {
            return Err(error);
        }
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(ReadError::Malformed(message))) => self.unreadable(file, false, &message),
            Ok(Err(ReadError::Limit(message))) => self.unreadable(file, true, &message),
            // The source is in order, so this is the analyzer's way of saying that the content is not.
            Ok(Err(ReadError::Io(error))) => self.unreadable(file, false, &error.to_string()),
            Err(panic) => self.panicked(&format!("reading {}", file.path), panic.as_ref()),
        }
        self.bound_scratch(file, scratch_before, limits);
        self.note_origins(before, origin, limits);
        Ok(())
    }

    /// Records that a file was not read.
    pub(crate) fn refuse(&mut self, file: &FileMeta<'_>, origin: u32, message: &str, limits: &Limits) {
        if self.is_full {
            return;
        }
        let before = self.section.records.len();
        self.unreadable(file, true, message);
        self.note_origins(before, origin, limits);
    }

    /// Records that what follows under `link`, a symbolic link, is read from `target`.
    pub(crate) fn read_from(&mut self, link: &PathBytes, target: &PathBytes, origin: u32, limits: &Limits) {
        if self.is_full {
            return;
        }
        let before = self.section.records.len();
        let payload = Payload::ReadFrom(target.clone());
        self.section.records.push(Record { path: link.clone(), payload });
        self.note_origins(before, origin, limits);
    }

    /// Gives the records of entry `from` to its further name `to` as well. Only before the second run.
    pub(crate) fn copy(&mut self, from: u32, to: u32, path: &PathBytes, limits: &Limits) {
        let first = self.origins.partition_point(|origin| *origin < from);
        let end = self.origins.partition_point(|origin| *origin <= from);
        for at in first..end {
            if self.is_full {
                return;
            }
            let before = self.section.records.len();
            let payload = self.section.records[at].payload.clone();
            self.section.records.push(Record { path: path.clone(), payload });
            self.note_origins(before, to, limits);
        }
    }

    /// A later entry took this path: what waits under it is void.
    pub(crate) fn forget(&mut self, path: &PathBytes) {
        if let Some(bytes) = self.scratch.remove(path) {
            self.scratch_bytes = self.scratch_bytes.saturating_sub(bytes.len() as u64);
        }
    }

    /// The section: without the records of entries that are not `live`, sorted.
    pub(crate) fn finish(mut self, live: &dyn Fn(u32) -> bool) -> Section {
        let mut origins = self.origins.iter();
        self.section.records.retain(|_| origins.next().is_none_or(|origin| live(*origin)));
        let analyzer = self.analyzer;
        let scratch = std::mem::take(&mut self.scratch);
        let section = &mut self.section;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| analyzer.finish(scratch, section))) {
            self.panicked("at the end of the layer", panic.as_ref());
        }
        self.section.records.sort_unstable();
        self.section.records.shrink_to_fit();
        self.section
    }

    /// Attributes the records from `before` on to entry `origin`; over a limit, the section ends here.
    fn note_origins(&mut self, before: usize, origin: u32, limits: &Limits) {
        let room = usize::try_from(limits.records_per_section).unwrap_or(usize::MAX);
        if self.section.records.len() > room {
            self.section.records.truncate(room);
            self.close(&format!("more than {room} records in one layer"));
        }
        self.record_bytes += self.section.records.iter().skip(before).map(weight).sum::<u64>();
        self.origins.resize(self.section.records.len(), origin);
        if self.record_bytes > limits.section_bytes {
            self.close(&format!("records of more than {} bytes in one layer", limits.section_bytes));
        }
    }

    fn close(&mut self, why: &str) {
        self.is_full = true;
        self.fail(&format!("{why}; the rest was not read"));
    }

    fn bound_scratch(&mut self, file: &FileMeta<'_>, before: u64, limits: &Limits) {
        let now = self.scratch.get(file.path).map_or(0, Vec::len) as u64;
        self.scratch_bytes = self.scratch_bytes.saturating_sub(before) + now;
        if self.scratch_bytes > limits.scratch_bytes {
            self.forget(file.path);
            let message =
                format!("would keep more than {} bytes until the end of the layer", limits.scratch_bytes);
            self.unreadable(file, true, &message);
        }
    }

    fn unreadable(&mut self, file: &FileMeta<'_>, limit: bool, message: &str) {
        let payload = Payload::Unreadable { limit, message: clip(message) };
        self.section.records.push(Record { path: file.path.clone(), payload });
    }

    fn panicked(&mut self, place: &str, panic: &(dyn Any + Send)) {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("unknown reason");
        self.fail(&format!("panicked {place}: {text}"));
    }

    /// The first failure is the one told: it is the same in every run.
    fn fail(&mut self, message: &str) {
        if self.section.status == SectionStatus::Complete {
            self.section.status = SectionStatus::Failed(clip(message));
        }
    }
}

fn clip(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS).collect()
}

/// Roughly the memory a record holds.
fn weight(record: &Record) -> u64 {
    const FIXED: usize = 64;
    let paths = |paths: &[PathBytes]| paths.iter().map(|one| one.as_bytes().len() + FIXED).sum();
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let package = |package: &PackageRecord| {
        package.name.len()
            + package.version.len()
            + package.nested_in.len()
            + text(&package.maintainer)
            + text(&package.vendor)
            + paths(&package.owned_paths)
            + package.licenses.iter().map(|one| one.value.len() + one.source.len() + FIXED).sum::<usize>()
            + package.extra.iter().map(|(key, value)| key.len() + value.len() + FIXED).sum::<usize>()
            + size_of::<PackageRecord>()
    };
    let payload: usize = match &record.payload {
        Payload::Package(one) => package(one),
        Payload::Owned(owned) => paths(&owned.paths),
        Payload::Licenses { licenses, .. } => {
            licenses.iter().map(|one| one.value.len() + one.source.len() + FIXED).sum()
        }
        Payload::Unreadable { message, .. } => message.len(),
        Payload::ReadFrom(file) => file.as_bytes().len(),
        Payload::Database(_) | Payload::Diversion { .. } | Payload::OsRelease(_) => FIXED,
    };
    (size_of::<Record>() + record.path.as_bytes().len() + payload) as u64
}
