//! All lines of a queue, and the bytes in them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::line::Line;
use crate::{Channel, Error, Message};

/// Which of the two lines of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rack {
    Live,
    Dead,
}

pub(super) struct Lines {
    all: Mutex<HashMap<(Channel, Rack), Arc<Line>>>,
    bytes: AtomicUsize,
    max_bytes: usize,
}

/// What a message costs. Empty ones cost something too.
fn cost(message: &Message) -> usize {
    message.size().max(1)
}

impl Lines {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { all: Mutex::default(), bytes: AtomicUsize::new(0), max_bytes }
    }

    pub(super) fn line(&self, channel: Channel, rack: Rack) -> Arc<Line> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry((channel, rack)).or_default())
    }

    /// Takes all messages, or none if there is no room.
    pub(super) fn publish(&self, channel: Channel, messages: Vec<Message>) -> Result<(), Error> {
        let added: usize = messages.iter().map(cost).sum();
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| {
                bytes.checked_add(added).filter(|bytes| *bytes <= self.max_bytes)
            })
            .map_err(|bytes| Error::Full { bytes })?;
        self.line(channel, Rack::Live).push(messages);
        Ok(())
    }

    /// Puts one message that was here before, in the other line.
    pub(super) fn put(&self, channel: Channel, rack: Rack, message: Message) {
        self.bytes.fetch_add(cost(&message), Ordering::Relaxed);
        self.line(channel, rack).push(vec![message]);
    }

    pub(super) fn freed(&self, message: &Message) {
        self.bytes.fetch_sub(cost(message), Ordering::Relaxed);
    }
}
