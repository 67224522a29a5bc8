//! A body that may break off, or keep its reader waiting.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

/// The body of a response: bytes, after which the connection may break, or the rest may come later.
pub(super) struct Reply {
    bytes: Bytes,
    breaks: bool,
    held: Option<Held>,
    /// Bytes given away at a time, and how long before each.
    pace: Option<(usize, Duration)>,
    /// Time for the bytes to leave: with an error, hyper drops what it has not written yet; and what is slow takes its
    /// time.
    pause: Option<Pin<Box<Sleep>>>,
    /// Called when the last byte is given away.
    at_end: Option<Box<dyn FnOnce() + Send>>,
}

/// What comes later, and when.
struct Held {
    rest: Bytes,
    released: Pin<Box<dyn Future<Output = ()> + Send>>,
}

const PAUSE: Duration = Duration::from_millis(50);

/// How slow a body is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// In so many pieces.
    pub(super) pieces: usize,
    /// So long before each piece.
    pub(super) pause: Duration,
}

impl Reply {
    /// A body that comes whole.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), breaks: false, held: None, pace: None, pause: None, at_end: None }
    }

    /// A body that breaks after `length` bytes. Its length must be announced by a header.
    pub(super) fn cut(bytes: &Bytes, length: usize) -> Self {
        let breaks = length < bytes.len();
        Self { breaks, ..Self::whole(bytes.slice(..length.min(bytes.len()))) }
    }

    /// A body that goes on after `length` bytes only when `released` changes.
    pub(super) fn held(mut bytes: Bytes, length: usize, mut released: watch::Receiver<()>) -> Self {
        let rest = bytes.split_off(length.min(bytes.len()));
        // A registry that ends lets go, too.
        let released = Box::pin(async move { drop(released.changed().await) });
        Self { held: Some(Held { rest, released }), ..Self::whole(bytes) }
    }

    /// The same bytes, slowly.
    pub(super) fn paced(self, pace: Option<Pace>) -> Self {
        let piece = |pace: Pace| (self.bytes.len().div_ceil(pace.pieces.max(1)).max(1), pace.pause);
        Self { pace: pace.map(piece), ..self }
    }

    /// Calls this when a body that does not break has been given away.
    pub(super) fn at_end(self, call: impl FnOnce() + Send + 'static) -> Self {
        let at_end = (!self.breaks).then(|| Box::new(call) as Box<dyn FnOnce() + Send>);
        Self { at_end, ..self }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.bytes.is_empty()
            && let Some(held) = &mut self.held
        {
            ready!(held.released.as_mut().poll(context));
            self.bytes = std::mem::take(&mut held.rest);
            self.held = None;
        }
        if !self.bytes.is_empty() {
            let length = self.bytes.len();
            let piece = match self.pace {
                None => length,
                Some((piece, pause)) => {
                    let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
                    ready!(pause.as_mut().poll(context));
                    self.pause = None;
                    piece.min(length)
                }
            };
            let piece = self.bytes.split_to(piece);
            if self.bytes.is_empty()
                && self.held.is_none()
                && let Some(call) = self.at_end.take()
            {
                call();
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if !self.breaks {
            return Poll::Ready(None);
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        ready!(pause.as_mut().poll(context));
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && !self.breaks && self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.breaks {
            return SizeHint::default();
        }
        let rest = self.held.as_ref().map_or(0, |held| held.rest.len());
        SizeHint::with_exact((self.bytes.len() + rest) as u64)
    }
}
