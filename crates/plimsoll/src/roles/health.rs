//! Health, readiness and metrics of roles that listen for nothing else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_api::probe::{self, Probe};
use plimsoll_queue::{Channel, Queue};
use plimsoll_telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::args::HttpArgs;
use crate::failure::Failure;

/// The longest an exit waits for somebody who reads an answer slowly.
const GRACE: Duration = Duration::from_secs(1);

/// What answers over HTTP, if anything does.
pub(super) struct Health {
    listener: Option<TcpListener>,
    probes: Vec<Arc<dyn Probe>>,
    metrics: Metrics,
}

impl Health {
    /// Listens where the arguments say. The process is ready if all `probes` find what they look for.
    pub(super) async fn bind(
        arguments: &HttpArgs,
        probes: Vec<Arc<dyn Probe>>,
        metrics: Metrics,
    ) -> Result<Self, Failure> {
        let listener = match arguments.address {
            Some(address) => Some(probe::listen(address).await.map_err(failed)?),
            None => None,
        };
        let http = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        if http.is_some() {
            tracing::info!(?http, "listening");
        }
        Ok(Self { listener, probes, metrics })
    }

    /// Answers until `over`, and then whoever is being answered, for a moment.
    pub(super) async fn run(self, over: CancellationToken) -> Result<(), Failure> {
        let Some(listener) = self.listener else {
            over.cancelled().await;
            return Ok(());
        };
        let serving = probe::serve(listener, self.probes, self.metrics, over.clone().cancelled_owned());
        let cut = async {
            over.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = serving => served.map_err(failed),
            () = cut => Ok(()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
fn failed(error: plimsoll_api::Error) -> Failure {
    Failure::new("listen", format!("--http: {error}"))
}

/// Whether the queue can be reached: how much lies in a channel of it is an answer.
pub(super) fn queue(queue: Arc<dyn Queue>, channel: Channel) -> Arc<dyn Probe> {
    Arc::new(QueueProbe { queue, channel })
}

struct QueueProbe {
    queue: Arc<dyn Queue>,
    channel: Channel,
}

#[async_trait]
impl Probe for QueueProbe {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn check(&self) -> Result<(), String> {
        self.queue.depth(&self.channel).await.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::Lane;

    use super::*;

    #[tokio::test]
    async fn a_queue_that_is_closed_is_not_there() {
        let memory = plimsoll_queue::open("memory:").await.unwrap();
        let probe = queue(Arc::clone(&memory), Channel::layers(Lane::Interactive));
        assert_eq!(probe.check().await, Ok(()));
        memory.close().await;
        assert!(probe.check().await.is_err());
    }
}
