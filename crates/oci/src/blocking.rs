//! File I/O away from the async threads.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use plimsoll_types::Retry;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::{BlobStream, Error};

/// Large enough that handing a chunk over costs nothing, small enough for a core's cache.
pub(crate) const CHUNK: usize = 512 * 1024;

/// Chunks read ahead of the reader.
const AHEAD: usize = 2;

/// Why a producer stops before its end.
pub(crate) enum Halt {
    /// It failed.
    Failed(Error),
    /// Nobody reads any more.
    ReaderGone,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

enum Message {
    Chunk(Bytes),
    Done,
    Failed(Error),
}

/// Where a producer puts its chunks; blocks while the reader is behind.
pub(crate) struct ChunkSender(mpsc::Sender<Message>);

impl ChunkSender {
    pub(crate) fn send(&self, chunk: Bytes) -> Result<(), Halt> {
        self.0.blocking_send(Message::Chunk(chunk)).map_err(|_| Halt::ReaderGone)
    }
}

/// The chunks `produce` sends, as a stream. `what` names it in errors.
pub(crate) fn stream_from<F>(what: String, produce: F) -> BlobStream
where
    F: FnOnce(&ChunkSender) -> Result<(), Halt> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    spawn_blocking(move || {
        let sender = ChunkSender(sender);
        let last = match produce(&sender) {
            Ok(()) => Message::Done,
            Err(Halt::Failed(error)) => Message::Failed(error),
            Err(Halt::ReaderGone) => return,
        };
        // The reader may have gone meanwhile, and then nobody needs the end.
        let _ = sender.0.blocking_send(last);
    });
    Box::pin(stream::unfold(Some((receiver, what)), |state| async move {
        let (mut receiver, what) = state?;
        match receiver.recv().await {
            Some(Message::Chunk(chunk)) => Some((Ok(chunk), Some((receiver, what)))),
            Some(Message::Done) => None,
            Some(Message::Failed(error)) => Some((Err(error), None)),
            // No end was announced: the producer panicked, or the runtime is shutting down.
            None => Some((
                Err(Error::Interrupted {
                    detail: "its reader died".to_owned(),
                    offset: 0,
                    what,
                    retry: Retry::After(None),
                }),
                None,
            )),
        }
    }))
}

/// Runs `work` on a blocking thread.
pub(crate) async fn run<T, F>(path: &Path, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    spawn_blocking(work).await.unwrap_or_else(|join| Err(Error::io(path, io::Error::other(join))))
}

/// A whole file of at most `limit` bytes.
pub(crate) async fn read_capped(path: PathBuf, limit: u64) -> Result<Bytes, Error> {
    run(&path.clone(), move || {
        let file = open_regular(&path)?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::io(&path, e))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { what: path.display().to_string(), limit, unit: "bytes" });
        }
        Ok(bytes.into())
    })
    .await
}

/// Opens `path` if it is a regular file; a pipe or a device could keep us waiting for ever.
pub(crate) fn open_regular(path: &Path) -> Result<File, Error> {
    let error = |source| Error::io(path, source);
    if !std::fs::metadata(path).map_err(error)?.is_file() {
        return Err(error(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    File::open(path).map_err(error)
}

/// `size` bytes of `file` from `offset`.
pub(crate) fn stream_range(path: PathBuf, file: Arc<File>, offset: u64, size: u64) -> BlobStream {
    stream_from(path.display().to_string(), move |sender| {
        let mut done = 0;
        while done < size {
            let mut chunk = vec![0; (size - done).min(CHUNK as u64) as usize];
            file.read_exact_at(&mut chunk, offset + done).map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof => Error::Changed { path: path.clone() },
                _ => Error::io(&path, source),
            })?;
            done += chunk.len() as u64;
            sender.send(chunk.into())?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_producer_that_dies_is_an_error_and_not_an_end() {
        let stream = stream_from("x".into(), |sender| {
            sender.send(Bytes::from_static(b"1"))?;
            panic!("on purpose")
        });
        let error = stream.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.kind(), "interrupted");
    }

    #[tokio::test]
    async fn a_reader_that_leaves_stops_the_producer() {
        let (gone, heard) = std::sync::mpsc::channel();
        let stream = stream_from("x".into(), move |sender| {
            loop {
                if sender.send(Bytes::from_static(b"1")).is_err() {
                    gone.send(()).unwrap();
                    return Err(Halt::ReaderGone);
                }
            }
        });
        drop(stream);
        tokio::task::spawn_blocking(move || heard.recv().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn ranges_are_exact_and_a_short_file_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, vec![7; CHUNK * 2 + 5]).unwrap();
        let open = || Arc::new(File::open(&path).unwrap());
        let range = |offset, size| stream_range(path.clone(), open(), offset, size).try_collect::<Vec<_>>();
        let chunks = range(2, CHUNK as u64 * 2).await.unwrap();
        assert_eq!(chunks.iter().map(Bytes::len).sum::<usize>(), CHUNK * 2);
        assert_eq!(range(5, CHUNK as u64 * 2 + 1).await.unwrap_err().kind(), "changed");
    }

    #[tokio::test]
    async fn small_files_are_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_capped(path.clone(), 5).await.unwrap(), "12345");
        assert_eq!(read_capped(path, 4).await.unwrap_err().kind(), "too_large");
        assert_eq!(read_capped(dir.path().to_owned(), 4).await.unwrap_err().kind(), "io");
    }
}
