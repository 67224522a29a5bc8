//! How long messages of the API are.

use prost::Message;

/// Bytes a message takes on the wire.
pub fn encoded_len(message: &impl Message) -> usize {
    message.encoded_len()
}
