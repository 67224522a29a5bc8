//! One layer.

use super::tar::BLOCK;
use super::{Compression, Entry};

/// A layer in the making: entries in the order they are added.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    tar: Vec<u8>,
    open_end: bool,
    pub(super) compression: Compression,
    pub(super) created_by: String,
    pub(super) media_type: Option<String>,
}

impl Layer {
    /// An empty layer; `created_by` is its line of the image's history.
    pub fn new(created_by: &str) -> Self {
        Self { created_by: created_by.to_owned(), ..Self::default() }
    }

    /// Adds an entry.
    pub fn entry(mut self, entry: &Entry) -> Self {
        self.tar.extend(entry.to_bytes());
        self
    }

    /// Adds a file, and nothing of the directories above it.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(&Entry::file(path, content))
    }

    /// Adds directories: each of `path`'s ancestors and itself.
    pub fn directories(mut self, path: &str) -> Self {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            self = self.entry(&Entry::directory(&path[..end]));
        }
        self
    }

    /// Adds a symbolic link.
    pub fn symlink(self, path: &str, text: &str) -> Self {
        self.entry(&Entry::symlink(path, text))
    }

    /// Adds a hard link.
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(&Entry::hard_link(path, target))
    }

    /// Hides `path` of lower layers.
    pub fn whiteout(self, path: &str) -> Self {
        self.entry(&Entry::whiteout(path))
    }

    /// Hides everything lower layers have in `directory`.
    pub fn opaque(self, directory: &str) -> Self {
        self.entry(&Entry::opaque(directory))
    }

    /// Appends bytes as they are: headers no writer would write.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.tar.extend_from_slice(bytes);
        self
    }

    /// Leaves out the two blocks of zeros at the end.
    pub fn without_end(mut self) -> Self {
        self.open_end = true;
        self
    }

    /// Another compression than gzip.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// A media type that need not fit the bytes.
    pub fn media_type(mut self, media_type: &str) -> Self {
        self.media_type = Some(media_type.to_owned());
        self
    }

    /// The uncompressed layer.
    pub fn to_tar(&self) -> Vec<u8> {
        let mut tar = self.tar.clone();
        if !self.open_end {
            tar.resize(tar.len() + 2 * BLOCK, 0);
        }
        tar
    }
}
