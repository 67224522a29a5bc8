//! Publishing layers, and finding those that were lost on the way.

use std::time::{Duration, Instant};

use plimsoll_queue::{Channel, Message};
use plimsoll_state::{Due, WantedLayer};
use plimsoll_types::{Lane, LayerOutcome, LayerResult};
use tracing::Instrument as _;

use super::Coordinator;
use crate::{Error, job, worker};

/// What a layer waits for in a lane that is never empty before it is published once more, in multiples of
/// [`Config::republish_after`]: its message may be far behind.
const PATIENT: i64 = 30;

/// Layers handed out at once by the reconciler.
const RECONCILE_BATCH: u32 = 500;

impl Coordinator {
    /// Publishes layers, each in its lane. What cannot be published is found again by [`Self::reconcile`].
    pub(super) async fn publish(&self, wanted: Vec<WantedLayer>, message: fn(&WantedLayer) -> Message) {
        for lane in Lane::ALL.iter().copied() {
            let of_lane: Vec<_> = wanted.iter().filter(|layer| layer.lane == lane).cloned().collect();
            if of_lane.is_empty() {
                continue;
            }
            let span = tracing::info_span!("publish", %lane, layers = of_lane.len());
            let messages = span.in_scope(|| of_lane.iter().map(message).collect());
            if let Err(error) = self.queue.publish(&Channel::layers(lane), messages).instrument(span).await {
                tracing::warn!(%error, %lane, layers = of_lane.len(), "layers could not be published");
                continue;
            }
            if let Err(error) = self.state.mark_published(&of_lane, (self.clock)()).await {
                tracing::warn!(%error, "published layers could not be marked; they may be published twice");
            }
        }
    }

    /// Publishes again what was lost on the way, and what waits for another attempt.
    pub(super) async fn reconcile(&self) {
        let mut thorough = Instant::now();
        loop {
            tokio::time::sleep(self.config.reconcile).await;
            let is_thorough = thorough.elapsed() >= self.config.republish_after;
            if is_thorough {
                thorough = Instant::now();
            }
            if let Err(error) = self.reconcile_once(is_thorough).await {
                tracing::warn!(%error, "could not reconcile");
            }
        }
    }

    async fn reconcile_once(&self, is_thorough: bool) -> Result<(), Error> {
        let now = (self.clock)();
        let (mut silent, mut busy) = (Vec::new(), Vec::new());
        for lane in Lane::ALL.iter().copied() {
            // A layer counts as lost only when there is no message left that could be it.
            let depth = self.queue.depth(&Channel::layers(lane)).await?;
            self.metrics.depth(lane, depth);
            if depth.ready == 0 && depth.leased == 0 { silent.push(lane) } else { busy.push(lane) }
        }
        let lost_before = now - self.config.republish_after.as_millis() as i64;
        // Where others wait, looking for what was lost is a look at all of them: that is done less often.
        let (patient, unpublished) = if is_thorough {
            (now - PATIENT * self.config.republish_after.as_millis() as i64, lost_before)
        } else {
            (i64::MIN, i64::MIN)
        };
        for (lanes, asked_before, unpublished_before) in
            [(&silent, lost_before, lost_before), (&busy, patient, unpublished)]
        {
            if lanes.is_empty() {
                continue;
            }
            let due = Due { lanes, asked_before, unpublished_before };
            let mut wanted = self.state.due(&due, RECONCILE_BATCH, now).await?;
            let mut settled = Vec::new();
            let mut looking = true;
            for layer in std::mem::take(&mut wanted) {
                let found = if looking { self.in_store(&layer).await } else { Ok(None) };
                match found {
                    Ok(Some(result)) => {
                        self.state.settle(&layer.tenant, &result, now).await?;
                        settled.push(layer.key());
                    }
                    Ok(None) => wanted.push(layer),
                    // They count as asked for from now on, so they are published now or much later. Whoever takes
                    // them looks into the store too.
                    Err(error) => {
                        tracing::warn!(%error, "layers are published again without a look into the store");
                        looking = false;
                        wanted.push(layer);
                    }
                }
            }
            self.state.wake(&settled).await?;
            self.metrics.republished(wanted.len());
            self.publish(wanted, job::message_again).await;
        }
        Ok(())
    }

    /// The result that was lost, if the evidence is there and this tenant brought it.
    async fn in_store(&self, layer: &WantedLayer) -> Result<Option<LayerResult>, Error> {
        if layer.shared {
            return Ok(None);
        }
        let (digest, attempt) = (layer.job.digest, layer.job.attempt);
        let known = worker::known(&self.engine, digest).await?;
        Ok(known.map(|done| LayerResult {
            digest,
            attempt,
            outcome: LayerOutcome::Done(done),
            elapsed: Duration::ZERO,
        }))
    }
}
