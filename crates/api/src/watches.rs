//! Following scans: one task looks at all that are followed, in one question to the state.
//!
//! State is where processes meet, so looking is what works whoever changed it. Ends are told, and looked at when they
//! are. For all else, and for what was not heard, a scan is looked at often in its first seconds, and then at leisure.

mod follower;
mod poll;
mod shares;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plimsoll_state::{Progress, State};
use plimsoll_types::{ScanId, Tenant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tonic::Status;

use crate::metrics::{ApiMetrics, OpenStream};
use crate::status;

pub(crate) use follower::{Follower, follow};
use shares::{Share, Shares};

/// Every scan that is followed, and the bound of all streams of the server.
#[derive(Clone)]
pub(crate) struct Watches(Arc<Shared>);

struct Shared {
    followed: Mutex<HashMap<ScanId, Followed>>,
    /// Rung when the first scan is followed, and when a new one is.
    rung: Notify,
    room: Arc<Semaphore>,
    share: Shares,
    state: Arc<dyn State>,
}

/// Room for one stream, until it is dropped.
pub(crate) struct Admission {
    _share: Share,
    _room: OwnedSemaphorePermit,
    _counted: OpenStream,
}

struct Followed {
    latest: watch::Sender<Arc<Progress>>,
    since: Instant,
    looked: Instant,
}

impl Watches {
    /// At most `streams` streams at one time. Nobody looks before [`Watches::run`] does.
    pub(crate) fn new(state: Arc<dyn State>, streams: usize) -> Self {
        Self(Arc::new(Shared {
            followed: Mutex::default(),
            rung: Notify::new(),
            room: Arc::new(Semaphore::new(streams.min(Semaphore::MAX_PERMITS))),
            share: Shares::new(streams.div_ceil(2)),
            state,
        }))
    }

    /// Room for one stream of a tenant. No tenant gets more than half of it, so that none is left without.
    pub(crate) fn admit(&self, tenant: &Tenant, metrics: &ApiMetrics) -> Result<Admission, Status> {
        let share = self.0.share.take(tenant).ok_or_else(status::too_many_streams)?;
        let room = Arc::clone(&self.0.room).try_acquire_owned().map_err(|_| status::too_many_streams())?;
        Ok(Admission { _share: share, _room: room, _counted: metrics.stream() })
    }

    /// What becomes of a scan, from `progress` on. The sender is dropped after the last change.
    pub(crate) fn subscribe(&self, progress: Progress) -> watch::Receiver<Arc<Progress>> {
        let id = progress.scan.id;
        let mut followed = self.followed();
        let receiver = if let Some(known) = followed.get(&id) {
            // What was just read may be older or newer than this; the next look settles it.
            known.latest.subscribe()
        } else {
            let ended = progress.scan.state.is_terminal();
            let (latest, receiver) = watch::channel(Arc::new(progress));
            if !ended {
                let now = Instant::now();
                followed.insert(id, Followed { latest, since: now, looked: now });
            }
            receiver
        };
        drop(followed);
        self.0.rung.notify_one();
        receiver
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<ScanId, Followed>> {
        self.0.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
