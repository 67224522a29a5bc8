//! The walk over a root filesystem that writes it as a tar.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use super::Sink;
use super::header::{BLOCK, Entry, Xattr, flag};
use crate::blocking::{CHUNK, Halt};
use crate::{Error, Limits};

/// Longest extended attribute value; Linux allows no longer one.
const MAX_XATTR: usize = 64 * 1024;

/// What the first walk saw of each entry, so that the second one can name what has changed.
pub(super) enum Seen {
    Recording(Vec<u64>),
    Comparing { before: Arc<Vec<u64>>, at: usize },
}

impl Seen {
    pub(super) fn recording() -> Self {
        Self::Recording(Vec::new())
    }

    pub(super) fn comparing(before: Arc<Vec<u64>>) -> Self {
        Self::Comparing { before, at: 0 }
    }

    /// False if the walk before this one saw something else here.
    fn note(&mut self, name: &[u8], metadata: &Metadata) -> bool {
        let mut hasher = DefaultHasher::new();
        (name, identity(metadata)).hash(&mut hasher);
        let print = hasher.finish();
        match self {
            Self::Recording(prints) => {
                prints.push(print);
                true
            }
            Self::Comparing { before, at } => {
                *at += 1;
                before.get(*at - 1) == Some(&print)
            }
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Recording(prints) => prints.len(),
            Self::Comparing { at, .. } => *at,
        }
    }
}

/// What changes when a file does. Reading a directory or a file moves none of it.
fn identity(metadata: &Metadata) -> [i64; 8] {
    [
        metadata.dev() as i64,
        metadata.ino() as i64,
        metadata.size() as i64,
        i64::from(metadata.mode()),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

/// One walk.
pub(super) struct Walk<'a, S> {
    root: &'a Path,
    limits: Limits,
    seen: Seen,
    sink: &'a mut S,
    /// First names of files with several.
    names: HashMap<(u64, u64), Vec<u8>>,
    buffer: Vec<u8>,
}

impl<'a, S: Sink> Walk<'a, S> {
    pub(super) fn new(root: &'a Path, limits: Limits, seen: Seen, sink: &'a mut S) -> Self {
        Self { root, limits, seen, sink, names: HashMap::new(), buffer: vec![0; CHUNK] }
    }

    /// Writes the whole tree. Returns what was seen, for the next walk.
    pub(super) fn run(mut self) -> Result<Vec<u64>, Halt> {
        let metadata = std::fs::metadata(self.root).map_err(|source| Error::io(self.root, source))?;
        if !metadata.is_dir() {
            return Err(Error::io(self.root, io::ErrorKind::NotADirectory.into()).into());
        }
        self.directory(self.root, &mut Vec::new(), metadata.dev(), 0)?;
        self.sink.write(&[0; 2 * BLOCK])?;
        Ok(match self.seen {
            Seen::Recording(prints) => prints,
            Seen::Comparing { .. } => Vec::new(),
        })
    }

    /// Writes what is in the directory `path`, called `name` in the tar. Sorted by bytes; no locale.
    fn directory(&mut self, path: &Path, name: &mut Vec<u8>, device: u64, depth: usize) -> Result<(), Halt> {
        if depth > self.limits.rootfs_depth {
            let what = path.display().to_string();
            let limit = self.limits.rootfs_depth as u64;
            return Err(Error::TooLarge { what, limit, unit: "nested directories" }.into());
        }
        let listed = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name().into_vec())).collect());
        let mut children: Vec<Vec<u8>> = listed.map_err(|source| Error::io(path, source))?;
        children.sort_unstable();
        for child in children {
            let length = name.len();
            if length > 0 {
                name.push(b'/');
            }
            name.extend_from_slice(&child);
            self.entry(&path.join(OsStr::from_bytes(&child)), name, device, depth)?;
            name.truncate(length);
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &mut Vec<u8>, device: u64, depth: usize) -> Result<(), Halt> {
        let metadata = std::fs::symlink_metadata(path).map_err(|source| vanished(path, source))?;
        if !self.seen.note(name, &metadata) {
            return Err(Error::Changed { path: path.to_owned() }.into());
        }
        if self.seen.count() > self.limits.rootfs_entries {
            let what = self.root.display().to_string();
            return Err(
                Error::TooLarge { what, limit: self.limits.rootfs_entries as u64, unit: "entries" }.into()
            );
        }
        let kind = metadata.file_type();
        let mut entry = describe(path, name, &metadata)?;
        if kind.is_dir() {
            entry.flag = flag::DIRECTORY;
            entry.name.push(b'/');
            self.sink.write(&entry.blocks())?;
            // What a kernel makes up is not part of any image, and reading it may never end.
            if metadata.dev() != device && is_pseudo_filesystem(path) {
                return Ok(());
            }
            return self.directory(path, name, metadata.dev(), depth + 1);
        }
        if kind.is_file() {
            return self.file(path, entry, &metadata);
        }
        entry.flag = match () {
            () if kind.is_symlink() => flag::SYMLINK,
            () if kind.is_char_device() => flag::CHAR,
            () if kind.is_block_device() => flag::BLOCK,
            () if kind.is_fifo() => flag::FIFO,
            // A socket: no tar can hold one, and it means nothing without its process.
            () => return Ok(()),
        };
        if kind.is_symlink() {
            let target = std::fs::read_link(path).map_err(|source| vanished(path, source))?;
            entry.link = target.into_os_string().into_vec();
        }
        self.sink.write(&entry.blocks())
    }

    fn file(&mut self, path: &Path, mut entry: Entry, metadata: &Metadata) -> Result<(), Halt> {
        if metadata.nlink() > 1 {
            let inode = (metadata.dev(), metadata.ino());
            if let Some(first) = self.names.get(&inode) {
                (entry.flag, entry.link) = (flag::HARD_LINK, first.clone());
                return self.sink.write(&entry.blocks());
            }
            self.names.insert(inode, entry.name.clone());
        }
        let changed = || Halt::Failed(Error::Changed { path: path.to_owned() });
        // Not followed and not waited for, should it have become a link or a pipe meanwhile.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let opened = rustix::fs::open(path, flags, Mode::empty());
        let mut file = File::from(opened.map_err(|errno| vanished(path, errno.into()))?);
        let same = |file: &File| file.metadata().is_ok_and(|now| identity(&now) == identity(metadata));
        if !same(&file) {
            return Err(changed());
        }
        entry.size = metadata.size();
        self.sink.write(&entry.blocks())?;
        let mut left = entry.size;
        while left > 0 {
            let most = left.min(CHUNK as u64) as usize;
            let read = file.read(&mut self.buffer[..most]).map_err(|source| Error::io(path, source))?;
            if read == 0 {
                return Err(changed());
            }
            self.sink.write(&self.buffer[..read])?;
            left -= read as u64;
        }
        if !same(&file) {
            return Err(changed());
        }
        let padding = entry.size.next_multiple_of(BLOCK as u64) - entry.size;
        self.sink.write(&[0; BLOCK][..padding as usize])
    }
}

