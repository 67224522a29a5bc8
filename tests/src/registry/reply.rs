//! A body that may break off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// The body of a response: bytes, after which the connection may break.
pub(super) struct Reply {
    bytes: Bytes,
    breaks: bool,
    /// Time for the bytes to leave: with an error, hyper drops what it has not written yet.
    pause: Option<Pin<Box<Sleep>>>,
}

const PAUSE: Duration = Duration::from_millis(50);

impl Reply {
    /// A body that comes whole.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), breaks: false, pause: None }
    }

    /// A body that breaks after `length` bytes. Its length must be announced by a header.
    pub(super) fn cut(bytes: &Bytes, length: usize) -> Self {
        let breaks = length < bytes.len();
        Self { bytes: bytes.slice(..length.min(bytes.len())), breaks, pause: None }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        if !self.breaks {
            return Poll::Ready(None);
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        ready!(pause.as_mut().poll(context));
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        if self.breaks { SizeHint::default() } else { SizeHint::with_exact(self.bytes.len() as u64) }
    }
}
