//! A text file line by line, without holding more than one line.

use std::io::{self, BufRead, BufReader, Read};

use crate::ReadError;

/// The longest line read. Longer ones end the reading of the file.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// Lines of a reader, without their ends (`\n` or `\r\n`).
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(16 << 10, reader), line: Vec::new(), number: 0 }
    }

    /// The next line, or none at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, ReadError> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.reader).take(MAX_LINE_BYTES as u64 + 2);
        if bounded.read_until(b'\n', &mut self.line).map_err(ReadError::Io)? == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        }
        if self.line.len() > MAX_LINE_BYTES {
            return Err(ReadError::Limit(format!(
                "line {} is longer than {MAX_LINE_BYTES} bytes",
                self.number
            )));
        }
        Ok(Some(&self.line))
    }

    /// The number of the line returned last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

/// Why reading stopped in the middle, for a database record; a true I/O error stays one.
pub(crate) fn reason(error: ReadError) -> Result<String, io::Error> {
    match error {
        ReadError::Malformed(message) | ReadError::Limit(message) => Ok(message),
        ReadError::Io(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_their_limit() {
        for (length, fits) in [(MAX_LINE_BYTES, true), (MAX_LINE_BYTES + 1, false)] {
            for end in ["", "\n"] {
                let text = format!("{}{end}", "x".repeat(length));
                let mut lines = Lines::new(text.as_bytes());
                assert_eq!(lines.next_line().is_ok(), fits, "{length} {end:?}");
            }
        }
    }

    #[test]
    fn line_ends_are_taken_off() {
        let mut lines = Lines::new(&b"a\r\n\nb"[..]);
        for expected in [Some(&b"a"[..]), Some(b""), Some(b"b"), None] {
            assert_eq!(lines.next_line().unwrap(), expected);
        }
    }
}
