//! Our messages as AMQP's, and back.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

use crate::Message;

/// Written to the disk, with our headers.
pub(super) fn properties(message: &Message) -> BasicProperties {
    const PERSISTENT: u8 = 2;
    let mut headers = FieldTable::default();
    for (name, value) in &message.headers {
        headers.insert(name.as_str().into(), AMQPValue::LongString(value.as_str().into()));
    }
    BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(headers)
}

/// The message, and whether somebody may have held it before: the broker says so of one that came back from a holder,
/// and leaves a trace on one that came back from a delay.
pub(super) fn message(delivery: &mut lapin::message::Delivery) -> (Message, bool) {
    let mut message = Message::new(Bytes::from(std::mem::take(&mut delivery.data)));
    let mut redelivered = delivery.redelivered;
    if let Some(headers) = delivery.properties.headers() {
        redelivered |= headers.contains_key("x-death");
        for (name, value) in headers.inner() {
            // The broker's own headers would be wrong on a message that we publish again.
            if let AMQPValue::LongString(value) = value
                && !name.as_str().starts_with("x-")
            {
                message.headers.insert(name.as_str().to_owned(), value.to_string());
            }
        }
    }
    (message, redelivered)
}
