//! Objects on their way into the store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::make_directory;
use crate::{Error, Put};

/// A file in `tmp`, locked as long as its writer lives and deleted when dropped.
pub(super) struct Temporary {
    file: File,
    path: PathBuf,
}

/// A file younger than this is never swept: its writer may stand between making it and locking it.
const LEAST_AGE: Duration = Duration::from_secs(15 * 60);

static COUNTER: AtomicU64 = AtomicU64::new(0);

impl Temporary {
    pub(super) fn create(directory: &Path) -> Result<Self, Error> {
        // Process ids repeat across containers that share a directory; the clock and `create_new` settle that.
        let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{}-{count}-{nanoseconds}", std::process::id()));
        let error = |source| Error::Io { action: "make", path: path.clone(), source };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(error)?;
        // Nobody else takes the lock of a file this young; a file system without locks has no sweeping.
        match file.try_lock() {
            Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
        Ok(Self { file, path })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn error(&self, action: &'static str, source: io::Error) -> Error {
        Error::Io { action, path: self.path.clone(), source }
    }

    /// Flushes the file and moves it to `target`, whose directory is made, unless something is there.
    pub(super) fn finish(self, target: &Path) -> Result<Put, Error> {
        // Without this, a machine that crashes may come back with the name and without the content. The name
        // itself may be lost in a crash: then the object is not there, and is made again.
        self.file.sync_data().map_err(|source| self.error("flush", source))?;
        if let Some(directory) = target.parent() {
            make_directory(directory)?;
        }
        self.persist(target)
    }

    /// Moves the file to `target` unless something is there.
    pub(super) fn persist(self, target: &Path) -> Result<Put, Error> {
        let moved = match renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE) {
            // File systems that cannot rename so (NFS, some FUSE) can link, which never replaces either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => std::fs::hard_link(&self.path, target),
            result => result.map_err(io::Error::from),
        };
        match moved {
            Ok(()) => Ok(Put::Created),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Put::Existed),
            Err(source) => Err(Error::Io { action: "write", path: target.to_owned(), source }),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already if it was renamed. If it cannot be deleted, a later sweep does it.
        let _swept_later = std::fs::remove_file(&self.path);
    }
}

/// Deletes what dead writers left. A live writer holds the lock of its file. Best effort: another process may
/// sweep at the same time, and nothing depends on it.
pub(super) fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let old = entry
            .metadata()
            .ok()
            .and_then(|meta| meta.modified().ok())
            .and_then(|modified| modified.elapsed().ok())
            .is_some_and(|age| age >= LEAST_AGE);
        if old
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _swept_later = std::fs::remove_file(entry.path());
        }
    }
}
