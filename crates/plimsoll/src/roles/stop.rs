//! When a role is told to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Cancelled by the first SIGTERM or SIGINT. The second one ends the process where it stands: every role can be
/// killed at any moment.
pub(super) fn token() -> Result<CancellationToken, Failure> {
    let failed = |error: std::io::Error| Failure::new("internal", format!("no signal handler: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(130);
            }
            tracing::info!("stopping; the next signal stops at once");
            told.cancel();
        }
    });
    Ok(token)
}
