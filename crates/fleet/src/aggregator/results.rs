//! Results in: each settles its layer, then whoever waited for it is woken, then it is acknowledged.

use std::collections::BTreeSet;
use std::time::Duration;

use plimsoll_proto::decode_layer_result;
use plimsoll_queue::{Channel, Delivery};
use plimsoll_state::{LayerKey, Settled};
use plimsoll_telemetry::{extract, failpoint};
use plimsoll_types::{LayerResult, Tenant};
use tracing::Instrument as _;

use super::Aggregator;
use crate::{Error, job, wait};

/// How long one look for results waits.
const WAIT: Duration = Duration::from_secs(1);

impl Aggregator {
    pub(super) async fn take_results(&self) {
        let mut failures = 0;
        loop {
            let taken = match self.queue.receive(&Channel::results(), self.config.batch, WAIT).await {
                Ok(deliveries) => self.take(deliveries).await,
                Err(error) => Err(error.into()),
            };
            match taken {
                Ok(()) => failures = 0,
                Err(error) => {
                    // What was not acknowledged comes back.
                    failures += 1;
                    tracing::warn!(%error, "results could not be taken in");
                    wait::after(failures).await;
                }
            }
        }
    }

    async fn take(&self, deliveries: Vec<Delivery>) -> Result<(), Error> {
        let mut settled = BTreeSet::new();
        let mut taken = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            match read(&delivery) {
                Ok((tenant, result)) => {
                    let span = tracing::info_span!("settle", layer = %result.digest);
                    extract(&delivery.message.headers).adopt(&span);
                    let settling = self.state.settle(&tenant, &result, (self.clock)());
                    let what = settling.instrument(span).await?;
                    self.metrics.settled(&what);
                    if let Settled::As(_) = what {
                        settled.insert(LayerKey { tenant, digest: result.digest });
                    }
                    taken.push(delivery);
                }
                Err(why) => {
                    tracing::error!(why, "a result nobody can read");
                    self.metrics.unreadable();
                    delivery.dead_letter(&why).await?;
                }
            }
        }
        failpoint!("result/fold");
        let settled: Vec<LayerKey> = settled.into_iter().collect();
        self.state.wake(&settled).await?;
        for delivery in taken {
            delivery.ack().await?;
        }
        Ok(())
    }
}

fn read(delivery: &Delivery) -> Result<(Tenant, LayerResult), String> {
    let tenant = job::tenant(&delivery.message.headers).ok_or("a result without a tenant")?;
    let result = decode_layer_result(&delivery.message.body).map_err(|error| error.to_string())?;
    Ok((tenant, result))
}
