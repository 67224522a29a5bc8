//! The loop: what is due is claimed, written down, signed, posted, and marked.

use std::sync::Arc;
use std::time::Instant;

use plimsoll_http::Client;
use plimsoll_state::{ClaimedDelivery, State, retrying};
use plimsoll_store::Store;
use plimsoll_telemetry::{Parent, failpoint};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::compose::{self, compose};
use crate::outcome::{Next, Outcome};
use crate::post::{Signed, post};
use crate::{Clock, Config, Metrics, Secrets};

/// Bodies written at the same time: each has a verdict document in memory meanwhile.
const WRITERS: usize = 4;
/// Attempts to mark what became of a delivery.
const MARKS: u32 = 6;

/// Whoever posts callbacks. Any number of them may, in as many processes.
pub struct Callbacks {
    /// How it works.
    pub config: Config,
    /// Where deliveries are, and what they tell.
    pub state: Arc<dyn State>,
    /// Where verdict documents are.
    pub store: Arc<dyn Store>,
    /// How receivers are reached: [`crate::client`].
    pub client: Client,
    /// What signs.
    pub secrets: Secrets,
    /// What time it is.
    pub clock: Clock,
    /// What it counts.
    pub metrics: Metrics,
}

impl Callbacks {
    /// Works until `stop`, and then as long as posts under way take, but no longer than the grace. What is still held
    /// then is claimed again when its lease ends.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut at_work = JoinSet::new();
        stop.run_until_cancelled(Arc::clone(&self).post_due(&mut at_work)).await;
        let finished = async { while at_work.join_next().await.is_some() {} };
        if tokio::time::timeout(self.config.grace, finished).await.is_err() {
            tracing::info!(left = at_work.len(), "callbacks under way are left to the next one");
        }
    }

    async fn post_due(self: Arc<Self>, at_work: &mut JoinSet<()>) {
        let writers = Arc::new(Semaphore::new(WRITERS));
        loop {
            while at_work.try_join_next().is_some() {}
            let free = self.config.slots.max(1).saturating_sub(at_work.len());
            if free == 0 {
                at_work.join_next().await;
                continue;
            }
            let due = self.claim(u32::try_from(free).unwrap_or(u32::MAX)).await;
            let more = due.len() == free;
            for delivery in due {
                let (this, writers) = (Arc::clone(&self), Arc::clone(&writers));
                at_work.spawn(async move { this.deliver(&delivery, &writers).await });
            }
            if !more {
                // Scans end in other processes, so it has to be looked for.
                tokio::time::sleep(self.config.idle).await;
            }
        }
    }

    async fn claim(&self, max: u32) -> Vec<ClaimedDelivery> {
        let lease = self.config.lease.as_millis() as i64;
        let claim = || self.state.claim_deliveries(&self.config.holder, lease, max, (self.clock)());
        match retrying(MARKS, claim).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "no callbacks can be claimed");
                Vec::new()
            }
        }
    }

    /// One attempt, in the trace of its scan.
    async fn deliver(&self, delivery: &ClaimedDelivery, writers: &Semaphore) {
        failpoint!("commit/deliver");
        let attempt = delivery.attempts.saturating_add(1);
        let span = tracing::info_span!("callback", scan = %delivery.scan, tenant = %delivery.tenant, attempt);
        Parent::of_trace(&delivery.scan.to_string()).adopt(&span);
        async {
            let began = Instant::now();
            let outcome = match self.attempt(delivery, writers).await {
                Ok(outcome) => outcome,
                Err(error) => match error.outcome() {
                    Some(outcome) => outcome,
                    None => return tracing::warn!(%error, "a callback cannot be written now"),
                },
            };
            self.metrics.attempted(&outcome, began.elapsed());
            self.mark(delivery, outcome.next(delivery.attempts, &self.config)).await;
        }
        .instrument(span)
        .await;
    }

    async fn attempt(
        &self,
        delivery: &ClaimedDelivery,
        writers: &Semaphore,
    ) -> Result<Outcome, compose::Error> {
        let body = {
            // It is never closed; if it were, the bound would be gone and nothing else.
            let _writer = writers.acquire().await;
            compose(self.state.as_ref(), self.store.as_ref(), delivery, self.config.reasons).await?
        };
        let seconds = (self.clock)().div_euclid(1000);
        let signed = self.secrets.sign(&delivery.tenant, &delivery.scan.to_string(), seconds, &body);
        let Some(signature) = signed else {
            let reason = format!("no secret signs callbacks of tenant {}; add one", delivery.tenant);
            return Ok(Outcome::Away { reason, after: None });
        };
        let signed = Signed { seconds, signature, body };
        Ok(post(&self.client, delivery, signed, self.config.timeout).await)
    }

    async fn mark(&self, delivery: &ClaimedDelivery, next: Next) {
        let (state, holder) = (&self.state, self.config.holder.as_str());
        let (scan, now) = (delivery.scan, (self.clock)());
        let marked = match &next {
            Next::Delivered => {
                failpoint!("2xx/mark");
                tracing::info!("delivered");
                retrying(MARKS, || state.delivered(scan, now)).await
            }
            Next::Again(delay, reason) => {
                tracing::warn!(reason, seconds = delay.as_secs(), "not delivered; it is tried again");
                let wait = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
                let at = now.saturating_add(wait);
                retrying(MARKS, || state.postpone_delivery(scan, holder, at, reason)).await
            }
            Next::Dead(reason) => {
                tracing::warn!(reason, "not delivered; given up");
                retrying(MARKS, || state.dead(scan, holder, reason, now)).await
            }
        };
        match marked {
            Ok(true) => self.metrics.kept(&next),
            Ok(false) => tracing::info!("somebody else has it by now"),
            Err(error) => tracing::warn!(%error, "what became of it cannot be kept; it is posted again"),
        }
    }
}

#[cfg(test)]
mod tests;
