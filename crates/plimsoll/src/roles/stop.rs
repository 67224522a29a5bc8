//! When a role is told to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// From now on no signal but those that cannot be caught ends this process: a service manager that stops a worker
/// often signals all of its group, and what becomes of a layer under way is the worker's to say.
pub(super) fn left_to_the_parent() -> Result<(), Failure> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        // What was once listened to never acts by itself again.
        drop(signal(kind).map_err(|error| failed(&error))?);
    }
    Ok(())
}

/// Cancelled by the first SIGTERM or SIGINT. The second one ends the process where it stands: every role can be
/// killed at any moment.
pub(super) fn token() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
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

fn failed(error: &std::io::Error) -> Failure {
    Failure::new("internal", format!("no signal handler: {error}"))
}
