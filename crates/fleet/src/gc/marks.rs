//! Marks: which keys are needed, sorted, in memory as far as they fit and on the disk beyond that.
//!
//! The store lists keys in the order of their paths. Marks in the same order are held against them one by one, so
//! that neither of the two has ever to be in memory as a whole: ten million marks are 660 MB on the disk at most, and
//! much less since a layer is marked once however many images have it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use plimsoll_store::Key;
use plimsoll_types::{Digest, EvidenceGroup};

use super::Kind;

const SIZE: usize = 66;

/// Files that are open at the same time; more are made one.
const MOST_FILES: usize = 64;

/// A key in few bytes that sort as its path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark([u8; SIZE]);

impl From<&Key> for Mark {
    fn from(key: &Key) -> Self {
        let mut bytes = [0; SIZE];
        bytes[0] = Kind::of(key) as u8;
        let digest: &Digest = match key {
            Key::Evidence { diff_id, group, fingerprint } => {
                bytes[33] = match group {
                    EvidenceGroup::Index => 0,
                    EvidenceGroup::Packages => 1,
                };
                bytes[34..].copy_from_slice(fingerprint.as_bytes());
                diff_id
            }
            Key::BlobLink(digest)
            | Key::Manifest(digest)
            | Key::Config(digest)
            | Key::Snapshot(digest)
            | Key::Verdict(digest)
            | Key::Policy(digest) => digest,
        };
        bytes[1..33].copy_from_slice(digest.as_bytes());
        Self(bytes)
    }
}

/// Takes marks in any order.
pub(super) struct Marks {
    buffer: Vec<Mark>,
    most: usize,
    files: Vec<File>,
}

impl Marks {
    /// `most` of them are in memory at a time.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(2);
        Self { buffer: Vec::with_capacity(most.min(1 << 16)), most, files: Vec::new() }
    }

    pub(super) fn add(&mut self, key: &Key) -> io::Result<()> {
        self.buffer.push(key.into());
        if self.buffer.len() < self.most {
            return Ok(());
        }
        self.buffer.sort_unstable();
        self.buffer.dedup();
        // Where most were there already there is room again.
        if self.buffer.len() > self.most / 2 { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.files.push(written(self.buffer.iter().copied().map(Ok))?);
        self.buffer.clear();
        if self.files.len() < MOST_FILES {
            return Ok(());
        }
        let all = Sorted::new(std::mem::take(&mut self.files), Vec::new())?;
        self.files.push(written(all)?);
        Ok(())
    }

    /// All marks, in order.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        self.buffer.sort_unstable();
        self.buffer.dedup();
        Sorted::new(self.files, self.buffer)
    }
}

/// A file without a name that holds these marks: nothing is left of it when the process ends.
fn written(marks: impl Iterator<Item = io::Result<Mark>>) -> io::Result<File> {
    let mut out = BufWriter::new(tempfile::tempfile()?);
    for mark in marks {
        out.write_all(&mark?.0)?;
    }
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// Marks in order, each once.
pub(super) struct Sorted {
    files: Vec<BufReader<File>>,
    in_memory: std::vec::IntoIter<Mark>,
    /// The next one of each source; the one beyond the files is the memory.
    heads: BinaryHeap<Reverse<(Mark, usize)>>,
    next: Option<Mark>,
}

impl Sorted {
    fn new(files: Vec<File>, in_memory: Vec<Mark>) -> io::Result<Self> {
        let files: Vec<_> = files.into_iter().map(BufReader::new).collect();
        let sources = files.len() + 1;
        let in_memory = in_memory.into_iter();
        let mut sorted = Self { files, in_memory, heads: BinaryHeap::new(), next: None };
        for source in 0..sources {
            sorted.refill(source)?;
        }
        sorted.next = sorted.pop()?;
        Ok(sorted)
    }

    /// True if `key` is marked. Keys are asked for in the order of their paths.
    pub(super) fn has(&mut self, key: &Key) -> io::Result<bool> {
        let mark = Mark::from(key);
        while self.next.is_some_and(|next| next < mark) {
            self.next = self.pop()?;
        }
        Ok(self.next == Some(mark))
    }

    fn refill(&mut self, source: usize) -> io::Result<()> {
        let mark = match self.files.get_mut(source) {
            Some(file) => read(file)?,
            None => self.in_memory.next(),
        };
        self.heads.extend(mark.map(|mark| Reverse((mark, source))));
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Option<Mark>> {
        let Some(Reverse((mark, source))) = self.heads.pop() else { return Ok(None) };
        self.refill(source)?;
        while let Some(Reverse((same, source))) = self.heads.peek().copied()
            && same == mark
        {
            self.heads.pop();
            self.refill(source)?;
        }
        Ok(Some(mark))
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Mark>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next?;
        match self.pop() {
            Ok(following) => self.next = following,
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(next))
    }
}

fn read(file: &mut BufReader<File>) -> io::Result<Option<Mark>> {
    let mut bytes = [0; SIZE];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(Mark(bytes))),
        // Files are made of whole marks.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u32) -> Digest {
        let mut bytes = [0; 32];
        // Spread over the first bytes, so that neighbours are no neighbours.
        bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        Digest::from_bytes(bytes)
    }

    fn keys(number: u32) -> Vec<Key> {
        let digest = digest(number);
        let fingerprint = Digest::from_bytes([(number % 3) as u8; 32]);
        let evidence = |group: &EvidenceGroup| Key::Evidence { diff_id: digest, group: *group, fingerprint };
        let mut keys: Vec<_> = EvidenceGroup::ALL.iter().map(evidence).collect();
        keys.extend([
            Key::BlobLink(digest),
            Key::Manifest(digest),
            Key::Config(digest),
            Key::Snapshot(digest),
            Key::Verdict(digest),
            Key::Policy(digest),
        ]);
        keys
    }

    #[test]
    fn marks_sort_as_paths_do() {
        let mut keys: Vec<_> = (0..50).flat_map(keys).collect();
        keys.sort_by_key(Key::path);
        assert!(keys.is_sorted_by_key(Mark::from), "in the order of their paths");
        let distinct: std::collections::BTreeSet<_> = keys.iter().map(Mark::from).collect();
        assert_eq!(distinct.len(), keys.len());
    }

    /// Whatever fits into memory; also so little that files have to be made one.
    #[test]
    fn what_was_added_is_found_and_nothing_else() {
        for most in [1, 3, 100, 100_000] {
            let mut marks = Marks::new(most);
            for number in (0..300).chain(100..200) {
                for key in keys(number).iter().filter(|_| number % 2 == 0) {
                    marks.add(key).unwrap();
                }
            }
            let mut sorted = marks.sorted().unwrap();
            let mut asked: Vec<_> =
                (0..300).flat_map(|number| keys(number).into_iter().map(move |key| (number, key))).collect();
            asked.sort_by_key(|(_, key)| key.path());
            for (number, key) in asked {
                assert_eq!(sorted.has(&key).unwrap(), number % 2 == 0, "{number} {key}, {most} in memory");
            }
        }
    }

    #[test]
    fn each_mark_comes_once() {
        let mut marks = Marks::new(4);
        for number in [5, 1, 5, 5, 1, 9, 9, 9, 9, 1] {
            marks.add(&Key::Policy(digest(number))).unwrap();
        }
        let all = marks.sorted().unwrap().collect::<io::Result<Vec<_>>>().unwrap();
        assert_eq!(all.len(), 3);
        assert!(all.is_sorted());
    }
}
