//! A store in a directory, safe under any number of processes at once.
//!
//! ```text
//! ROOT/format                          names the layout; a directory that says otherwise is refused
//! ROOT/tmp/<pid>-<n>-<nanoseconds>     objects being written, each locked by its writer
//! ROOT/<kind>/<ab>/<abcdef...>[/...]   objects, sharded by the first byte of their digest
//! ```
//!
//! An object is written to `tmp`, flushed to the disk, and renamed to its name unless that name is taken. So a
//! name always shows a whole object, also after a crash of the machine, and the first writer wins.

mod list;
mod temporary;

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Body, Error, Key, Meta, Prefix, Put, Store};
use temporary::Temporary;

/// The file that names the layout.
pub(crate) const FORMAT_FILE: &str = "format";

const FORMAT: &str = "plimsoll store 1\n";

/// A store in a directory.
#[derive(Clone, Debug)]
pub struct FsStore {
    root: Arc<Path>,
}

impl FsStore {
    /// Opens the store in the directory `root`, which is made if it is not there (readable by its owner only),
    /// and sweeps up what dead writers left behind.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root: PathBuf = root.into();
        make_directory(&root)?;
        let store = Self { root: root.into() };
        store.check_format()?;
        make_directory(&store.root.join("tmp"))?;
        temporary::sweep(&store.root.join("tmp"));
        Ok(store)
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn check_format(&self) -> Result<(), Error> {
        let path = self.root.join(FORMAT_FILE);
        match std::fs::read(&path) {
            Ok(found) if found == FORMAT.as_bytes() => Ok(()),
            Ok(found) => {
                let found = String::from_utf8_lossy(&found[..found.len().min(100)]).into_owned();
                Err(Error::Format { path, found })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_directory(&self.root.join("tmp"))?;
                let temporary = Temporary::create(&self.root.join("tmp"))?;
                write_all(&temporary, FORMAT.as_bytes())?;
                temporary.persist(&path).map(|_| ())
            }
            Err(source) => Err(Error::Io { action: "read", path, source }),
        }
    }

    /// `<kind>/<ab>/<abcdef...>`: the shard keeps its prefix's order, so listing stays sorted.
    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(shard(&key.path()))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => {
                    Err(Error::Io { action: "use", path: self.root.to_path_buf(), source: error.into() })
                }
            },
        }
    }

    /// Writes a body that is read as it is written. The slow part, the reader, holds no thread.
    async fn put_reader(
        &self,
        key: &Key,
        mut reader: Box<dyn tokio::io::AsyncRead + Send + Unpin>,
        size: Option<u64>,
    ) -> Result<Put, Error> {
        let final_path = self.path(key);
        let temporary = self.blocking(|store| Temporary::create(&store.root.join("tmp"))).await?;
        let file = temporary.file().try_clone().map_err(|source| temporary.error("write", source))?;
        let mut file = tokio::fs::File::from_std(file);
        let limit = size.map_or(u64::MAX, |size| size.saturating_add(1));
        let mut limited = (&mut reader).take(limit);
        let mut buffer = Vec::with_capacity(256 << 10);
        let mut found = 0_u64;
        loop {
            buffer.clear();
            let read = limited.read_buf(&mut buffer).await;
            let read = read.map_err(|source| Error::Body { key: key.path(), source })?;
            if read == 0 {
                break;
            }
            found = found.saturating_add(read as u64);
            file.write_all(&buffer).await.map_err(|source| temporary.error("write", source))?;
        }
        if let Some(expected) = size.filter(|expected| *expected != found) {
            return Err(Error::BodySize { key: key.path(), expected, found });
        }
        file.flush().await.map_err(|source| temporary.error("write", source))?;
        drop(file);
        self.blocking(move |_| temporary.finish(&final_path)).await
    }
}

#[async_trait]
impl Store for FsStore {
    async fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let path = self.path(key);
        self.blocking(move |_| {
            let Some(meta) = found(std::fs::metadata(&path), "look at", &path)? else { return Ok(None) };
            let modified = meta.modified().map_err(|source| Error::Io { action: "look at", path, source })?;
            Ok(Some(Meta { size: meta.len(), modified }))
        })
        .await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        let path = self.path(key);
        self.blocking(move |_| {
            let Some(file) = found(File::open(&path), "read", &path)? else { return Ok(None) };
            let bytes = match range {
                None => read_whole(file),
                Some(range) => read_range(file, range),
            };
            bytes.map(|bytes| Some(bytes.into())).map_err(|source| Error::Io { action: "read", path, source })
        })
        .await
    }

    async fn put_if_absent(&self, key: &Key, body: Body) -> Result<Put, Error> {
        if self.head(key).await?.is_some() {
            return Ok(Put::Existed);
        }
        match body {
            Body::Reader { reader, size } => self.put_reader(key, reader, size).await,
            Body::Bytes(bytes) => {
                let path = self.path(key);
                self.blocking(move |store| {
                    let temporary = Temporary::create(&store.root.join("tmp"))?;
                    write_all(&temporary, &bytes)?;
                    temporary.finish(&path)
                })
                .await
            }
        }
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>, max: usize) -> Result<Vec<Key>, Error> {
        let prefix = prefix.path();
        let after = after.map(Key::path);
        self.blocking(move |store| list::page(&store.root, &prefix, after.as_deref(), max)).await
    }

    async fn touch(&self, key: &Key) -> Result<bool, Error> {
        let path = self.path(key);
        self.blocking(move |_| {
            let Some(file) = found(File::open(&path), "touch", &path)? else { return Ok(false) };
            let touched = file.set_modified(SystemTime::now());
            touched.map_err(|source| Error::Io { action: "touch", path: path.clone(), source })?;
            // What was deleted meanwhile can still be touched, and is not there.
            Ok(found(std::fs::metadata(&path), "look at", &path)?.is_some())
        })
        .await
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        let path = self.path(key);
        self.blocking(move |_| Ok(found(std::fs::remove_file(&path), "delete", &path)?.is_some())).await
    }
}

/// Inserts the shard after the first component.
fn shard(path: &str) -> String {
    match path.split_once('/') {
        Some((kind, rest)) => match rest.get(..2) {
            Some(shard) => format!("{kind}/{shard}/{rest}"),
            None => path.to_owned(),
        },
        None => path.to_owned(),
    }
}

/// `None` if there is no such file.
fn found<T>(result: io::Result<T>, action: &'static str, path: &Path) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { action, path: path.to_owned(), source }),
    }
}

fn write_all(temporary: &Temporary, bytes: &[u8]) -> Result<(), Error> {
    temporary.file().write_all(bytes).map_err(|source| temporary.error("write", source))
}

fn read_whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_range(mut file: File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let (start, end) = (range.start.min(size), range.end.min(size));
    let mut bytes = Vec::new();
    if start < end {
        file.seek(SeekFrom::Start(start))?;
        file.take(end - start).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| Error::Io {
        action: "make the directory",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
