//! Our messages as those of SQS, and back.
//!
//! SQS carries text, not bytes, and at most ten attributes; so the body is base64 and one attribute has all headers,
//! as JSON. A message without that attribute is somebody else's: its text is the body as it is, and its attributes
//! are the headers.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::{Message as SqsMessage, MessageAttributeValue, MessageSystemAttributeName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::Message;

/// The attribute with our headers.
pub(super) const HEADERS: &str = "plimsoll-headers";

/// Stands for no bytes, because SQS refuses an empty body. It is not the base64 of anything.
const EMPTY: &str = "=";

/// The most bytes of a message that others wrote, when it is put aside: those of a queue whose bound nobody has lifted,
/// without what the request itself takes.
const MAX_OTHERS: usize = 250 << 10;

/// How the messages of a queue are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As ours.
    Ours,
    /// As those who fill the queue write them: text, and an attribute for each header. So a person can read what was
    /// put aside, and the service's own tools can put it back.
    Others,
}

impl Form {
    pub(super) fn encode(self, message: &Message) -> Encoded {
        match self {
            Self::Ours => Encoded::of(message),
            Self::Others => Encoded {
                text: String::from_utf8_lossy(&message.body).into_owned(),
                // SQS refuses an attribute without a value.
                headers: message
                    .headers
                    .iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            },
        }
    }

    /// The message as a dead letter that can be sent.
    pub(super) fn dead(self, message: Message, reason: &str) -> Message {
        match self {
            Self::Ours => message.dead(reason),
            Self::Others => message.dead_of_others(reason, MAX_OTHERS),
        }
    }
}

/// Text and attributes of a message.
pub(super) struct Encoded {
    pub(super) text: String,
    headers: Vec<(String, String)>,
}

impl Encoded {
    fn of(message: &Message) -> Self {
        let text = match message.body.len() {
            0 => EMPTY.to_owned(),
            _ => STANDARD.encode(&message.body),
        };
        // A map of strings is always JSON.
        let headers = serde_json::to_value(&message.headers).unwrap_or_default().to_string();
        Self { text, headers: vec![(HEADERS.to_owned(), headers)] }
    }

    /// What counts against the bound of a request.
    pub(super) fn size(&self) -> usize {
        let of = |(name, value): &(String, String)| name.len() + "String".len() + value.len();
        self.text.len() + self.headers.iter().map(of).sum::<usize>()
    }

    pub(super) fn attributes(&self) -> HashMap<String, MessageAttributeValue> {
        let text =
            |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build();
        let attributes = self.headers.iter();
        attributes.filter_map(|(name, value)| Some((name.clone(), text(value).ok()?))).collect()
    }
}

/// The message, and whether somebody may have held it before.
pub(super) fn message(received: &SqsMessage) -> (Message, bool) {
    let count = received
        .attributes()
        .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount)?.parse::<u64>().ok());
    let text = received.body().unwrap_or_default();
    let strings = received.message_attributes().into_iter().flatten();
    let strings: BTreeMap<&str, &str> =
        strings.filter_map(|(name, value)| Some((name.as_str(), value.string_value()?))).collect();
    let message = strings.get(HEADERS).and_then(|headers| decoded(text, headers));
    (message.unwrap_or_else(|| foreign(text, &strings)), count.is_some_and(|count| count > 1))
}

fn decoded(text: &str, headers: &str) -> Option<Message> {
    let body = if text == EMPTY { Vec::new() } else { STANDARD.decode(text).ok()? };
    Some(Message { headers: serde_json::from_str(headers).ok()?, body: body.into() })
}

fn foreign(text: &str, attributes: &BTreeMap<&str, &str>) -> Message {
    let headers = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Message { headers: headers.collect(), body: Bytes::copy_from_slice(text.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MAX_MESSAGE_BYTES;

    fn received(text: &str, attributes: &[(&str, &str)]) -> SqsMessage {
        let mut message = SqsMessage::builder().body(text);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            message = message.message_attributes(*name, value.expect("it has a type"));
        }
        message.build()
    }

    proptest! {
        #[test]
        fn a_message_comes_back_as_it_was(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            headers in proptest::collection::btree_map("[a-z][a-z0-9._-]{0,9}", "[ -~]{0,20}", 0..20),
        ) {
            let sent = Message { headers, body: body.into() };
            let encoded = Encoded::of(&sent);
            prop_assert!(!encoded.text.is_empty());
            let (came, _) = message(&received(&encoded.text, &[(HEADERS, &encoded.headers[0].1)]));
            prop_assert_eq!(came, sent);
        }

        #[test]
        fn no_foreign_message_is_an_accident(text in ".*", headers in ".*") {
            let (came, _) = message(&received(&text, &[(HEADERS, &headers)]));
            prop_assert!(came.body.len() <= text.len());
        }
    }

    #[test]
    fn a_foreign_message_keeps_its_text_and_attributes() {
        let (came, redelivered) = message(&received("{\"detail\":1}", &[("source", "aws.ecr")]));
        assert_eq!(came, Message::new("{\"detail\":1}").with_header("source", "aws.ecr"));
        assert!(!redelivered);
    }

    #[test]
    fn a_foreign_message_that_is_put_aside_stays_readable_and_fits_into_a_request() {
        let sent = Message::new("{\"detail\":1}").with_header("source", "aws.ecr").with_header("none", "");
        let encoded = Form::Others.encode(&Form::Others.dead(sent, "no digest"));
        assert_eq!(encoded.text, "{\"detail\":1}");
        let attributes = encoded.attributes();
        let value = |name| attributes.get(name).and_then(MessageAttributeValue::string_value);
        assert_eq!((value("source"), value("none")), (Some("aws.ecr"), None));
        assert_eq!(value("dead-letter-reason"), Some("no digest"));
        let large = Form::Others.encode(&Form::Others.dead(Message::new(vec![b'x'; 1 << 20]), "too large"));
        assert!(large.size() < super::super::send::MAX_REQUEST_BYTES, "{}", large.size());
    }

    #[test]
    fn the_largest_message_fits_into_a_request() {
        let body = Encoded::of(&Message::new(vec![0xff; MAX_MESSAGE_BYTES]));
        let headers = Encoded::of(&Message::default().with_header("h", "\"".repeat(MAX_MESSAGE_BYTES - 1)));
        assert!(body.size() < super::super::send::MAX_REQUEST_BYTES);
        assert!(headers.size() < super::super::send::MAX_REQUEST_BYTES);
    }
}
