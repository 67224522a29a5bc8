//! Buffers on their way from one step to the next, and back.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A fixed-size buffer and how much of it is filled.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
}

impl Buffer {
    pub(super) fn new(size: usize) -> Self {
        Self { bytes: vec![0; size].into_boxed_slice(), len: 0 }
    }

    /// What was filled.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What can still be filled.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        &mut self.bytes[self.len..]
    }

    /// Counts `n` bytes of the spare part as filled.
    pub(super) fn advance(&mut self, n: usize) {
        self.len += n;
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }
}

/// The other end is gone: it has failed, or wants no more.
#[derive(Debug)]
pub(super) struct Gone;

/// Where a step puts what it made.
pub(crate) struct Inlet {
    full: SyncSender<Option<Buffer>>,
    spare: Receiver<Buffer>,
    unmade: usize,
    size: usize,
}

impl Inlet {
    /// An empty buffer, as soon as there is one. Buffers are made on demand: a small layer needs one.
    pub(super) fn buffer(&mut self) -> Result<Buffer, Gone> {
        if let Ok(mut buffer) = self.spare.try_recv() {
            buffer.clear();
            return Ok(buffer);
        }
        if self.unmade > 0 {
            self.unmade -= 1;
            return Ok(Buffer::new(self.size));
        }
        let mut buffer = self.spare.recv().map_err(|_| Gone)?;
        buffer.clear();
        Ok(buffer)
    }

    pub(super) fn send(&self, buffer: Buffer) -> Result<(), Gone> {
        self.full.send(Some(buffer)).map_err(|_| Gone)
    }

    /// Marks the good end of the stream.
    pub(super) fn finish(self) {
        // Nobody left to tell is no failure of this step.
        let _ = self.full.send(None);
    }
}

/// Where a step gets its input: a [`BufRead`] that fails if the stream ends without its mark.
pub(crate) struct Outlet {
    full: Receiver<Option<Buffer>>,
    spare: SyncSender<Buffer>,
    current: Option<Buffer>,
    at: usize,
    ended: bool,
}

/// A channel whose buffers of `size` bytes number `count` at most.
pub(crate) fn conduit(count: usize, size: usize) -> (Inlet, Outlet) {
    let (full, filled) = sync_channel(count);
    let (spare, emptied) = sync_channel(count);
    let inlet = Inlet { full, spare: emptied, unmade: count, size };
    (inlet, Outlet { full: filled, spare, current: None, at: 0, ended: false })
}

impl Outlet {
    /// Puts a step of its own thread between the other end and this one: that step gets the buffers first,
    /// by the returned pair, and hands on the same buffers.
    pub(crate) fn tap(&mut self, count: usize) -> Tap {
        let (sender, receiver) = sync_channel(count);
        Tap { from: std::mem::replace(&mut self.full, receiver), to: sender }
    }
}

/// A place to look at buffers passing by.
pub(crate) struct Tap {
    from: Receiver<Option<Buffer>>,
    to: SyncSender<Option<Buffer>>,
}

impl Tap {
    /// Shows every buffer to `look` and hands it on. True if the stream came to its good end.
    pub(super) fn run(self, mut look: impl FnMut(&[u8])) -> bool {
        while let Ok(item) = self.from.recv() {
            let ended = item.is_none();
            if let Some(buffer) = &item {
                look(buffer.filled());
            }
            if self.to.send(item).is_err() {
                return false;
            }
            if ended {
                return true;
            }
        }
        false
    }
}

impl BufRead for Outlet {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while !self.ended && self.current.as_ref().is_none_or(|buffer| self.at == buffer.filled().len()) {
            if let Some(empty) = self.current.take() {
                // There is room for all buffers; a maker that is gone needs none.
                let _ = self.spare.try_send(empty);
            }
            self.at = 0;
            match self.full.recv() {
                Ok(Some(buffer)) => self.current = Some(buffer),
                Ok(None) => self.ended = true,
                Err(_) => {
                    return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the layer's stream broke off"));
                }
            }
        }
        Ok(self.current.as_ref().map_or(&[], |buffer| &buffer.filled()[self.at..]))
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

impl Read for Outlet {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let input = self.fill_buf()?;
        let n = input.len().min(out.len());
        out[..n].copy_from_slice(&input[..n]);
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(inlet: &mut Inlet, text: &[u8]) {
        let mut buffer = inlet.buffer().unwrap();
        buffer.spare()[..text.len()].copy_from_slice(text);
        buffer.advance(text.len());
        inlet.send(buffer).unwrap();
    }

    #[test]
    fn a_marked_end_is_an_end_and_an_unmarked_one_an_error() {
        let (mut inlet, mut outlet) = conduit(2, 4);
        put(&mut inlet, b"ab");
        inlet.finish();
        let mut text = String::new();
        outlet.read_to_string(&mut text).unwrap();
        assert_eq!(text, "ab");

        let (mut inlet, mut outlet) = conduit(2, 4);
        put(&mut inlet, b"ab");
        drop(inlet);
        assert_eq!(outlet.read_to_string(&mut text).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn buffers_are_recycled_and_never_more_than_agreed() {
        let (mut inlet, mut outlet) = conduit(1, 4);
        for text in [b"ab", b"cd", b"ef"] {
            put(&mut inlet, text);
            let mut got = [0; 2];
            outlet.read_exact(&mut got).unwrap();
            assert_eq!(&got, text);
            // Asking for more returns the emptied buffer before it waits for the next one.
            let _ = outlet.current.take().map(|empty| outlet.spare.try_send(empty));
        }
        assert_eq!(inlet.unmade, 0);
    }
}
