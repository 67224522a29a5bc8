//! The stream of a tenant's verdicts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use plimsoll_proto::v1;
use plimsoll_state::{State, Verdict};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Status;

use crate::access::Caller;
use crate::watches::Admission;
use crate::{convert, status};

/// Between two looks at a stream that has nothing new.
const PAUSE: Duration = Duration::from_millis(200);
/// Between two tries while the state cannot be reached.
const TROUBLE: Duration = Duration::from_secs(1);
/// Between two looks at the token of whoever reads: as long as one that was revoked is good for at most.
const CONFIRM: Duration = Duration::from_secs(10);
/// Verdicts read at a time, and held for a reader that is slow.
const BATCH: u32 = 100;

/// What a stream holds.
pub(super) struct Reader {
    pub(super) state: Arc<dyn State>,
    pub(super) caller: Caller,
    pub(super) shutdown: watch::Receiver<bool>,
    pub(super) deadline: Option<Instant>,
    pub(super) _admission: Admission,
}

/// The messages after `cursor`; without one, those from now on. A cursor out of range is an error before the stream
/// begins, so that the call itself fails.
pub(super) async fn read(
    reader: Reader,
    cursor: Option<u64>,
) -> Result<impl Stream<Item = Result<v1::WatchVerdictsResponse, Status>> + Send, Status> {
    let cursor = match cursor {
        Some(cursor) => cursor,
        None => {
            reader.state.range(&reader.caller.tenant).await.map_err(|error| status::of_state(&error))?.newest
        }
    };
    let mut place = Place { reader, cursor, ahead: VecDeque::new(), confirmed: Instant::now() };
    place.look().await.map_err(|error| status::of_state(&error))?;
    Ok(futures_util::stream::unfold(Some(place), |place| async move {
        let mut place = place?;
        match place.next().await {
            Ok(message) => Some((Ok(message), Some(place))),
            Err(status) => Some((Err(status), None)),
        }
    }))
}

struct Place {
    reader: Reader,
    /// The number of the last verdict that was read, told or not.
    cursor: u64,
    ahead: VecDeque<Verdict>,
    /// When the token was looked up last.
    confirmed: Instant,
}

impl Place {
    async fn next(&mut self) -> Result<v1::WatchVerdictsResponse, Status> {
        loop {
            if *self.reader.shutdown.borrow() {
                return Err(status::shutting_down());
            }
            if self.confirmed.elapsed() >= CONFIRM {
                self.reader.caller.confirm(&self.reader.state).await?;
                self.confirmed = Instant::now();
            }
            if let Some(verdict) = self.ahead.pop_front() {
                let cursor = verdict.sequence.unwrap_or(self.cursor);
                return Ok(v1::WatchVerdictsResponse { cursor, verdict: Some(convert::verdict(&verdict)) });
            }
            match self.look().await {
                Ok(()) if self.ahead.is_empty() => self.rest(PAUSE).await?,
                Ok(()) => {}
                Err(error) if error.retry().is_retryable() => {
                    tracing::warn!(%error, "a stream of verdicts could not be read");
                    self.rest(TROUBLE).await?;
                }
                Err(error) => return Err(status::of_state(&error)),
            }
        }
    }

    async fn look(&mut self) -> Result<(), plimsoll_state::Error> {
        let Reader { state, caller, .. } = &self.reader;
        self.ahead = state.after(&caller.tenant, self.cursor, BATCH).await?.into();
        self.cursor = self.ahead.back().and_then(|verdict| verdict.sequence).unwrap_or(self.cursor);
        Ok(())
    }

    async fn rest(&mut self, pause: Duration) -> Result<(), Status> {
        let Reader { shutdown, deadline, .. } = &mut self.reader;
        let wake = Instant::now() + pause;
        let until = deadline.map_or(wake, |deadline| wake.min(deadline));
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            _ = shutdown.wait_for(|over| *over) => return Err(status::shutting_down()),
        }
        match deadline {
            Some(deadline) if *deadline <= Instant::now() => Err(status::deadline_exceeded()),
            _ => Ok(()),
        }
    }
}
