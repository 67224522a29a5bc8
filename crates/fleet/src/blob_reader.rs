//! A blob as a blocking reader: the bridge from the network's side to the layer reader's.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use plimsoll_oci::BlobStream;
use plimsoll_telemetry::failpoint;
use plimsoll_types::{Digest, Retry};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::{Event, Progress};

/// Chunks under way between the two sides; with the usual chunk of at most 64 KiB well under a MiB.
const CHUNKS: usize = 16;

/// Reads what [`pump`] sends. Must not be read on an async thread.
pub(crate) struct BlobReader {
    chunks: mpsc::Receiver<Result<Bytes, plimsoll_oci::Error>>,
    chunk: Bytes,
    ended: bool,
}

/// A failure of the source inside an [`io::Error`], so that it comes out of the layer reader as it went in.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SourceFailure(#[source] pub(crate) plimsoll_oci::Error);

/// Starts pulling `stream` on a runtime. Dropping the reader ends the pull.
pub(crate) fn pump(
    runtime: &Handle,
    mut stream: BlobStream,
    layer: Digest,
    progress: Arc<Progress>,
) -> BlobReader {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    runtime.spawn(async move {
        while let Some(chunk) = stream.next().await {
            failpoint!("mid-blob");
            if let Ok(chunk) = &chunk {
                progress(Event::Pulled { layer, bytes: chunk.len() as u64 });
            }
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
    });
    BlobReader { chunks, chunk: Bytes::new(), ended: false }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            match self.chunks.blocking_recv() {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => {
                    self.ended = true;
                    return Err(wrap(error));
                }
                None => self.ended = true,
            }
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// The kind tells the layer reader whether another attempt can help.
fn wrap(error: plimsoll_oci::Error) -> io::Error {
    let kind = match error.retry() {
        Retry::Never => io::ErrorKind::InvalidData,
        Retry::After(_) => io::ErrorKind::Other,
    };
    io::Error::new(kind, SourceFailure(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(chunks: Vec<Result<Bytes, plimsoll_oci::Error>>) -> BlobReader {
        let stream: BlobStream = Box::pin(futures_util::stream::iter(chunks));
        pump(&Handle::current(), stream, Digest::from_bytes([0; 32]), Arc::new(|_| ()))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn chunks_of_any_size_come_out_as_one_stream() {
        let mut reader =
            reader(vec![Ok(Bytes::from_static(b"ab")), Ok(Bytes::new()), Ok(Bytes::from_static(b"cdef"))]);
        let read = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        assert_eq!(read.await.unwrap().unwrap(), b"abcdef");
    }
}
