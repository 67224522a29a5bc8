//! The small files kept verbatim in the index.

use plimsoll_types::{FileEntry, KeptFile, PathBytes};

use crate::Limits;
use crate::names::Names;

/// Kept at the root and below any other root, hence by the end of the path.
const KEPT: &[&[u8]] =
    &[b"etc/passwd", b"etc/group", b"etc/os-release", b"usr/lib/os-release", b"usr/share/os-release"];

/// Whether the file at `path` is kept verbatim.
pub(crate) fn is_kept(path: &PathBytes) -> bool {
    // The cheap question first: it is asked for every file.
    matches!(path.file_name(), b"passwd" | b"group" | b"os-release")
        && KEPT.iter().any(|suffix| crate::suffix::ends_with(path.as_bytes(), suffix))
}

/// Kept files with the entry each came with.
#[derive(Default)]
pub(crate) struct Kept {
    files: Vec<(u32, KeptFile)>,
}

impl Kept {
    /// Keeps the beginning of a file; false if there are too many already.
    pub(crate) fn keep(&mut self, at: u32, path: &PathBytes, start: &[u8], limits: &Limits) -> bool {
        if self.files.len() >= limits.kept_files as usize {
            return false;
        }
        let length = start.len().min(usize::try_from(limits.kept_file_bytes).unwrap_or(usize::MAX));
        self.files.push((at, KeptFile { path: path.clone(), bytes: start[..length].to_vec() }));
        true
    }

    /// What was kept of entry `at`.
    pub(crate) fn of(&self, at: u32) -> Option<&KeptFile> {
        self.files.iter().find(|(entry, _)| *entry == at).map(|(_, file)| file)
    }

    /// Those whose path no later entry took, in the order of the tar.
    pub(crate) fn into_latest(mut self, entries: &[FileEntry], names: &Names) -> Vec<KeptFile> {
        self.files.sort_by_key(|(at, _)| *at);
        self.files.into_iter().filter(|(at, _)| names.is_latest(entries, *at)).map(|(_, file)| file).collect()
    }
}
