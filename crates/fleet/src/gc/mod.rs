//! Garbage collection: the only place where anything is deleted for its age.
//!
//! What is needed is marked first, all of it, from the state and from the documents of verdicts; then the store is
//! listed, and what bears no mark and is old goes. So a run that is ended anywhere has deleted nothing that is needed.
//!
//! Fleets go on working meanwhile. Whoever comes to rely on an object makes it young if it is older than
//! [`keep::STALE`](crate::keep::STALE); so what was not named when marks were made and is named now is younger than the
//! grace period, which is why that is never less than [`LEAST_GRACE`], and why a run ends by itself before its
//! marks are half as old.

mod mark;
mod marks;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plimsoll_state::State;
use plimsoll_store::{Key, Prefix, Store};

use crate::{Error, keep};
use mark::{Marker, PAGE};

/// The shortest grace period under which a fleet may work while garbage is collected.
pub const LEAST_GRACE: Duration = keep::STALE.saturating_mul(2);

/// Scans forgotten in one transaction.
const FORGET: u32 = 200;

/// How garbage is collected.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is younger is left alone. Less than [`LEAST_GRACE`] is for stores nobody uses.
    pub grace: Duration,
    /// Scans that ended longer ago are forgotten first, with their verdicts, and so are layers that no image has any more.
    /// `None`: none is.
    pub retain: Option<Duration>,
    /// Say what would be deleted, and delete and forget nothing.
    pub dry_run: bool,
    /// Objects read, looked at or deleted at the same time.
    pub at_once: usize,
    /// Marks in memory, at 66 bytes each. More go to unnamed temporary files.
    pub marks: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(7 * 24 * 60 * 60),
            retain: None,
            dry_run: false,
            at_once: 16,
            marks: 1 << 18,
        }
    }
}

/// Collects garbage.
pub struct Gc {
    /// How.
    pub config: Config,
    /// Where it lies.
    pub store: Arc<dyn Store>,
    /// What says what is none.
    pub state: Arc<dyn State>,
}

impl Gc {
    /// Marks and sweeps once, as of `now`.
    pub async fn run(&self, now: SystemTime) -> Result<Summary, Error> {
        self.must_belong_together().await?;
        let forgotten = self.forget(now).await?;
        let began = Instant::now();
        let mut marker = Marker::new(&self.config);
        marker.state(&*self.state, before(now, self.config.grace)).await?;
        marker.documents(&*self.state, &self.store).await?;
        let unreadable = marker.unreadable();
        let marks = marker.finish()?;
        tracing::info!(seconds = began.elapsed().as_secs_f64(), "marked");
        let mut summary = Summary { forgotten, unreadable_documents: unreadable, ..Summary::default() };
        sweep::sweep(self, marks, began, now, &mut summary).await?;
        Ok(summary)
    }

    /// An error if the state is one nobody ever worked with while the store has verdicts: it is another one's, and by it nothing
    /// would be needed.
    async fn must_belong_together(&self) -> Result<(), Error> {
        if self.state.is_unused().await? && !self.store.list(&Prefix::Verdicts, None, 1).await?.is_empty() {
            return Err(Error::ForeignState);
        }
        Ok(())
    }

    /// Lets go of scans that ended long ago, and of layers nobody has needed since. Gives how many scans.
    async fn forget(&self, now: SystemTime) -> Result<u64, Error> {
        let Some(retain) = self.config.retain.filter(|_| !self.config.dry_run) else { return Ok(0) };
        let (before, now) = (before(now, retain), before(now, Duration::ZERO));
        let mut forgotten = 0;
        loop {
            let scans = self.state.forget(before, FORGET).await?.scans;
            forgotten += scans;
            if scans < u64::from(FORGET) {
                break;
            }
        }
        let mut after = None;
        loop {
            let layers = self.state.retained_layers(after.as_ref(), i64::MAX, PAGE).await?;
            let keys: Vec<_> = layers.into_iter().map(|layer| layer.key).collect();
            self.state.let_go(&keys, before, now).await?;
            after = match keys.last() {
                Some(last) => Some(last.clone()),
                None => return Ok(forgotten),
            };
        }
    }
}

/// So long before `now`, in milliseconds since the epoch.
fn before(now: SystemTime, by: Duration) -> i64 {
    let since = now.checked_sub(by).and_then(|before| before.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Scans that were forgotten.
    pub forgotten: u64,
    /// Per kind of object.
    pub kinds: [Counts; Kind::ALL.len()],
    /// Documents of retained verdicts that are missing or damaged: what only they name was not marked.
    pub unreadable_documents: u64,
    /// True if the run ended before it had seen everything, because its marks became old. The next one goes on.
    pub ended_early: bool,
}

impl Summary {
    /// What was done to one kind.
    pub fn of(&self, kind: Kind) -> &Counts {
        &self.kinds[kind as usize]
    }

    fn of_mut(&mut self, key: &Key) -> &mut Counts {
        &mut self.kinds[Kind::of(key) as usize]
    }
}

/// How many objects of a kind met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Something needs them.
    pub needed: u64,
    /// Nothing needs them, and they are young.
    pub young: u64,
    /// Deleted, or to be deleted if this was not a dry run.
    pub deleted: u64,
    /// Bytes of the deleted ones.
    pub bytes: u64,
}

/// A kind of object, in the order of the store's paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// From blobs to layers.
    BlobLinks,
    /// Configs of images.
    Configs,
    /// What was found in layers.
    Evidence,
    /// Manifests and indexes.
    Manifests,
    /// Policies and allowlists.
    Policies,
    /// Knowledge snapshots.
    Snapshots,
    /// Documents of verdicts.
    Verdicts,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::BlobLinks,
        Self::Configs,
        Self::Evidence,
        Self::Manifests,
        Self::Policies,
        Self::Snapshots,
        Self::Verdicts,
    ];

    /// What a key stands for.
    pub fn of(key: &Key) -> Self {
        match key {
            Key::BlobLink(_) => Self::BlobLinks,
            Key::Config(_) => Self::Configs,
            Key::Evidence { .. } => Self::Evidence,
            Key::Manifest(_) => Self::Manifests,
            Key::Policy(_) => Self::Policies,
            Key::Snapshot(_) => Self::Snapshots,
            Key::Verdict(_) => Self::Verdicts,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BlobLinks => "blob links",
            Self::Configs => "configs",
            Self::Evidence => "evidence",
            Self::Manifests => "manifests",
            Self::Policies => "policies",
            Self::Snapshots => "snapshots",
            Self::Verdicts => "verdicts",
        })
    }
}

#[cfg(test)]
mod tests;
