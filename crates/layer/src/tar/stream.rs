//! The bytes of a tar and where in them the walk is.

use std::io::{self, BufRead};

/// A reader with an offset.
pub(super) struct Stream<R> {
    inner: R,
    offset: u64,
}

impl<R: BufRead> Stream<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, offset: 0 }
    }

    /// Bytes read or skipped so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Some bytes not yet consumed; none only at the end.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.inner.fill_buf() {
                // Asked again for the borrow checker's sake only: a filled buffer is returned as it is.
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.inner.fill_buf()
    }

    pub(super) fn consume(&mut self, n: usize) {
        self.inner.consume(n);
        self.offset += n as u64;
    }

    /// Reads until `out` is full or the stream ends; how much it was.
    pub(super) fn read_up_to(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            let input = self.peek()?;
            if input.is_empty() {
                break;
            }
            let n = input.len().min(out.len() - filled);
            out[filled..filled + n].copy_from_slice(&input[..n]);
            self.consume(n);
            filled += n;
        }
        Ok(filled)
    }

    /// Skips `n` bytes, or to the end of the stream; how much it was.
    pub(super) fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut left = n;
        while left > 0 {
            let input = self.peek()?;
            if input.is_empty() {
                break;
            }
            let step = left.min(input.len() as u64);
            self.consume(step as usize);
            left -= step;
        }
        Ok(n - left)
    }
}
