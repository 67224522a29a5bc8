//! How much waits, for those who watch the fleet.

use super::Coordinator;

impl Coordinator {
    /// Counts what waits, now and then. It is a question to the database, so it is asked only if somebody counts.
    pub(super) async fn measure(&self) {
        while self.metrics.is_on() {
            match self.state.backlog().await {
                Ok(backlog) => self.metrics.backlog(&backlog),
                Err(error) => tracing::warn!(%error, "what waits could not be counted"),
            }
            tokio::time::sleep(self.config.measure).await;
        }
    }
}
