//! A bounded view into the content of a file.

use std::io::{self, Read, SeekFrom};

use crate::ReadSeek;

/// A range of a seekable content, read by position. Reads beyond its end come back short; they never reach the
/// bytes around it and never allocate more than there is to read.
pub(crate) struct Extent<'a> {
    inner: &'a mut dyn ReadSeek,
    base: u64,
    size: u64,
}

impl<'a> Extent<'a> {
    /// The `size` bytes of `inner` from its start.
    pub(crate) fn new(inner: &'a mut dyn ReadSeek, size: u64) -> Self {
        Self { inner, base: 0, size }
    }

    /// How many bytes it shows.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The part from `offset`, at most `size` bytes; empty where there is nothing.
    pub(crate) fn part(&mut self, offset: u64, size: u64) -> Extent<'_> {
        let offset = offset.min(self.size);
        Extent { base: self.base + offset, size: size.min(self.size - offset), inner: &mut *self.inner }
    }

    /// Up to `length` bytes at `offset`; fewer only where the extent ends.
    pub(crate) fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let available = self.size.saturating_sub(offset);
        let length = (length as u64).min(available) as usize;
        let mut bytes = vec![0; length];
        if length > 0 {
            self.inner.seek(SeekFrom::Start(self.base + offset))?;
            self.inner.read_exact(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// A reader over `length` bytes at `offset`, clamped to the extent.
    pub(crate) fn reader_at(&mut self, offset: u64, length: u64) -> io::Result<io::Take<&mut dyn ReadSeek>> {
        let length = length.min(self.size.saturating_sub(offset));
        self.inner.seek(SeekFrom::Start(self.base + offset.min(self.size)))?;
        let inner: &mut dyn ReadSeek = &mut *self.inner;
        Ok(inner.take(length))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn reads_stop_at_the_end_of_the_extent() {
        let mut content = Cursor::new(b"0123456789".to_vec());
        let mut extent = Extent::new(&mut content, 10);
        let mut part = extent.part(2, 4);
        assert_eq!(part.read_at(1, 100).unwrap(), b"345");
        assert_eq!(part.read_at(u64::MAX, 1).unwrap(), b"");
        assert_eq!(part.part(3, 9).read_at(0, 9).unwrap(), b"5");
        let mut text = String::new();
        part.reader_at(2, u64::MAX).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "45");
    }
}
