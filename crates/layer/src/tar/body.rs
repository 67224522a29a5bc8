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

    fn data(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Err(broken());
        }
        let wanted = (out.len() as u64).min(self.left) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        match self.stream.peek() {
            Ok([]) => self.fault = Some(truncated()),
            Ok(input) => {
                let n = input.len().min(wanted);
                out[..n].copy_from_slice(&input[..n]);
                self.stream.consume(n);
                self.left -= n as u64;
                return Ok(n);
            }
            Err(error) => self.fault = Some(error.into()),
        }
        Err(broken())
    }
}

fn truncated() -> WalkFault {
    TarFault::Truncated("a file's data").into()
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the layer's stream broke off inside a file")
}

impl<R: BufRead> Read for Body<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(expansion) = &mut self.sparse else { return self.data(out) };
        let n = match expansion.map.run_at(expansion.position, &mut expansion.segment) {
            None => 0,
            Some(Run::Zeros(length)) => {
                let n = (out.len() as u64).min(length) as usize;
                out[..n].fill(0);
                n
            }
            Some(Run::Data(length)) => {
                let n = (out.len() as u64).min(length) as usize;
                self.data(&mut out[..n])?
            }
        };
        if let Some(expansion) = &mut self.sparse {
            expansion.position += n as u64;
        }
        Ok(n)
    }
}
