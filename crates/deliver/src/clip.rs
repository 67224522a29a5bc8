//! Texts of bounded length.

use std::borrow::Cow;

/// `text`, or as much of it as fits into `max` bytes with a mark that says so.
pub(crate) fn clip(text: &str, max: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(max.saturating_sub(MARK.len()));
    Cow::Owned(format!("{}{MARK}", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_between_characters_and_within_its_bound() {
        assert_eq!(clip("äöü", 6), "äöü");
        assert_eq!(clip("äöüä", 7), "äö…");
        assert_eq!(clip("äöüä", 6), "ä…");
        assert_eq!(clip("aaaa", 2), "…", "the mark itself is never cut");
    }
}
