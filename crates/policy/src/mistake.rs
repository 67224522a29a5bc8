//! What is wrong with a policy or an allowlist, and where.

use std::fmt;

/// Positions start at 1, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The field, for example `rules[2].params.severity`; empty for the document itself.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Every mistake in a text, in the order of the text. There is at least one when it is returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Nobody reads on after so many, and a hostile text must not become a huge report.
    const MAX: usize = 100;

    pub(crate) fn add(&mut self, at: At, field: impl Into<String>, message: impl Into<String>) {
        if !self.are_full() {
            let (field, message) = (printable(field.into()), printable(message.into()));
            self.0.push(Mistake { line: at.line, column: at.column, field, message });
        }
    }

    /// `value` if there were no mistakes.
    pub(crate) fn or<T>(mut self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                self.0.sort();
                Err(self)
            }
        }
    }

    /// True if no more are kept: looking for further ones is for nothing.
    pub(crate) fn are_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The mistakes, in the order of the text.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Mistakes {
    type Item = &'a Mistake;
    type IntoIter = std::slice::Iter<'a, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One mistake a line.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// `unknown gate "x"; did you mean "y"?`, or the list of what there is.
pub(crate) fn unknown<'a>(
    what: &str,
    given: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let given = shorten(given);
    let nearest = known
        .clone()
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given, name), name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1));
    if let Some((_, name)) = nearest {
        return format!("unknown {what} {given:?}; did you mean {name:?}?");
    }
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    format!("unknown {what} {given:?}; expected one of: {known}")
}

/// The text without anything a terminal could take for an instruction: it may be a stranger's, from a URL.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Enough of a text to recognise it.
pub(crate) fn shorten(text: &str) -> String {
    const MAX: usize = 80;
    match text.char_indices().nth(MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_lists_the_choices() {
        let known = ["vulnerabilities", "files"];
        assert_eq!(
            unknown("gate", "vulnerabilitys", known),
            "unknown gate \"vulnerabilitys\"; did you mean \"vulnerabilities\"?"
        );
        assert_eq!(
            unknown("gate", "ports", known),
            "unknown gate \"ports\"; expected one of: vulnerabilities, files"
        );
    }

    #[test]
    fn a_mistake_is_one_line_without_instructions_for_a_terminal() {
        let mut mistakes = Mistakes::default();
        mistakes.add(At { line: 1, column: 1 }, "\u{1b}[2Ja\nb", "naïve \u{7}");
        let shown = mistakes.or(Some(())).unwrap_err().to_string();
        assert_eq!(shown, "line 1, column 1: \\u{1b}[2Ja\\nb: naïve \\u{7}");
    }

    #[test]
    fn mistakes_are_bounded_and_read_in_the_order_of_the_text() {
        let mut mistakes = Mistakes::default();
        for line in (1..=500).rev() {
            mistakes.add(At { line, column: 1 }, "f", "m");
        }
        let mistakes = mistakes.or(Some(())).unwrap_err();
        assert_eq!(mistakes.len(), Mistakes::MAX);
        assert!(mistakes.iter().is_sorted());
        assert_eq!(mistakes.iter().next().unwrap().to_string(), "line 401, column 1: f: m");
    }
}
