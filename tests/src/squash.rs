//! A naive squasher: the oracle the merging of layers is held to.
//!
//! It applies layers to one flat map of paths, entry by entry, in the dumbest way that does what containerd does to a
//! file system (and nothing of `plimsoll-inventory`): resolve the parent through symlinks, clamped at the root; make the
//! parents that are missing; remove what is in the way unless both are directories; create. Cleverness would only be
//! a second copy of what is tested.
//!
//! Where containerd would refuse a layer, the reading is the one that leaves out least, and [`Squashed::refused`] says so.

use std::collections::BTreeMap;

use plimsoll_types::{EntryKind, FileEntry};

pub mod strategy;
#[cfg(test)]
mod tests;

/// As containerd's path resolution.
const MAX_LINKS: usize = 255;

/// Name and value of an extended attribute.
pub type Xattr = (Box<[u8]>, Box<[u8]>);

/// A file of the squashed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is; never a whiteout, nor a hard link.
    pub kind: EntryKind,
    /// The twelve mode bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time.
    pub mtime: i64,
    /// Size.
    pub size: u64,
    /// Hash of the content.
    pub sha256: Option<[u8; 32]>,
    /// Text of a symlink.
    pub link_target: Vec<u8>,
    /// Device numbers.
    pub rdev: Option<(u32, u32)>,
    /// Extended attributes.
    pub xattrs: Vec<Xattr>,
    /// The layer whose entry describes it (of a hard link: its target's).
    pub layer: u32,
}

/// The image after all layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Squashed {
    /// Every name but the root's, by its path without a leading slash.
    pub files: BTreeMap<Vec<u8>, Node>,
    /// What containerd would have refused, as layer and path.
    pub refused: Vec<(u32, Vec<u8>)>,
}

/// The files of the squashed image.
pub fn apply(layers: &[Vec<FileEntry>]) -> BTreeMap<Vec<u8>, Node> {
    squash(layers).files
}

/// Applies `layers`, lowest first.
pub fn squash(layers: &[Vec<FileEntry>]) -> Squashed {
    let mut disk = Disk::default();
    for (layer, entries) in layers.iter().enumerate() {
        disk.layer = layer as u32;
        disk.hidden.clear();
        for entry in entries {
            if disk.entry(entry).is_err() {
                disk.refused.push((disk.layer, entry.path.as_bytes().to_vec()));
            }
        }
    }
    let files = disk.files.into_iter().map(|(path, file)| (path, file.node)).collect();
    Squashed { files, refused: disk.refused }
}

#[derive(Clone)]
struct File {
    node: Node,
    /// The layer that wrote this name last.
    written_by: u32,
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<Vec<u8>, File>,
    /// What whiteouts of this layer removed.
    hidden: BTreeMap<Vec<u8>, File>,
    layer: u32,
    refused: Vec<(u32, Vec<u8>)>,
}

/// The layer, or this entry of it, would be refused.
struct Refused;

impl Disk {
    fn entry(&mut self, entry: &FileEntry) -> Result<(), Refused> {
        let path = entry.path.as_bytes();
        match entry.kind {
            EntryKind::Whiteout => {
                let Ok(path) = self.place(path, false) else { return Ok(()) };
                self.hide(&path);
                Ok(())
            }
            EntryKind::Opaque => {
                let Ok(directory) = self.resolve(path, false) else { return Ok(()) };
                for child in self.below(&directory) {
                    self.hide(&child);
                }
                Ok(())
            }
            _ if path.is_empty() => Ok(()),
            EntryKind::HardLink => {
                let target = self.link_target(&entry.link_target)?;
                self.create(path, target, Some(&entry.link_target))
            }
            _ => self.create(path, node(entry, self.layer), None),
        }
    }

    /// The path with its parent resolved; the last name is taken as it is.
    fn place(&self, path: &[u8], behind_whiteouts: bool) -> Result<Vec<u8>, Refused> {
        let (parent, name) = split(path);
        Ok(join(&self.resolve(parent, behind_whiteouts)?, name))
    }

