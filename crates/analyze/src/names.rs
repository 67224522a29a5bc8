//! Which entry of a layer a path means, at any moment of the walk.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use plimsoll_types::{EntryKind, FileEntry, PathBytes};

/// How many symbolic links the way to one target may run through; Linux follows 40.
const MAX_SYMLINKS: usize = 40;

/// How many bytes of names the links of a layer may have looked up between them, beyond a share per entry: a
/// layer of long links to long links is a bomb.
const LINK_BUDGET: u64 = 256 << 20;
const LINK_BUDGET_PER_ENTRY: u64 = 1 << 10;

/// The latest entry of every path. Holds four bytes per path: the paths stay in the entries.
pub(crate) struct Names {
    table: HashTable<u32>,
    hasher: RandomState,
    budget: u64,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { table: HashTable::new(), hasher: RandomState::new(), budget: LINK_BUDGET }
    }

    /// True once the links of the layer have cost too much; from then on none leads anywhere.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget == 0
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
        if self.budget > 0 {
            self.budget = self.budget.saturating_add(LINK_BUDGET_PER_ENTRY);
        }
    }

    /// Whether no later entry took the path of entry `at`.
    pub(crate) fn is_latest(&self, entries: &[FileEntry], at: u32) -> bool {
        self.get(entries, entries[at as usize].path.as_bytes()) == Some(at)
    }

    /// The entry a hard link to `target` means, following symbolic links of this layer in its parents.
    pub(crate) fn resolve(&mut self, entries: &[FileEntry], target: &PathBytes) -> Option<u32> {
        if let Some(found) = self.paid_get(entries, target.as_bytes()) {
            return Some(found);
        }
        let path = self.resolve_parents(entries, target)?;
        self.paid_get(entries, path.as_bytes())
    }

    /// The entry that the symbolic link of entry `link` leads to in the end, as far as this layer says.
    pub(crate) fn follow(&mut self, entries: &[FileEntry], link: u32) -> Option<u32> {
        let mut at = link;
        for _ in 0..MAX_SYMLINKS {
            let entry = &entries[at as usize];
            if entry.kind != EntryKind::Symlink {
                return Some(at);
            }
            at = self.resolve(entries, &target_of(entry))?;
        }
        None
    }

    /// As [`Names::get`], on account of the budget.
    fn paid_get(&mut self, entries: &[FileEntry], path: &[u8]) -> Option<u32> {
        self.budget = self.budget.saturating_sub(path.len() as u64);
        if self.is_exhausted() { None } else { self.get(entries, path) }
    }

    /// `target` with every symbolic link of its parents replaced; none if there are none, or a loop.
    fn resolve_parents(&mut self, entries: &[FileEntry], target: &PathBytes) -> Option<PathBytes> {
        let mut path = target.clone();
        for _ in 0..MAX_SYMLINKS {
            match self.replace_first_symlink(entries, &path) {
                Some(next) => path = next,
                None => return (path != *target).then_some(path),
            }
        }
        None
    }

    fn replace_first_symlink(&mut self, entries: &[FileEntry], path: &PathBytes) -> Option<PathBytes> {
        let bytes = path.as_bytes();
        let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for slash in slashes {
            let Some(at) = self.paid_get(entries, &bytes[..slash]) else { continue };
            let entry = &entries[at as usize];
            if entry.kind == EntryKind::Symlink {
                return Some(target_of(entry).join(&bytes[slash + 1..]));
            }
        }
        None
    }
}

/// The path a symbolic link states.
fn target_of(link: &FileEntry) -> PathBytes {
    let parent = match link.link_target.first() {
        Some(b'/') => PathBytes::root(),
        _ => link.path.parent(),
    };
    parent.join(&link.link_target)
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
        let mut names = names(&entries);
        assert_eq!(names.resolve(&entries, &"lib/x/f".into()), Some(2));
        assert_eq!(names.resolve(&entries, &"lib/y/f".into()), None);
    }

    #[test]
    fn symlink_loops_end() {
        let entries = [symlink("a", "b"), symlink("b", "a")];
        assert_eq!(names(&entries).resolve(&entries, &"a/f".into()), None);
    }

    #[test]
    fn symlinks_are_followed_to_the_end_and_no_further_than_the_layer() {
        let entries = [
            symlink("srv/a", "../opt/b"),
            symlink("opt/b", "/var/c/f"),
            symlink("var/c", "d"),
            file("var/d/f", 0),
            symlink("srv/up", "../../../opt/b"),
            symlink("srv/void", "../lower/f"),
            symlink("srv/self", "self"),
        ];
        let mut names = names(&entries);
        for (link, end) in [(0, Some(3)), (1, Some(3)), (4, Some(3)), (5, None), (6, None)] {
            assert_eq!(names.follow(&entries, link), end, "{}", entries[link as usize].path);
        }
    }

    #[test]
    fn links_that_cost_too_much_lead_nowhere() {
        let deep = "d/".repeat(2000);
        let entries = [symlink("a", &format!("{deep}f")), file("f", 0), symlink("b", "f")];
        let mut names = names(&entries);
        assert_eq!(names.follow(&entries, 2), Some(1));
        // Looking up two thousand parents costs the length of each.
        names.budget = 6_000_000;
        assert_eq!(names.follow(&entries, 0), None);
        assert_eq!(names.follow(&entries, 2), Some(1));
        assert_eq!(names.follow(&entries, 0), None);
        assert!(names.is_exhausted());
        assert_eq!(names.follow(&entries, 2), None);
    }
}
