//! Which entry of a layer a path means, at any moment of the walk.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use plimsoll_types::{EntryKind, FileEntry, PathBytes};

/// How many symbolic links the way to one hard link's target may run through; Linux follows 40.
const MAX_SYMLINKS: usize = 40;

/// The latest entry of every path. Holds four bytes per path: the paths stay in the entries.
pub(crate) struct Names {
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { table: HashTable::new(), hasher: RandomState::new() }
    }

    /// The latest entry of `path`.
    pub(crate) fn get(&self, entries: &[FileEntry], path: &[u8]) -> Option<u32> {
        let same = |at: &u32| entries[*at as usize].path.as_bytes() == path;
        self.table.find(self.hasher.hash_one(path), same).copied()
    }

    /// Makes entry `at` the latest of its path.
    pub(crate) fn set(&mut self, entries: &[FileEntry], at: u32) {
        let path_of = |at: &u32| entries[*at as usize].path.as_bytes();
        let path = path_of(&at);
        let hasher = &self.hasher;
        self.table
            .entry(
                hasher.hash_one(path),
                |other| path_of(other) == path,
                |other| hasher.hash_one(path_of(other)),
            )
            .and_modify(|latest| *latest = at)
            .or_insert(at);
    }

    /// Whether no later entry took the path of entry `at`.
    pub(crate) fn is_latest(&self, entries: &[FileEntry], at: u32) -> bool {
        self.get(entries, entries[at as usize].path.as_bytes()) == Some(at)
    }

    /// The entry a hard link to `target` means, following symbolic links of this layer in its parents.
    pub(crate) fn resolve(&self, entries: &[FileEntry], target: &PathBytes) -> Option<u32> {
        self.get(entries, target.as_bytes()).or_else(|| {
            let path = self.resolve_parents(entries, target)?;
            self.get(entries, path.as_bytes())
        })
    }

    /// `target` with every symbolic link of its parents replaced; none if there are none, or a loop.
    fn resolve_parents(&self, entries: &[FileEntry], target: &PathBytes) -> Option<PathBytes> {
        let mut path = target.clone();
        for _ in 0..MAX_SYMLINKS {
            match self.replace_first_symlink(entries, &path) {
                Some(next) => path = next,
                None => return (path != *target).then_some(path),
            }
        }
        None
    }

    fn replace_first_symlink(&self, entries: &[FileEntry], path: &PathBytes) -> Option<PathBytes> {
        let bytes = path.as_bytes();
        let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for slash in slashes {
            let Some(at) = self.get(entries, &bytes[..slash]) else { continue };
            let entry = &entries[at as usize];
            if entry.kind == EntryKind::Symlink {
                let parent = match entry.link_target.first() {
                    Some(b'/') => PathBytes::root(),
                    _ => entry.path.parent(),
                };
                return Some(parent.join(&entry.link_target).join(&bytes[slash + 1..]));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file, symlink};

    fn names(entries: &[FileEntry]) -> Names {
        let mut names = Names::new();
        for at in 0..entries.len() {
            names.set(entries, at as u32);
        }
        names
    }

    #[test]
    fn the_last_of_duplicates_is_the_latest() {
        let entries = [file("a", 0), file("b", 0), file("a", 1)];
        let names = names(&entries);
        assert_eq!(names.get(&entries, b"a"), Some(2));
        assert!(!names.is_latest(&entries, 0) && names.is_latest(&entries, 1));
        assert_eq!(names.get(&entries, b"c"), None);
    }

    #[test]
    fn link_targets_run_through_symlinked_parents_of_the_layer() {
        let entries = [symlink("lib", "usr/lib"), symlink("usr/lib/x", "/opt"), file("opt/f", 0)];
        let names = names(&entries);
        assert_eq!(names.resolve(&entries, &"lib/x/f".into()), Some(2));
        assert_eq!(names.resolve(&entries, &"lib/y/f".into()), None);
    }

    #[test]
    fn symlink_loops_end() {
        let entries = [symlink("a", "b"), symlink("b", "a")];
        assert_eq!(names(&entries).resolve(&entries, &"a/f".into()), None);
    }
}
