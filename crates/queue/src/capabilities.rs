//! Where backends differ by nature.

use std::time::Duration;

/// What a backend can do, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// When a message comes back from a holder that is gone.
    pub lease: LeaseEnd,
    /// The longest delay that [`crate::Delivery::retry`] keeps a message away for; longer ones are cut to it.
    pub max_delay: Duration,
    /// Whether messages outlive this process.
    pub durable: bool,
}

/// What ends the lease of a holder that neither settles nor extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEnd {
    /// A clock: so long after the message was received, or after it was last extended.
    Clock(Duration),
    /// The holder's connection: as long as it lives, so does the lease, whether extended or not.
    Connection,
}

impl Capabilities {
    /// How often a holder should extend: often enough that two attempts may fail. `None`: it need not.
    pub fn extend_every(&self) -> Option<Duration> {
        match self.lease {
            LeaseEnd::Clock(lease) => Some(lease / 3),
            LeaseEnd::Connection => None,
        }
    }
}
