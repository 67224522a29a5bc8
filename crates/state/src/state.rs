//! All nouns together.

use async_trait::async_trait;

use crate::{
    Bells, Crawling, Crawls, Deliveries, Error, Layers, Retained, Scans, Surveys, Tags, Targets, Tokens,
    Verdicts,
};

/// Everything the state of a fleet can do. Handed around as `Arc<dyn State>`.
pub trait State:
    Scans
    + Targets
    + Layers
    + Verdicts
    + Deliveries
    + Tokens
    + Tags
    + Crawls
    + Crawling
    + Surveys
    + Retained
    + Upkeep
    + Bells
{
}

impl<T> State for T where
    T: Scans
        + Targets
        + Layers
        + Verdicts
        + Deliveries
        + Tokens
        + Tags
        + Crawls
        + Crawling
        + Surveys
        + Retained
        + Upkeep
        + Bells
{
}

/// What keeps a database healthy.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// `Ok` if the database answers and can be read: what readiness means.
    async fn ping(&self) -> Result<(), Error>;

    /// True if no fleet has ever worked with this database: nothing was scanned, and no worker has said what it is.
    async fn is_unused(&self) -> Result<bool, Error>;

    /// Deletes at most `limit` scans that ended before `before`, with their verdicts, deliveries and what else
    /// belongs to them alone, and as many crawls. Cursors of verdict streams older than what is left get [`Error::OutOfRange`].
    /// What is known of layers stays. `before` should be hours ago or more: an image used within the hour is not looked at
    /// twice. Call it until [`Forgotten::scans`] is less than `limit`.
    async fn forget(&self, before: i64, limit: u32) -> Result<Forgotten, Error>;

    /// Ends every claim there is, and makes every outstanding layer due: for a process that knows that it is the only
    /// one at work here, so that it need not wait until leases end that died with the one before it, or until layers count
    /// as lost that were in that one's memory. Beside others it does harm to nothing but their work, which is done twice.
    async fn take_over(&self, now: i64) -> Result<(), Error>;
}

/// What [`Upkeep::take_over`] does to claims, in either dialect; `$1` is now.
pub(crate) const END_CLAIMS: [&str; 4] = [
    "UPDATE scans SET holder = NULL, next_at = $1 WHERE state = 'submitted' AND holder IS NOT NULL",
    "UPDATE targets SET holder = NULL, next_at = $1 WHERE waiting AND holder IS NOT NULL",
    "UPDATE deliveries SET holder = NULL, next_at = $1 WHERE state = 'pending' AND holder IS NOT NULL",
    "UPDATE crawls SET holder = NULL, next_at = $1 WHERE state = 'running' AND holder IS NOT NULL",
];

/// Whether anything is there that a fleet leaves behind.
pub(crate) const IS_UNUSED: &str = "SELECT NOT (EXISTS (SELECT 1 FROM scans) OR EXISTS (SELECT 1 FROM layers)
     OR EXISTS (SELECT 1 FROM fingerprints) OR EXISTS (SELECT 1 FROM streams)) AS unused";

/// What it does to layers.
pub(crate) const ASK_AGAIN: &str = "UPDATE layers SET asked_at = 0 WHERE state = 'outstanding'";

/// What [`Upkeep::forget`] deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Scans.
    pub scans: u64,
    /// Images no remaining scan is about.
    pub images: u64,
}
