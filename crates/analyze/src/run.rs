//! The first, and mostly only, run over a layer.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead};

use plimsoll_layer::EntrySink;
use plimsoll_types::{Digest, EntryKind, Evidence, FileEntry, IndexEvidence, PackagesEvidence};

use crate::intake::{Described, Intake, Request};
use crate::kept::{Kept, is_kept};
use crate::kind::content_kind;
use crate::links::{Bound, Links};
use crate::names::Names;
use crate::second_run::{Missed, SecondRun, Who};
use crate::symlinks;
use crate::tray::Tray;
use crate::{Analyzer, Interest, Limits};

/// Analyzes the entries of one layer as they pass. See [`EntrySink`].
///
/// After an error of [`EntrySink::entry`] the run is worthless: drop it.
pub struct LayerRun<'a> {
    state: State<'a>,
    links: Links,
    /// What of each entry was shown to whom: the entries anybody wanted.
    shown: HashMap<u32, Vec<(usize, Interest)>>,
    missed: Vec<Missed>,
}

/// How a run ended.
pub enum Finished<'a> {
    /// All evidence is there.
    Done(Evidence),
    /// Somebody wants a hard or symbolic link whose data passed under a name that was not wanted: show the same
    /// layer to this second run, which takes up nothing but those entries.
    Reread(Box<SecondRun<'a>>),
}

/// What both runs work on.
pub(crate) struct State<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) trays: Vec<Tray<'a>>,
    pub(crate) intake: Intake,
    pub(crate) entries: Vec<FileEntry>,
    pub(crate) names: Names,
    pub(crate) kept: Kept,
    pub(crate) ambiguities: BTreeSet<String>,
}

impl State<'_> {
    pub(crate) fn ambiguity(&mut self, message: String) {
        // One more than are told, to know that there are more.
        if self.ambiguities.len() <= self.limits.ambiguities as usize {
            self.ambiguities.insert(message);
        }
    }

    pub(crate) fn keep(&mut self, at: u32, path: &plimsoll_types::PathBytes) {
        if !self.kept.keep(at, path, self.intake.start(), self.limits) {
            let limit = self.limits.kept_files;
            self.ambiguity(format!(
                "more than {limit} passwd, group and os-release files; only so many are kept"
            ));
        }
    }

    pub(crate) fn into_evidence(mut self, diff_id: Digest, uncompressed_size: u64) -> Evidence {
        let (entries, names) = (&self.entries, &self.names);
        let live = |at: u32| names.is_latest(entries, at);
        let mut sections: Vec<_> = self.trays.into_iter().map(|tray| tray.finish(&live)).collect();
        sections.sort_by(|one, other| one.analyzer.cmp(&other.analyzer));
        let kept = self.kept.into_latest(entries, names);
        let limit = self.limits.ambiguities as usize;
        if self.ambiguities.len() > limit {
            self.ambiguities.pop_last();
            self.ambiguities.insert(format!("~ and more: only {limit} oddities of a layer are listed"));
        }
        self.entries.shrink_to_fit();
        Evidence {
            index: IndexEvidence {
                diff_id,
                uncompressed_size,
                entries: self.entries,
                kept,
                ambiguities: self.ambiguities.into_iter().collect(),
            },
            packages: PackagesEvidence { diff_id, sections },
        }
    }
}

