//! Strangers' texts on a terminal.

use std::borrow::Cow;

/// The longest text shown, in characters.
const MAX: usize = 400;

/// A text that does nothing but be read: on one line, without control characters, escape sequences, and the
/// invisible characters that reorder or hide what stands beside them. What is taken out stays visible as
/// `\u{1b}`. Longer texts are cut.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX) {
        Some((cut, _)) => Cow::Owned(format!("{}…", one_line(&text[..cut]))),
        None => one_line(text),
    }
}

/// [`sanitize`] for a message of our own with a stranger's words in it: its end says what to do, so nothing is cut.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Control characters, and of the format characters (Unicode category Cf) and separators those that change
/// what others look like: bidirectional controls, zero-width characters, variation selectors, tags.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn harmless_texts_pass_untouched() {
        for text in ["", "libc6 2.36-9+deb12u4", "größe 日本語 ✓"] {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_would_act_is_shown_instead() {
        assert_eq!(sanitize("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(sanitize("a\u{9b}31mb\u{7f}"), "a\\u{9b}31mb\\u{7f}");
        assert_eq!(sanitize("user\u{202e}gpj.exe"), "user\\u{202e}gpj.exe");
        assert_eq!(sanitize("a\u{200b}b\u{e0041}"), "a\\u{200b}b\\u{e0041}");
        assert_eq!(sanitize("one\nPASS\ttwo"), "one PASS two");
    }

    #[test]
    fn length_is_bounded_at_the_limit_exactly() {
        assert_eq!(sanitize(&"é".repeat(MAX)).chars().count(), MAX);
        let cut = sanitize(&"é".repeat(MAX + 1)).into_owned();
        assert!(cut.chars().count() == MAX + 1 && cut.ends_with('…'));
    }

    #[test]
    fn a_message_of_our_own_keeps_its_end() {
        let message = format!("{}\u{1b}; check the name", "x".repeat(MAX));
        assert!(one_line(&message).ends_with("\\u{1b}; check the name"));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left_of_any_text(text in any::<String>()) {
            prop_assert!(!sanitize(&text).chars().any(is_unsafe));
        }
    }
}
