//! Where the bytes of a wanted file come from: memory, a temporary file, or the layer itself.
//!
//! Every source remembers a real I/O error, because an analyzer may swallow one or dress a parse error up as
//! one: only an error the source itself has met fails the layer.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use sha2::{Digest as _, Sha256};

use crate::ReadSeek;

/// Readable content that owns up to its I/O errors.
pub(crate) trait Source: ReadSeek {
    /// The error met while reading, as it was.
    fn failure(&mut self) -> Option<io::Error>;
}

impl Source for Cursor<&[u8]> {
    fn failure(&mut self) -> Option<io::Error> {
        None
    }
}

fn not_seekable() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this content is shown once, in order")
}

/// Keeps the original of an error and hands on a copy.
fn remember(slot: &mut Option<io::Error>, error: io::Error) -> io::Error {
    let copy = io::Error::new(error.kind(), error.to_string());
    slot.get_or_insert(error);
    copy
}

/// The first `length` bytes of a temporary file.
pub(crate) struct Window<'f> {
    file: &'f File,
    length: u64,
    position: u64,
    failure: Option<io::Error>,
}

impl<'f> Window<'f> {
    pub(crate) fn new(file: &'f File, length: u64) -> io::Result<Self> {
        let mut window = Self { file, length, position: 0, failure: None };
        window.file.seek(SeekFrom::Start(0))?;
        window.position = 0;
        Ok(window)
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match self.file.read(&mut buffer[..wanted]) {
            Ok(read) => {
                self.position += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(remember(&mut self.failure, error)),
        }
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        // Bounded so that no analyzer can make the system call itself fail.
        let target = target.filter(|at| i64::try_from(*at).is_ok()).ok_or(io::ErrorKind::InvalidInput)?;
        match self.file.seek(SeekFrom::Start(target)) {
            Ok(at) => {
                self.position = at;
                Ok(at)
            }
            Err(error) => Err(remember(&mut self.failure, error)),
        }
    }
}

impl Source for Window<'_> {
    fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }
}

impl Source for BufReader<Window<'_>> {
    fn failure(&mut self) -> Option<io::Error> {
        self.get_mut().failure()
    }
}

/// The rest of a body, hashed while somebody reads it. `start` was read and hashed before.
pub(crate) struct Passing<'b> {
    start: &'b [u8],
    body: &'b mut dyn BufRead,
    hasher: &'b mut Sha256,
    failure: Option<io::Error>,
}

impl<'b> Passing<'b> {
    pub(crate) fn new(start: &'b [u8], body: &'b mut dyn BufRead, hasher: &'b mut Sha256) -> Self {
        Self { start, body, hasher, failure: None }
    }
}

impl Read for Passing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.start.is_empty() {
            return self.start.read(buffer);
        }
        match self.body.read(buffer) {
            Ok(read) => {
                self.hasher.update(&buffer[..read]);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(remember(&mut self.failure, error)),
        }
    }
}

impl Seek for Passing<'_> {
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(not_seekable())
    }
}

impl Source for Passing<'_> {
    fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }
}

/// A seekable source shown to an analyzer that asked for a stream, so that what works does not depend on
/// whether another analyzer wanted the same file.
pub(crate) struct Forward<'s>(pub(crate) &'s mut dyn Source);

impl Read for Forward<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Forward<'_> {
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(not_seekable())
    }
}

impl Source for Forward<'_> {
    fn failure(&mut self) -> Option<io::Error> {
        self.0.failure()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_window_ends_where_it_should() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let mut window = Window::new(&file, 4).unwrap();
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "0123");
        assert_eq!(window.seek(SeekFrom::End(-1)).unwrap(), 3);
        assert!(window.seek(SeekFrom::Current(-9)).is_err());
        assert!(window.seek(SeekFrom::Start(u64::MAX)).is_err());
        assert_eq!(window.read(&mut [0; 8]).unwrap(), 1);
        assert!(window.failure().is_none());
    }

    #[test]
    fn a_passing_body_hashes_what_is_read_of_it() {
        let mut hasher = Sha256::new();
        hasher.update(b"ab");
        let mut body = &b"cd"[..];
        let mut passing = Passing::new(b"ab", &mut body, &mut hasher);
        let mut text = String::new();
        passing.read_to_string(&mut text).unwrap();
        assert!(passing.seek(SeekFrom::Start(0)).is_err());
        assert_eq!(text, "abcd");
        assert_eq!(hasher.finalize(), Sha256::digest(b"abcd"));
    }
}
