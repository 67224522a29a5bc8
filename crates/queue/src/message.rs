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
        self.headers.insert(REASON.to_owned(), printable(reason, room));
        self
    }

    /// The same for a message that others wrote, which may be larger than ours: the reason is kept whole, and of the
    /// text as much as fits.
    pub(crate) fn dead_of_others(mut self, reason: &str, max: usize) -> Self {
        self.headers.remove(REASON);
        // One attribute of theirs more than there is room for would make a letter that cannot be sent at all.
        while self.headers.len() >= MAX_ATTRIBUTES {
            self.headers.pop_last();
        }
        let others = self.size() - self.body.len();
        let room = max.saturating_sub(others + REASON.len() + MAX_REASON);
        if self.body.len() > room {
            let reason = format!("{reason} (the first {room} of {} bytes are kept)", self.body.len());
            self.headers.insert(REASON.to_owned(), printable(&reason, MAX_REASON));
            self.body.truncate(room);
        } else {
            self.headers.insert(REASON.to_owned(), printable(reason, MAX_REASON));
        }
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

/// The most attributes that a message in SQS can have.
const MAX_ATTRIBUTES: usize = 10;

/// As much of a text as fits, of what every backend can carry.
fn printable(text: &str, room: usize) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).take(room).collect()
}

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

    #[test]
    fn a_letter_of_others_keeps_its_reason_and_as_much_text_as_fits() {
        let small = Message::new("{}").dead_of_others("no event", 4096);
        assert_eq!((&small.body[..], small.dead_letter_reason()), (&b"{}"[..], Some("no event")));
        let many = (0..20)
            .fold(Message::new(vec![b'x'; 9000]), |message, n| message.with_header(format!("a{n:02}"), "v"));
        let cut = many.dead_of_others(&"y".repeat(5000), 4096);
        assert!(cut.size() <= 4096 && cut.headers.len() == MAX_ATTRIBUTES, "{} bytes", cut.size());
        assert_eq!(cut.dead_letter_reason().map(str::len), Some(MAX_REASON));
        let told = Message::new(vec![b'x'; 9000]).dead_of_others("too long", 4096);
        assert!(told.dead_letter_reason().is_some_and(|why| why.contains("of 9000 bytes")), "{told:?}");
    }
}
