//! Reading a version text from left to right, remembering parts by position.

/// A part of a version text. Positions fit, because a text has at most
/// [`MAX_VERSION_BYTES`](crate::MAX_VERSION_BYTES) bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, end: end as u16 }
    }

    /// The bytes of this part; `text` is the text it was taken from.
    pub(crate) fn of(self, text: &str) -> &[u8] {
        text.as_bytes().get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Without its last byte, and where that is; `None` if nothing would be left.
    pub(crate) fn split_last(self) -> Option<(Self, usize)> {
        let end = self.end.checked_sub(1).filter(|end| *end > self.start)?;
        Some((Self { start: self.start, end }, usize::from(end)))
    }
}

/// A position in a version text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    /// At the start of a text, white space around it left out.
    pub(crate) fn trimmed(text: &'t str) -> Self {
        let end = text.trim_ascii_end().len();
        let at = text.len() - text.trim_ascii_start().len();
        Self { bytes: text.as_bytes().get(..end).unwrap_or_default(), at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The position behind the last byte.
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// At an earlier position.
    pub(crate) fn back_at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over one byte if it is one of `wanted`.
    pub(crate) fn eat_any(&mut self, wanted: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| wanted.contains(&byte));
        self.at += usize::from(found);
        found
    }

    /// Passes over `word`, whatever its case, if it stands here.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found =
            self.rest().get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()));
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Passes over bytes while `wanted` holds.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Span {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        Span::new(start, self.at)
    }

    pub(crate) fn digits(&mut self) -> Span {
        self.take_while(|byte| byte.is_ascii_digit())
    }
}
