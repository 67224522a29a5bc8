//! What a queue carries.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Error;

/// The most bytes that a message may have: body, header names and header values together. What is larger belongs
/// into the store, and its key into the message.
pub const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// The longest name of a header: AMQP takes 255 bytes, SQS less.
const MAX_HEADER_NAME: usize = 127;

/// The header under which a dead letter says why it is one.
pub(crate) const REASON: &str = "dead-letter-reason";

/// Headers and bytes of which the queue understands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Names of letters, digits, `-`, `_` and `.`, that do not start with `x-` (those are the broker's own);
    /// values of printable ASCII.
    pub headers: BTreeMap<String, String>,
    /// The content.
    pub body: Bytes,
}

impl Message {
    /// A message without headers.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { headers: BTreeMap::new(), body: body.into() }
    }

    /// The same message with one more header.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Of a dead letter, why it is one.
    pub fn dead_letter_reason(&self) -> Option<&str> {
        self.headers.get(REASON).map(String::as_str)
    }

    /// What counts against [`MAX_MESSAGE_BYTES`].
    pub fn size(&self) -> usize {
        self.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + self.body.len()
    }

    /// Whether every backend can carry this message.
    pub fn check(&self) -> Result<(), Error> {
        if self.size() > MAX_MESSAGE_BYTES {
            return Err(Error::TooLarge { size: self.size() });
        }
        for (name, value) in &self.headers {
            let complaint = complaint(name, value);
            if let Some(why) = complaint {
                return Err(Error::Header { name: name.escape_debug().take(MAX_HEADER_NAME).collect(), why });
            }
        }
        Ok(())
    }

    /// The same message as a dead letter. The reason is made to fit: it may quote what strangers wrote.
    pub(crate) fn dead(mut self, reason: &str) -> Self {
        self.headers.remove(REASON);
        let room = MAX_MESSAGE_BYTES.saturating_sub(self.size() + REASON.len()).min(MAX_REASON);
        let reason = reason.chars().map(|c| if is_printable(c) { c } else { ' ' }).take(room).collect();
        self.headers.insert(REASON.to_owned(), reason);
        self
    }

    /// The same message as it was before it became a dead letter.
    pub(crate) fn revived(mut self) -> Self {
        self.headers.remove(REASON);
        self
    }
}

/// The longest reason of a dead letter; a person has to read it.
const MAX_REASON: usize = 1024;

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn complaint(name: &str, value: &str) -> Option<&'static str> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > MAX_HEADER_NAME {
        return Some("a name has 1 to 127 bytes");
    }
    if !name.bytes().all(known) {
        return Some("a name is made of letters, digits, '-', '_' and '.'");
    }
    if name.starts_with("x-") {
        return Some("names that start with 'x-' belong to the broker");
    }
    (!value.chars().all(is_printable)).then_some("a value is made of printable ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_size(size: usize) -> Message {
        Message::new(vec![0; size - 4]).with_header("ab", "cd")
    }

    #[test]
    fn the_bound_counts_headers_and_is_exact() {
        of_size(MAX_MESSAGE_BYTES).check().expect("a message at the bound is carried");
        let error = of_size(MAX_MESSAGE_BYTES + 1).check().expect_err("one byte more is not");
        assert!(error.to_string().contains("65537") && error.to_string().contains("store"), "{error}");
    }

    #[test]
    fn headers_that_some_backend_cannot_carry_are_refused_by_name() {
        for (name, value) in [("", "v"), ("a b", "v"), ("x-death", "v"), ("a", "\u{1}"), ("a", "\u{e9}")] {
            let error = Message::default().with_header(name, value).check().expect_err("it is refused");
            assert!(error.to_string().contains(name), "{error}");
        }
        let long = "n".repeat(MAX_HEADER_NAME + 1);
        Message::default().with_header(long, "v").check().expect_err("a long name is refused");
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        Message::default().with_header("traceparent", trace).check().expect("trace context is carried");
    }

    #[test]
    fn a_reason_never_makes_a_dead_letter_that_cannot_be_carried() {
        let dead = of_size(MAX_MESSAGE_BYTES - 30).dead(&"\u{1F4A5}\n!".repeat(5000));
        dead.check().expect("it is carried");
        assert_eq!(dead.dead_letter_reason(), Some("  !  !  !  !"));
        let dead = Message::default().dead("first").dead("second");
        assert_eq!(dead.dead_letter_reason(), Some("second"));
    }
}