impl<'a> LayerRun<'a> {
    /// A run of `analyzers` over a layer that is about to start.
    pub fn new(analyzers: &'a [&'a dyn Analyzer], limits: &'a Limits) -> Self {
        Self {
            state: State {
                limits,
                trays: analyzers.iter().map(|analyzer| Tray::new(*analyzer)).collect(),
                intake: Intake::new(),
                entries: Vec::new(),
                names: Names::new(),
                kept: Kept::default(),
                ambiguities: BTreeSet::new(),
            },
            links: Links::default(),
            shown: HashMap::new(),
            missed: Vec::new(),
        }
    }

    /// Ends the run. Call it only if the whole layer passed and its digest is `diff_id`.
    pub fn finish(mut self, diff_id: Digest, uncompressed_size: u64) -> Finished<'a> {
        let State { entries, names, .. } = &self.state;
        self.missed.retain(|missed| names.is_latest(entries, missed.link));
        self.missed.extend(symlinks::missed(&mut self.state, &self.links));
        if self.state.names.is_exhausted() {
            self.state.ambiguity(
                "finding the targets of links cost too much; some were left to merging".to_owned(),
            );
        }
        if self.missed.is_empty() {
            return Finished::Done(self.state.into_evidence(diff_id, uncompressed_size));
        }
        Finished::Reread(Box::new(SecondRun::new(self.state, self.missed, diff_id, uncompressed_size)))
    }

    fn regular(&mut self, at: u32, entry: &mut FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        let state = &mut self.state;
        state.intake.begin(body)?;
        entry.content = content_kind(state.intake.head());
        let file = Described { mode: entry.mode, size: entry.size, content: entry.content };
        let mut requests = Vec::new();
        for (tray, one) in state.trays.iter_mut().enumerate() {
            let interest = one.wants(&file.meta(&entry.path, state.intake.head()));
            if interest != Interest::None {
                requests.push(Request { tray, interest, path: &entry.path, origin: at });
            }
        }
        if is_kept(&entry.path) {
            state.intake.take_start(body)?;
            state.keep(at, &entry.path);
        }
        entry.sha256 = Some(state.intake.finish(&file, body, &requests, &mut state.trays, state.limits)?);
        if !requests.is_empty() {
            self.shown.insert(at, requests.iter().map(|one| (one.tray, one.interest)).collect());
        }
        Ok(())
    }

    fn hard_link(&mut self, at: u32, entry: &mut FileEntry) {
        let target = plimsoll_types::PathBytes::clean(&entry.link_target);
        let Some(target) = self.state.names.resolve(&self.state.entries, &target) else { return };
        if self.state.entries[target as usize].path == entry.path {
            self.state.ambiguity(format!("{} is a hard link to itself", entry.path));
        }
        let Some(bound) = self.links.bind(&mut self.state.entries, entry, target) else {
            self.state.ambiguity(format!("hard link {} names a directory", entry.path));
            return;
        };
        self.links.became(at, bound.origin);
        if entry.kind == EntryKind::File {
            self.show_link(at, entry, &bound);
        }
        if let Some(message) = bound.ambiguity {
            self.state.ambiguity(message);
        }
    }

    /// Gives a further name of an inode what is known under its first one, or asks for a second run.
    fn show_link(&mut self, at: u32, entry: &FileEntry, bound: &Bound) {
        let state = &mut self.state;
        let file = Described { mode: entry.mode, size: entry.size, content: entry.content };
        let shown = self.shown.get(&bound.origin).map_or(&[][..], Vec::as_slice);
        for (tray, one) in state.trays.iter_mut().enumerate() {
            let meta = file.meta(&entry.path, &[]);
            let interest = one.wants(&meta);
            if interest == Interest::None {
                continue;
            }
            let before = shown.iter().find(|(other, _)| *other == tray).map(|(_, interest)| *interest);
            if before.is_some_and(|before| covers(before, interest)) && !one.analyzer.depends_on_name() {
                one.copy(bound.origin, at, &entry.path, state.limits);
            } else if bound.names <= state.limits.names_per_inode {
                self.missed.push(Missed {
                    origin: bound.origin,
                    link: at,
                    target: None,
                    who: Who::Tray(tray),
                });
            } else {
                let limit = state.limits.names_per_inode;
                one.refuse(&meta, at, &format!("a file with more than {limit} further names"), state.limits);
            }
        }
        if !is_kept(&entry.path) {
            return;
        }
        match state.kept.of(bound.origin).map(|kept| kept.bytes.clone()) {
            Some(bytes) => {
                state.kept.keep(at, &entry.path, &bytes, state.limits);
            }
            None => self.missed.push(Missed { origin: bound.origin, link: at, target: None, who: Who::Kept }),
        }
    }
}

/// Whether an analyzer that was shown `before` has seen all it would be shown by `now`.
fn covers(before: Interest, now: Interest) -> bool {
    match (before, now) {
        (Interest::Whole, _) | (Interest::Stream, Interest::Stream | Interest::Head(_)) => true,
        (Interest::Head(before), Interest::Head(now)) => before >= now,
        _ => now == Interest::None,
    }
}

impl EntrySink for LayerRun<'_> {
    fn entry(&mut self, mut entry: FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        let at = u32::try_from(self.state.entries.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "more entries than can be numbered"))?;
        // Whiteouts hide names of lower layers; they replace nothing of their own.
        let takes_name = !matches!(entry.kind, EntryKind::Whiteout | EntryKind::Opaque);
        if takes_name
            && let Some(previous) = self.state.names.get(&self.state.entries, entry.path.as_bytes())
            && self.shown.contains_key(&previous)
        {
            self.state.trays.iter_mut().for_each(|tray| tray.forget(&entry.path));
        }
        match entry.kind {
            EntryKind::File => self.regular(at, &mut entry, body)?,
            EntryKind::HardLink => self.hard_link(at, &mut entry),
            _ => {}
        }
        self.state.entries.push(entry);
        if takes_name {
            self.state.names.set(&self.state.entries, at);
        }
        Ok(())
    }

    fn ambiguity(&mut self, message: String) {
        self.state.ambiguity(message);
    }
}

#[cfg(test)]
mod tests;