    /// Follows every symlink of `path`. What is not there is taken as it is written.
    fn resolve(&self, path: &[u8], behind_whiteouts: bool) -> Result<Vec<u8>, Refused> {
        let mut todo: Vec<Vec<u8>> = parts(path);
        let mut at: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name == b".." {
                at = split(&at).0.to_vec();
                continue;
            }
            let next = join(&at, &name);
            let hidden = || self.hidden.get(&next).filter(|_| behind_whiteouts);
            match self.files.get(&next).or_else(hidden) {
                Some(file) if file.node.kind == EntryKind::Symlink => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Refused);
                    }
                    if file.node.link_target.starts_with(b"/") {
                        at.clear();
                    }
                    todo.extend(parts(&file.node.link_target));
                }
                _ => at = next,
            }
        }
        Ok(at)
    }

    /// What a hard link binds to: an inode, also one whose name a whiteout of this layer has removed.
    fn link_target(&self, target: &[u8]) -> Result<Node, Refused> {
        let here = self.files.get(&self.place(target, false)?);
        let hidden = self.place(target, true).map(|path| self.files.get(&path).or(self.hidden.get(&path)));
        let file = match here {
            Some(file) => file,
            None => hidden?.ok_or(Refused)?,
        };
        if file.node.kind == EntryKind::Directory { Err(Refused) } else { Ok(file.node.clone()) }
    }

    fn create(&mut self, path: &[u8], node: Node, link: Option<&[u8]>) -> Result<(), Refused> {
        let (parent, name) = split(path);
        let parent = self.resolve(parent, false)?;
        let path = join(&parent, name);
        let live = |target| self.place(target, false).is_ok_and(|target| target == path);
        if link.is_some_and(live) && self.files.contains_key(&path) {
            return Err(Refused);
        }
        self.make_parents(&parent);
        let is_directory = |file: &File| file.node.kind == EntryKind::Directory;
        if node.kind != EntryKind::Directory || !self.files.get(&path).is_some_and(is_directory) {
            self.remove(&path);
        }
        self.files.insert(path, File { node, written_by: self.layer });
        Ok(())
    }

    /// Makes every directory of `path` that is missing, and takes whatever else is there for one.
    fn make_parents(&mut self, path: &[u8]) {
        let mut at = Vec::new();
        for name in parts(path).into_iter().rev() {
            at = join(&at, &name);
            match self.files.get(&at).map(|file| file.node.kind) {
                Some(EntryKind::Directory) => continue,
                Some(_) => self.refused.push((self.layer, at.clone())),
                None => {}
            }
            self.remove(&at);
            self.files.insert(at.clone(), File { node: implied(self.layer), written_by: self.layer });
        }
    }

    /// Makes room for another file. What whiteouts hid below the old one is out of reach for good.
    fn remove(&mut self, path: &[u8]) {
        for below in self.below(path) {
            self.files.remove(&below);
        }
        self.files.remove(path);
        self.hidden.retain(|hidden, _| !is_below(hidden, path));
    }

    /// Removes what lower layers have at and below `path`. A directory that this layer has put something into, and
    /// does not describe itself, is a new one.
    fn hide(&mut self, path: &[u8]) {
        let mut names = self.below(path);
        names.push(path.to_vec());
        for name in names {
            let Some(file) = self.files.get(&name).cloned() else { continue };
            if file.written_by == self.layer {
                continue;
            }
            let mine = |below: &Vec<u8>| self.files[below].written_by == self.layer;
            if self.below(&name).iter().any(mine) {
                let directory = File { node: implied(self.layer), written_by: self.layer };
                self.files.insert(name, directory);
            } else {
                self.remove_hidden(&name);
            }
        }
    }

    fn remove_hidden(&mut self, path: &[u8]) {
        let mut names = self.below(path);
        names.push(path.to_vec());
        for name in names {
            if let Some(file) = self.files.remove(&name) {
                self.hidden.insert(name, file);
            }
        }
    }

    /// Every name below a directory.
    fn below(&self, directory: &[u8]) -> Vec<Vec<u8>> {
        self.files.keys().filter(|path| is_below(path, directory)).cloned().collect()
    }
}

fn node(entry: &FileEntry, layer: u32) -> Node {
    Node {
        kind: entry.kind,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: entry.mtime,
        size: entry.size,
        sha256: entry.sha256,
        link_target: entry.link_target.to_vec(),
        rdev: entry.rdev,
        xattrs: entry.xattrs.clone(),
        layer,
    }
}

/// A directory no entry describes.
fn implied(layer: u32) -> Node {
    Node {
        kind: EntryKind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: 0,
        size: 0,
        sha256: None,
        link_target: Vec::new(),
        rdev: None,
        xattrs: Vec::new(),
        layer,
    }
}

/// The names of a path, last one first, without the empty ones and `.`.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .rev()
        .filter(|part| !matches!(*part, b"" | b"."))
        .map(<[u8]>::to_vec)
        .collect()
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}
