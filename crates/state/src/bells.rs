//! Bells: what spares those who wait from looking again and again.
//!
//! A bell is a hint. It may be rung for nothing, and it may not be heard: whoever listens looks by himself now and
//! then, too.

use plimsoll_types::ScanId;
use tokio::sync::{broadcast, watch};

/// Ends that a listener may be late for before it misses one.
const LATE: usize = 4096;

/// Work that somebody may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    /// A scan waits for a coordinator.
    Submitted,
    /// A target waits for an aggregator.
    Complete,
}

/// What the rest of the fleet is told.
pub trait Bells: Send + Sync {
    /// Listens for work. A bell that is rung between two calls of [`Listener::rung`] is heard by the second.
    fn listen(&self, bell: Bell) -> Listener;

    /// Listens for scans that have ended, or of whose targets one has.
    fn ends(&self) -> Ends;
}

/// One who waits for work.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Listener {
    /// Waits for the bell.
    pub async fn rung(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could ring it.
            std::future::pending::<()>().await;
        }
    }
}

/// One who follows scans.
#[derive(Debug)]
pub struct Ends(broadcast::Receiver<ScanId>);

impl Ends {
    /// Waits for the next scan that has ended; none if some were missed.
    pub async fn next(&mut self) -> Option<ScanId> {
        match self.0.recv().await {
            Ok(id) => Some(id),
            Err(broadcast::error::RecvError::Lagged(_)) => None,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// One more that has ended already, if there is any.
    pub fn try_next(&mut self) -> Option<ScanId> {
        self.0.try_recv().ok()
    }
}

/// The bells of one process.
pub(crate) struct Belfry {
    submitted: watch::Sender<u64>,
    complete: watch::Sender<u64>,
    ended: broadcast::Sender<ScanId>,
}

impl Default for Belfry {
    fn default() -> Self {
        let ended = broadcast::Sender::new(LATE);
        Self { submitted: watch::Sender::default(), complete: watch::Sender::default(), ended }
    }
}

impl Belfry {
    /// Rings for work. True if anybody in this process listens.
    pub(crate) fn ring(&self, bell: Bell) -> bool {
        let sender = self.sender(bell);
        sender.send_modify(|rung| *rung = rung.wrapping_add(1));
        sender.receiver_count() > 0
    }

    /// Says that a scan has ended.
    pub(crate) fn ended(&self, scan: ScanId) {
        let _unless_nobody_follows = self.ended.send(scan);
    }

    pub(crate) fn listen(&self, bell: Bell) -> Listener {
        Listener(self.sender(bell).subscribe())
    }

    pub(crate) fn ends(&self) -> Ends {
        Ends(self.ended.subscribe())
    }

    fn sender(&self, bell: Bell) -> &watch::Sender<u64> {
        match bell {
            Bell::Submitted => &self.submitted,
            Bell::Complete => &self.complete,
        }
    }
}
