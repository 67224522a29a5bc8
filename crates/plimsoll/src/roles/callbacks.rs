//! Callbacks, if something signs them.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_deliver::{Callbacks, Config, Metrics, Secret, Secrets};
use plimsoll_state::State;
use plimsoll_store::Store;
use tokio_util::sync::CancellationToken;

use super::args::CallbackArgs;
use super::parts;
use crate::failure::Failure;

/// What posts callbacks; `None` if there is no secret. Then what is owed waits for a process that has one.
pub(super) fn callbacks(
    arguments: &CallbackArgs,
    lease: Duration,
    state: &Arc<dyn State>,
    store: &Arc<dyn Store>,
    metrics: Metrics,
) -> Result<Option<Arc<Callbacks>>, Failure> {
    let secrets = secrets(arguments)?;
    if secrets.is_empty() {
        tracing::info!("callbacks are not posted by this process: it has no --callback-secret");
        return Ok(None);
    }
    let client = plimsoll_deliver::client(&arguments.callback_networks)
        .map_err(|error| Failure::new("internal", format!("no HTTP client: {error}")))?;
    Ok(Some(Arc::new(Callbacks {
        config: Config { lease, ..Config::new(parts::holder()) },
        state: Arc::clone(state),
        store: Arc::clone(store),
        client,
        secrets,
        clock: parts::clock(),
        metrics,
    })))
}

/// Posts until `stop`.
pub(super) async fn run(callbacks: Option<Arc<Callbacks>>, stop: CancellationToken) {
    if let Some(callbacks) = callbacks {
        // Boxed, since it would be a large part of the future of everything a process does.
        Box::pin(callbacks.run(stop)).await;
    }
}

fn secrets(arguments: &CallbackArgs) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    for (tenant, file) in &arguments.callback_secrets {
        let failed =
            |why: String| Failure::new("secret", format!("--callback-secret {}: {why}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let secret: Secret = text.parse().map_err(|error| failed(format!("{error}")))?;
        secrets.add(tenant.clone(), secret);
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &std::path::Path) -> Result<Secrets, String> {
        let arguments =
            CallbackArgs { callback_secrets: vec![(None, file.into())], callback_networks: Vec::new() };
        secrets(&arguments).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_secret_comes_from_a_file_and_a_mistake_names_the_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        std::fs::write(&file, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n").unwrap();
        assert!(!of(&file).unwrap().is_empty());
        std::fs::write(&file, "hunter2\n").unwrap();
        let mistake = of(&file).unwrap_err();
        assert!(mistake.contains("openssl") && mistake.contains("/secret"), "{mistake}");
        assert!(!mistake.contains("hunter2"), "{mistake}");
        assert!(of(&directory.path().join("none")).unwrap_err().contains("/none"));
    }
}
