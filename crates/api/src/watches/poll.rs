//! Looking.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_state::{Ends, Progress};
use plimsoll_types::ScanId;
use tokio::time::Instant;

use super::Watches;

/// How long a scan counts as young.
const YOUNG: Duration = Duration::from_secs(3);
/// Between two looks at a young scan. Ends are told; this is for who watches layers being done.
const OFTEN: Duration = Duration::from_millis(250);
/// Between two looks at an older one. A server that is behind has thousands of them, and would be further behind if it
/// spent its time on looking.
const SELDOM: Duration = Duration::from_secs(2);
/// Before the next look after one that failed.
const TROUBLE: Duration = Duration::from_secs(1);
/// Scans in one question.
const BATCH: usize = 500;

impl Watches {
    /// Looks, for ever; the caller ends it by dropping it.
    pub(crate) async fn run(&self) {
        let mut ends = self.0.state.ends();
        loop {
            let next = self.next_look();
            let sleep = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            let looked_at = tokio::select! {
                () = sleep => self.due(Instant::now()),
                // A scan that was followed meanwhile may be due sooner.
                () = self.0.rung.notified() => continue,
                ended = ends.next() => self.ended(ended, &mut ends),
            };
            for batch in looked_at.chunks(BATCH) {
                match self.0.state.watch(batch).await {
                    Ok(seen) => self.tell(batch, seen),
                    // It will be looked again; whoever follows has a deadline of its own, or patience.
                    Err(error) => {
                        tracing::warn!(%error, "followed scans could not be looked at");
                        tokio::time::sleep(TROUBLE).await;
                    }
                }
            }
        }
    }

    /// Those of the scans that are said to have ended that are followed.
    fn ended(&self, first: Option<ScanId>, ends: &mut Ends) -> Vec<ScanId> {
        let mut said: Vec<ScanId> = first.into_iter().collect();
        said.extend(std::iter::from_fn(|| ends.try_next()));
        let followed = self.followed();
        said.retain(|id| followed.contains_key(id));
        said.sort_unstable();
        said.dedup();
        said
    }

    /// When the next scan is due; `None` if none is followed.
    fn next_look(&self) -> Option<Instant> {
        self.followed().values().map(super::Followed::due).min()
    }

    /// The scans that are due, which count as looked at. Those nobody follows any more are let go.
    fn due(&self, now: Instant) -> Vec<ScanId> {
        let mut followed = self.followed();
        followed.retain(|_, scan| scan.latest.receiver_count() > 0);
        let mut due = Vec::new();
        for (id, scan) in followed.iter_mut().filter(|(_, scan)| scan.due() <= now) {
            scan.looked = now;
            due.push(*id);
        }
        due
    }

    /// Tells followers what was seen. What was asked for and not seen is there no more; what has ended will not change.
    fn tell(&self, asked: &[ScanId], seen: Vec<Progress>) {
        let mut followed = self.followed();
        let mut missing: Vec<ScanId> = asked.to_vec();
        for progress in seen {
            let id = progress.scan.id;
            missing.retain(|asked| *asked != id);
            let Some(scan) = followed.get(&id) else { continue };
            let ended = progress.scan.state.is_terminal();
            scan.latest.send_if_modified(|latest| {
                let changed = **latest != progress;
                if changed {
                    *latest = Arc::new(progress);
                }
                changed
            });
            if ended {
                followed.remove(&id);
            }
        }
        for id in missing {
            followed.remove(&id);
        }
    }
}

impl super::Followed {
    fn due(&self) -> Instant {
        let young = self.looked.duration_since(self.since) < YOUNG;
        self.looked + if young { OFTEN } else { SELDOM }
    }
}