/// The entry of `path`, as far as every kind of file has it.
fn describe(path: &Path, name: &[u8], metadata: &Metadata) -> Result<Entry, Error> {
    let device = metadata.file_type().is_char_device() || metadata.file_type().is_block_device();
    let number = if device { metadata.rdev() } else { 0 };
    Ok(Entry {
        flag: flag::FILE,
        name: name.to_vec(),
        link: Vec::new(),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: 0,
        mtime: metadata.mtime(),
        major: rustix::fs::major(number as _),
        minor: rustix::fs::minor(number as _),
        xattrs: xattrs(path)?,
    })
}

/// A name that was listed a moment ago and is gone or another thing has changed; all else is what it is.
fn vanished(path: &Path, source: io::Error) -> Error {
    let gone = source.kind() == io::ErrorKind::NotFound
        || source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    if gone { Error::Changed { path: path.to_owned() } } else { Error::io(path, source) }
}

/// `security.capability` and `user.*`, as far as they can be read, sorted. The rest (SELinux labels, overlay
/// marks) belongs to this host and not to the image.
fn xattrs(path: &Path) -> Result<Vec<Xattr>, Error> {
    let mut names = vec![0; MAX_XATTR];
    // Filesystems without attributes and attributes without permission are the same as none.
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0) {
        if name != b"security.capability" && !name.starts_with(b"user.") || name.contains(&b'=') {
            continue;
        }
        let mut value = vec![0; MAX_XATTR];
        match rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                found.push((name.to_vec(), value));
            }
            Err(rustix::io::Errno::RANGE) => {
                let path = PathBuf::from(path);
                return Err(Error::Changed { path });
            }
            Err(_) => {}
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// True for mounts of filesystems a kernel makes up (linux/magic.h).
#[cfg(target_os = "linux")]
fn is_pseudo_filesystem(path: &Path) -> bool {
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    const CGROUP: u64 = 0x27_e0eb;
    const CGROUP2: u64 = 0x6367_7270;
    const DEVPTS: u64 = 0x1cd1;
    const DEBUGFS: u64 = 0x6462_6720;
    const TRACEFS: u64 = 0x7472_6163;
    const SECURITYFS: u64 = 0x7363_6673;
    const BPF: u64 = 0xcafe_4a11;
    const MQUEUE: u64 = 0x1980_0202;
    const PSEUDO: [u64; 10] =
        [PROC, SYSFS, CGROUP, CGROUP2, DEVPTS, DEBUGFS, TRACEFS, SECURITYFS, BPF, MQUEUE];
    rustix::fs::statfs(path).is_ok_and(|stat| PSEUDO.contains(&(stat.f_type as u64)))
}

#[cfg(not(target_os = "linux"))]
fn is_pseudo_filesystem(_path: &Path) -> bool {
    false
}
