//! One stream that follows a scan.

use std::sync::Arc;

use futures_util::Stream;
use plimsoll_proto::v1;
use plimsoll_proto::v1::watch_scan_response::Change;
use plimsoll_state::Progress;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Status;

use super::Admission;
use crate::{convert, status};

/// What a stream holds. Dropping it is all it takes to stop following.
pub(crate) struct Follower {
    pub(crate) scan: watch::Receiver<Arc<Progress>>,
    pub(crate) shutdown: watch::Receiver<bool>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) _admission: Admission,
}

/// The messages of a stream: how far the scan is now, each change, its end.
pub(crate) fn follow(follower: Follower) -> impl Stream<Item = Result<v1::WatchScanResponse, Status>> + Send {
    let begin = Place { follower, last: None };
    futures_util::stream::unfold(Some(begin), |place| async move {
        let mut place = place?;
        match place.next().await {
            Ok(message) => {
                let ended = message.change() == Change::Ended;
                Some((Ok(message), (!ended).then_some(place)))
            }
            Err(status) => Some((Err(status), None)),
        }
    })
}

struct Place {
    follower: Follower,
    last: Option<Arc<Progress>>,
}

impl Place {
    async fn next(&mut self) -> Result<v1::WatchScanResponse, Status> {
        if self.last.is_some() {
            self.changed().await?;
        }
        let now = Arc::clone(&self.follower.scan.borrow_and_update());
        let message = v1::WatchScanResponse {
            scan: Some(convert::progress(&now)),
            change: change(self.last.as_deref(), &now).into(),
        };
        self.last = Some(now);
        Ok(message)
    }

    async fn changed(&mut self) -> Result<(), Status> {
        let Follower { scan, shutdown, deadline, .. } = &mut self.follower;
        let over = async {
            match *deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // A change that is there is told, also to whoever is about to be sent away.
            biased;
            changed = scan.changed() => changed.map_err(|_| status::no_such_scan("that was watched")),
            () = over => Err(status::deadline_exceeded()),
            // A sender that is gone means the same.
            _ = shutdown.wait_for(|over| *over) => Err(status::shutting_down()),
        }
    }
}

/// What is new, the last of it in the order of the enum.
fn change(before: Option<&Progress>, now: &Progress) -> Change {
    let grew = |part: fn(&Progress) -> usize| part(now) > before.map_or(0, part);
    if now.scan.state.is_terminal() {
        Change::Ended
    } else if grew(|progress| progress.verdicts.len()) {
        Change::Verdict
    } else if before.is_some() && grew(|progress| progress.layers_settled as usize) {
        Change::Layer
    } else if grew(|progress| progress.targets as usize) {
        Change::Planned
    } else {
        Change::None
    }
}
