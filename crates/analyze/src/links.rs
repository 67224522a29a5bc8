//! Hard links: further names of an inode, bound when the layer is read.

use std::collections::HashMap;

use plimsoll_types::{EntryKind, FileEntry};

/// The inodes of a layer that have several names.
#[derive(Default)]
pub(crate) struct Links {
    groups: u32,
    /// For a bound name, the entry its data came with.
    origins: HashMap<u32, u32>,
    /// For an entry with data, how many further names it has.
    names: HashMap<u32, u32>,
}

/// How a hard link was bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The entry the data came with.
    pub(crate) origin: u32,
    /// How many further names that inode has now.
    pub(crate) names: u32,
    /// Something on which runtimes differ.
    pub(crate) ambiguity: Option<String>,
}

impl Links {
    /// Makes `link` a second name of entry `target` of the same layer.
    ///
    /// A directory has no second name: such a link stays as it is, and no runtime applies it.
    pub(crate) fn bind(
        &mut self,
        entries: &mut [FileEntry],
        link: &mut FileEntry,
        target: u32,
    ) -> Option<Bound> {
        let inode = &mut entries[target as usize];
        if inode.kind == EntryKind::Directory {
            return None;
        }
        if inode.link_group == 0 {
            self.groups += 1;
            inode.link_group = self.groups;
        }
        // Headers of links are often half filled, so an empty mode says nothing.
        let differs = link.mode != 0 && (link.mode, link.uid, link.gid) != (inode.mode, inode.uid, inode.gid);
        let ambiguity = differs.then(|| {
            format!(
                "hard link {} states mode {:o} and owner {}:{}, its target {} has {:o} and {}:{}; the target's were kept",
                link.path, link.mode, link.uid, link.gid, inode.path, inode.mode, inode.uid, inode.gid
            )
        });
        let path = std::mem::take(&mut link.path);
        *link = FileEntry { path, ..inode.clone() };
        let origin = self.origin(target);
        let names = self.names.entry(origin).or_default();
        *names += 1;
        Some(Bound { origin, names: *names, ambiguity })
    }

    /// The entry that the data of entry `at` came with.
    pub(crate) fn origin(&self, at: u32) -> u32 {
        self.origins.get(&at).copied().unwrap_or(at)
    }

    /// Remembers that the name bound last became entry `at`.
    pub(crate) fn became(&mut self, at: u32, origin: u32) {
        self.origins.insert(at, origin);
    }
}
