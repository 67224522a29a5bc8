//! An inbox in this process, for tests of who reads one.

use std::time::Duration;

use async_trait::async_trait;

use super::MemoryQueue;
use crate::{Capabilities, Channel, Delivery, Depth, Error, Inbox, Message, Queue};

/// An inbox in this process. Clones are handles of the same one.
#[derive(Clone, Default)]
pub struct MemoryInbox(MemoryQueue);

/// A queue needs one; which is all the same.
const ONLY: Channel = Channel { kind: crate::Kind::Results, lane: None };

impl MemoryInbox {
    /// An empty inbox whose leases last a minute.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty inbox with leases of this length.
    pub fn with_lease(lease: Duration) -> Self {
        Self(MemoryQueue::with_lease(lease))
    }

    /// Puts messages in, as a stranger would.
    pub async fn put(&self, texts: impl IntoIterator<Item = String>) -> Result<(), Error> {
        self.0.send(&ONLY, texts.into_iter().map(Message::new).collect()).await
    }
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        self.0.receive(&ONLY, max, wait).await
    }

    async fn receive_dead(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        self.0.receive_dead(&ONLY, max, wait).await
    }

    async fn depth(&self) -> Result<Depth, Error> {
        self.0.depth(&ONLY).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.0.depth(&ONLY).await.map(drop)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{InboxService, inbox_tests};

    fn service() -> InboxService {
        let inbox = MemoryInbox::new();
        let door = inbox.clone();
        InboxService::new(
            move |lease| {
                let handle = MemoryInbox(MemoryQueue { lease, ..inbox.0.clone() });
                async move { Ok(Arc::new(handle) as Arc<dyn Inbox>) }
            },
            move |texts| {
                let door = door.clone();
                async move { door.put(texts).await.expect("there is room") }
            },
        )
    }

    inbox_tests!(contract, Ok(service()));
}
