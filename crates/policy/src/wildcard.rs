//! Texts in which `*` stands for anything.

/// A text to compare with; `*` stands for any number of any characters. Everything else is literal, so names
/// with brackets and braces need no escaping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard(String);

impl Wildcard {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text as given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without wildcards, if there is none in it.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(self.0.as_str())
    }

    /// True if it stands for `text`. Takes time in proportion to the product of both lengths at worst.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        // Where to go on if what follows the last star does not fit here.
        let mut retry = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    retry = Some((p + 1, t));
                    p += 1;
                }
                Some(byte) if *byte == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match retry {
                    Some((after_star, from)) => {
                        retry = Some((after_star, from + 1));
                        (p, t) = (after_star, from + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

/// True if any of `wildcards` stands for `text`.
pub(crate) fn any(wildcards: &[Wildcard], text: &str) -> bool {
    wildcards.iter().any(|wildcard| wildcard.matches(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_is_any_text_and_nothing_else_is_special() {
        for (pattern, text, expected) in [
            ("CVE-2021-44228+log4j", "CVE-2021-44228+log4j", true),
            ("CVE-2021-44228+*", "CVE-2021-44228+org.apache:log4j", true),
            ("*+openssl", "CVE-1+openssl", true),
            ("*+openssl", "CVE-1+openssl-libs", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a?[b]", "a?[b]", true),
            ("a?[b]", "axb", false),
        ] {
            assert_eq!(Wildcard::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_regular_expression(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let regex = format!("^(?s:{})$", pattern.replace('*', ".*"));
            let expected = regex::bytes::Regex::new(&regex).unwrap().is_match(text.as_bytes());
            prop_assert_eq!(Wildcard::new(&pattern).matches(&text), expected);
        }
    }
}
