//! How callbacks are made, and with what.

use std::time::Duration;

use plimsoll_http::{AddressPolicy, Backoff, Client, Network, Proxy};

/// How [`crate::Callbacks`] works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name among other processes that post.
    pub holder: String,
    /// How long a delivery is claimed. Longer than reading what it says and posting it can take.
    pub lease: Duration,
    /// Deliveries posted at the same time.
    pub slots: usize,
    /// How long it waits before it looks again when nothing is due.
    pub idle: Duration,
    /// The longest a receiver may take to answer.
    pub timeout: Duration,
    /// How long posts under way may go on once it is told to stop.
    pub grace: Duration,
    /// Attempts for a receiver that is away or busy, and how far they lie apart.
    pub backoff: Backoff,
    /// Attempts for a receiver that does not want what it gets.
    pub rejections: u32,
    /// The most reasons that are told of one platform's verdict.
    pub reasons: usize,
}

impl Config {
    /// The defaults, under a name of its own: 20 attempts over a day or two.
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            lease: Duration::from_mins(2),
            slots: 64,
            idle: Duration::from_millis(500),
            timeout: Duration::from_secs(20),
            grace: Duration::from_secs(10),
            backoff: Backoff {
                attempts: 20,
                first: Duration::from_secs(5),
                longest: Duration::from_hours(6),
                patience: Duration::from_hours(24),
            },
            rejections: 4,
            reasons: 10,
        }
    }
}

/// A client for URLs that strangers choose: it connects to public addresses and to `allowed`, whatever names say, and
/// to a cloud's metadata service only if that very address is allowed.
///
/// # Errors
/// If TLS cannot be set up.
pub fn client(allowed: &[Network]) -> Result<Client, plimsoll_http::Error> {
    let policy = allowed.iter().fold(AddressPolicy::public(), |policy, network| policy.allow(*network));
    Client::new(plimsoll_http::Config {
        policy,
        proxy: Proxy::None,
        read_timeout: Duration::from_secs(20),
        ..plimsoll_http::Config::default()
    })
}
