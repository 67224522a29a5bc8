//! Listing a directory tree in the order of its keys.

use std::io::ErrorKind;
use std::path::Path;

use super::shard;
use crate::{Error, Key};

/// At most `max` keys whose path starts with `prefix`, after `after`.
///
/// Names consist of letters and digits, which all sort after `/`; so walking each directory in the order of its
/// names is walking the paths in their order. Only directories that can hold an answer are read.
pub(super) fn page(root: &Path, prefix: &str, after: Option<&str>, max: usize) -> Result<Vec<Key>, Error> {
    let start = shard(prefix);
    let mut walk = Walk { root, after: after.map(shard), max, keys: Vec::new() };
    walk.directory(start.trim_end_matches('/'))?;
    Ok(walk.keys)
}

struct Walk<'a> {
    root: &'a Path,
    after: Option<String>,
    max: usize,
    keys: Vec<Key>,
}

impl Walk<'_> {
    fn directory(&mut self, relative: &str) -> Result<(), Error> {
        let path = self.root.join(relative);
        let error = |source| Error::Io { action: "list", path: path.clone(), source };
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            // Not there yet, or a file, or deleted meanwhile.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
            Err(source) => return Err(error(source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(error)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            names.push((name, entry.file_type().map_err(error)?.is_dir()));
        }
        names.sort_unstable();
        for (name, is_directory) in names {
            if self.keys.len() >= self.max {
                return Ok(());
            }
            let child = if relative.is_empty() { name } else { format!("{relative}/{name}") };
            if is_directory {
                if !self.is_before(&child) {
                    self.directory(&child)?;
                }
            } else if self.after.as_deref().is_none_or(|after| child.as_str() > after) {
                self.keys.extend(key(&child));
            }
        }
        Ok(())
    }

    /// True if all of the directory `child` comes before the first key asked for.
    fn is_before(&self, child: &str) -> bool {
        self.after.as_deref().is_some_and(|after| {
            let within = after.strip_prefix(child).is_some_and(|rest| rest.starts_with('/'));
            !within && child < after
        })
    }
}

/// The key stored as `relative`; `None` for strangers.
fn key(relative: &str) -> Option<Key> {
    let (kind, rest) = relative.split_once('/')?;
    let (shard, rest) = rest.split_once('/')?;
    rest.starts_with(shard).then(|| Key::from_path(&format!("{kind}/{rest}"))).flatten()
}
