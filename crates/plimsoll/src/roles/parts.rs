//! Concrete backends, by the URLs that name them.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_api::{Access, Config, Tls};
use plimsoll_fleet::worker::{ChildCommand, Pool};
use plimsoll_fleet::{Clock, Registries};
use plimsoll_http::{AddressPolicy, Client};
use plimsoll_oci::{EcrTokens, Options, RegistryMap};
use plimsoll_queue::Queue;
use plimsoll_state::State;
use plimsoll_store::Store;

use super::args::{ApiArgs, Credential, JobLimits, RegistryArgs};
use crate::failure::Failure;
use crate::inputs;

pub(super) async fn state(url: &str) -> Result<Arc<dyn State>, Failure> {
    plimsoll_state::connect(url).await.map_err(|error| Failure::new("state", format!("--state: {error}")))
}

pub(super) async fn store(url: &str) -> Result<Arc<dyn Store>, Failure> {
    plimsoll_store::open(url).await.map_err(|error| Failure::new("store", format!("--store: {error}")))
}

pub(super) async fn queue(url: &str) -> Result<Arc<dyn Queue>, Failure> {
    plimsoll_queue::open(url).await.map_err(|error| Failure::new("queue", format!("--queue: {error}")))
}

/// A store that is there.
pub(super) async fn existing_store(url: &str) -> Result<Arc<dyn Store>, Failure> {
    plimsoll_store::open_existing(url)
        .await
        .map_err(|error| Failure::new("store", format!("--store: {error}")))
}

/// Makes sure that no other process works in this directory, for as long as what is returned lives.
pub(super) fn lock(data: &Path) -> Result<File, Failure> {
    let failed = |why: String| Failure::new("data", format!("--data {}: {why}", data.display()));
    let path = data.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|error| failed(format!("the lock cannot be opened: {error}")))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(failed("another plimsoll serve works there".to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(format!("it cannot be locked: {error}"))),
    }
}

/// A queue between processes.
pub(super) async fn shared_queue(url: &str) -> Result<Arc<dyn Queue>, Failure> {
    if url.starts_with("memory:") {
        let message =
            "--queue: memory: is within one process, `plimsoll serve`; name a broker, amqp://… or sqs:…";
        return Err(Failure::new("queue", message));
    }
    queue(url).await
}

/// The clock of this machine.
pub(super) fn clock() -> Clock {
    Arc::new(|| Timestamp::now().as_millisecond())
}

/// A name among other processes of the same role.
pub(super) fn holder() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}/{}/{}", std::process::id(), Timestamp::now().as_millisecond())
}

/// What there is to say of registries.
pub(super) async fn registry_map(arguments: &RegistryArgs) -> Result<Arc<RegistryMap>, Failure> {
    let Some(place) = &arguments.map else { return Ok(Arc::default()) };
    let failed = |why: String| Failure::new("registries", format!("--registries {why}"));
    let text = inputs::configuration(place).await.map_err(failed)?;
    let map = RegistryMap::parse(&text).map_err(|error| failed(format!("{place}: {error}")))?;
    Ok(Arc::new(map))
}

/// Registries, behind the address guard.
pub(super) fn registries(arguments: &RegistryArgs, map: &Arc<RegistryMap>) -> Result<Registries, Failure> {
    let allow = |policy: AddressPolicy, network: &plimsoll_http::Network| policy.allow(*network);
    let policy = arguments.networks.iter().fold(AddressPolicy::public(), allow);
    let http = Client::new(plimsoll_http::Config { policy, ..plimsoll_http::Config::default() })
        .map_err(|error| Failure::new("internal", format!("no HTTP client: {error}")))?;
    let files = arguments.credentials.iter().cloned();
    Ok(Registries {
        credentials: files.map(|one| ((one.tenant, one.name), one.file)).collect(),
        map: Arc::clone(map),
        ecr: EcrTokens::default(),
        options: Options { http: Some(http), ..Options::default() },
    })
}

/// Processes of this program that read layers.
pub(super) fn pool(store: &str, registries: &RegistryArgs, limits: &JobLimits) -> Result<Pool, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new("internal", format!("this program cannot be found: {error}")))?;
    let mut arguments: Vec<OsString> = vec!["job".into(), "--store".into(), store.into()];
    arguments.extend(["--memory".into(), limits.job_memory.to_string().into()]);
    for Credential { tenant, name, file } in &registries.credentials {
        let tenant = tenant.as_ref().map(|tenant| format!("{tenant}/")).unwrap_or_default();
        let mut pair = OsString::from(format!("{tenant}{name}="));
        pair.push(file);
        arguments.extend(["--credential".into(), pair]);
    }
    if let Some(place) = &registries.map {
        arguments.extend(["--registries".into(), place.into()]);
    }
    for network in &registries.networks {
        arguments.extend(["--allow-network".into(), network.to_string().into()]);
    }
    Ok(Pool::new(ChildCommand { program, arguments }, limits.wall()))
}

/// How a worker works.
pub(super) fn worker(limits: &JobLimits) -> plimsoll_fleet::worker::Config {
    let default = plimsoll_fleet::worker::Config::default();
    plimsoll_fleet::worker::Config {
        slots: limits.slots.map_or(default.slots, NonZeroUsize::get),
        per_registry: limits.per_registry,
        grace: Duration::from_secs(limits.grace),
        ..default
    }
}

/// How the server listens.
pub(super) fn api(arguments: &ApiArgs) -> Result<Config, Failure> {
    let read = |file: &std::path::Path| {
        std::fs::read_to_string(file)
            .map_err(|error| Failure::new("tls", format!("{}: {error}", file.display())))
    };
    let mut config = Config::new(arguments.listen);
    config.http = Some(arguments.http);
    config.tls_terminated_elsewhere = arguments.tls_terminated_elsewhere;
    if let Some(tenant) = &arguments.open_access {
        config.access = Access::Open(tenant.clone());
    }
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        config.tls = Some(Tls {
            certificates: read(certificate)?,
            key: read(key)?,
            client_authority: arguments.tls_client_ca.as_deref().map(read).transpose()?,
        });
    }
    Ok(config)
}
