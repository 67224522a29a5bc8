//! A second run over the same layer, for links whose data passed under a name that was not wanted.

use std::io::{self, BufRead};

use plimsoll_layer::EntrySink;
use plimsoll_types::{Digest, EntryKind, Evidence, FileEntry};

use crate::Interest;
use crate::intake::{Described, Request};
use crate::kind::content_kind;
use crate::run::State;

/// Somebody who did not get to see a file under one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missed {
    /// The entry that brings the data.
    pub(crate) origin: u32,
    /// The entry of the wanted name.
    pub(crate) link: u32,
    /// For a symbolic link, the entry it leads to: `origin`, or another name of that inode.
    pub(crate) target: Option<u32>,
    /// Who.
    pub(crate) who: Who,
}

/// Who wanted to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The analyzer of this tray.
    Tray(usize),
    /// The kept files of the index.
    Kept,
}

/// Takes up what [`crate::LayerRun`] missed: show it the same layer from the start.
pub struct SecondRun<'a> {
    state: State<'a>,
    /// Sorted by the entry that brings the data.
    missed: Vec<Missed>,
    /// How many of them are done.
    done: usize,
    next: u32,
    diff_id: Digest,
    uncompressed_size: u64,
}

impl<'a> SecondRun<'a> {
    pub(crate) fn new(
        state: State<'a>,
        mut missed: Vec<Missed>,
        diff_id: Digest,
        uncompressed_size: u64,
    ) -> Self {
        missed.sort_unstable();
        Self { state, missed, done: 0, next: 0, diff_id, uncompressed_size }
    }

    /// Ends the run. Call it only if the whole layer passed again and its digest was the same.
    pub fn finish(self) -> Evidence {
        self.state.into_evidence(self.diff_id, self.uncompressed_size)
    }

    fn reread(&mut self, missed: &[Missed], entry: &FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        let state = &mut self.state;
        state.intake.begin(body)?;
        let content = content_kind(state.intake.head());
        let file = Described { mode: entry.mode, size: entry.size, content };
        for missed in missed.iter().filter(|missed| missed.who == Who::Kept) {
            state.intake.take_start(body)?;
            let path = state.entries[missed.link as usize].path.clone();
            state.keep(missed.link, &path);
        }
        let mut requests = Vec::new();
        for missed in missed {
            let Who::Tray(tray) = missed.who else { continue };
            let path = &state.entries[missed.link as usize].path;
            let interest = state.trays[tray].wants(&file.meta(path, state.intake.head()));
            if interest == Interest::None {
                continue;
            }
            if let Some(target) = missed.target {
                let target = &state.entries[target as usize].path;
                state.trays[tray].read_from(path, target, missed.link, state.limits);
            }
            requests.push(Request { tray, interest, path, origin: missed.link });
        }
        state.intake.finish(&file, body, &requests, &mut state.trays, state.limits)?;
        Ok(())
    }
}

impl EntrySink for SecondRun<'_> {
    fn entry(&mut self, entry: FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        let at = self.next;
        self.next = self.next.saturating_add(1);
        let from = self.done;
        let count = self.missed[from..].iter().take_while(|missed| missed.origin == at).count();
        if count == 0 {
            return Ok(());
        }
        let same = self
            .state
            .entries
            .get(at as usize)
            .is_some_and(|before| before.path == entry.path && before.size == entry.size);
        if entry.kind != EntryKind::File || !same {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is not what it was in the first run over this layer", entry.path),
            ));
        }
        self.done += count;
        let missed = self.missed[from..self.done].to_vec();
        self.reread(&missed, &entry, body)
    }

    /// Told in the first run.
    fn ambiguity(&mut self, _message: String) {}
}
