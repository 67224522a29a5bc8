//! The process that reads one layer after the other, and can die of one without harm to anybody else.

use std::time::Duration;

use plimsoll_fleet::worker::serve_child;
use plimsoll_fleet::{Engine, EngineLimits};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::args::JobArgs;
use super::{parts, stop};
use crate::failure::Failure;

/// The longest that a registry's Retry-After is waited for here. What is longer is for the worker to know, whose other
/// processes have to wait too.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(arguments: JobArgs) -> Result<(), Failure> {
    stop::left_to_the_parent()?;
    if let Some(mebibytes) = arguments.memory {
        let bytes = Some(mebibytes.saturating_mul(1 << 20));
        setrlimit(Resource::As, Rlimit { current: bytes, maximum: bytes })
            .map_err(|error| Failure::new("internal", format!("the memory limit cannot be set: {error}")))?;
    }
    let store = parts::store(&arguments.store.url).await?;
    let engine = Engine::new(store, EngineLimits::default());
    let map = parts::registry_map(&arguments.registries).await?;
    let mut registries = parts::registries(&arguments.registries, &map)?;
    registries.options.backoff.patience = PATIENCE;
    serve_child(&engine, &registries, tokio::io::stdin(), tokio::io::stdout())
        .await
        .map_err(|error| Failure::new("internal", format!("the pipe to the worker broke: {error}")))
}
