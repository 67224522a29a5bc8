//! The content of one file.

use std::io::{self, BufRead, Read};

use super::sparse::{Run, SparseMap};
use super::stream::Stream;
use super::walk::WalkFault;
use crate::TarFault;

/// What the sink reads: data from the stream, and zeros that are nowhere.
pub(super) struct Body<'a, R> {
    stream: &'a mut Stream<R>,
    /// Bytes of data still in the stream.
    left: u64,
    sparse: Option<Expansion<'a>>,
    /// Why the stream failed. The sink gets an [`io::Error`] for it, and may return, wrap or ignore that.
    pub(super) fault: Option<WalkFault>,
}

struct Expansion<'a> {
    map: &'a SparseMap,
    position: u64,
    segment: usize,
}

impl<'a, R: BufRead> Body<'a, R> {
    pub(super) fn new(stream: &'a mut Stream<R>, data: u64, sparse: Option<&'a SparseMap>) -> Self {
        let sparse = sparse.map(|map| Expansion { map, position: 0, segment: 0 });
        Self { stream, left: data, sparse, fault: None }
    }

    /// Skips what the sink left.
    pub(super) fn finish(self) -> Result<(), WalkFault> {
        if self.stream.skip(self.left)? < self.left {
            return Err(truncated());
        }
        Ok(())
    }

    /// How many of the next bytes are data in the stream, and whether it is those or zeros that come next.
    fn next_run(&mut self) -> Option<Run> {
        match &mut self.sparse {
            None if self.left == 0 => None,
            None => Some(Run::Data(self.left)),
            Some(expansion) => expansion.map.run_at(expansion.position, &mut expansion.segment),
        }
    }

    /// Makes sure that there is data, or notes why there is none.
    fn await_data(&mut self) -> io::Result<()> {
        if self.fault.is_none() {
            match self.stream.peek() {
                Ok([]) => self.fault = Some(truncated()),
                Ok(_) => return Ok(()),
                Err(error) => self.fault = Some(error.into()),
            }
        }
        Err(broken())
    }
}

/// What the holes of a sparse file hold.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The start of `bytes`, at most `length` of them.
fn at_most(bytes: &[u8], length: u64) -> &[u8] {
    &bytes[..(bytes.len() as u64).min(length) as usize]
}

fn truncated() -> WalkFault {
    TarFault::Truncated("a file's data").into()
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the layer's stream broke off inside a file")
}

impl<R: BufRead> BufRead for Body<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.next_run() {
            None => Ok(&[]),
            Some(Run::Zeros(length)) => Ok(at_most(&ZEROS, length)),
            Some(Run::Data(length)) => {
                self.await_data()?;
                Ok(at_most(self.stream.peek()?, length))
            }
        }
    }

    fn consume(&mut self, n: usize) {
        if let Some(Run::Data(_)) = self.next_run() {
            self.stream.consume(n);
            self.left -= n as u64;
        }
        if let Some(expansion) = &mut self.sparse {
            expansion.position += n as u64;
        }
    }
}

impl<R: BufRead> Read for Body<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let input = self.fill_buf()?;
        let n = input.len().min(out.len());
        out[..n].copy_from_slice(&input[..n]);
        self.consume(n);
        Ok(n)
    }
}
