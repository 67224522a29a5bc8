//! Each role with its parts.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_api::{Parts, Server, probe};
use plimsoll_deliver::Callbacks;
use plimsoll_fleet::aggregator::{self, Aggregator};
use plimsoll_fleet::coordinator::{self, Coordinator};
use plimsoll_fleet::worker::{self, Runner};
use plimsoll_fleet::{Engine, EngineLimits, Rulebook};
use plimsoll_oci::RegistryMap;
use plimsoll_queue::{Channel, Queue};
use plimsoll_state::{State, retrying};
use plimsoll_store::Store;
use plimsoll_telemetry::Metrics;
use plimsoll_types::Lane;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::args::{
    AggregatorArgs, ApiArgs, CallbackArgs, CoordinatorArgs, LeaseArgs, RegistryArgs, ServeArgs, WorkerArgs,
};
use super::health::{self, Health};
use super::triggers::Triggers;
use super::{callbacks, crawling, parts, rules, stop};
use crate::failure::Failure;

/// Bytes of decoded evidence an aggregator keeps: some hundreds of layers of an ordinary size.
const HOT_EVIDENCE: usize = 256 << 20;

/// `serve`: the three roles over a queue in memory. What was in it when the process died is found again in the state.
pub(super) async fn all(arguments: ServeArgs) -> Result<(), Failure> {
    let stop = stop::token()?;
    std::fs::create_dir_all(&arguments.data)
        .map_err(|error| Failure::new("data", format!("--data {}: {error}", arguments.data.display())))?;
    // Held until the end.
    let _lock = parts::lock(&arguments.data)?;
    let state = parts::state(&format!("sqlite:{}", arguments.data.join("state.db").display())).await?;
    let place = arguments.data.join("store").display().to_string();
    let store = parts::store(&place).await?;
    let queue = parts::queue("memory:").await?;
    let rules = rules::rules(arguments.rules, Arc::clone(&store)).await?;
    let runner: Arc<dyn Runner> = Arc::new(parts::pool(&place, &arguments.registries, &arguments.jobs)?);
    let fleet = Fleet { state, store, queue, metrics: Metrics::new() };

    let map = parts::registry_map(&arguments.registries).await?;
    let triggers = Triggers::new(&arguments.triggers, &map, &fleet.state, &fleet.metrics).await?;
    let server = fleet.server(&arguments.api, &triggers).await?;
    // Nobody else works here: what is claimed is so by a process that is dead.
    let now = (parts::clock())();
    retrying(3, || fleet.state.take_over(now))
        .await
        .map_err(|error| Failure::new("state", format!("--data {}: {error}", arguments.data.display())))?;
    let coordinator = fleet.coordinator(&arguments.registries, &map, &arguments.leases)?;
    let registries = parts::registries(&arguments.registries, &map)?;
    let crawler = crawling::crawler(&arguments.crawls, registries, &fleet.state)?;
    let aggregator = fleet.aggregator(rules, &arguments.leases);
    let callbacks = fleet.callbacks(&arguments.callbacks, &arguments.leases)?;
    let callbacks = callbacks::run(callbacks, stop.clone());
    let limits = parts::worker(&arguments.jobs);
    let counters = worker::Metrics::new(&fleet.metrics);
    let working = worker::run(&limits, Arc::clone(&fleet.queue), runner, counters, stop.clone());
    let triggered = triggers.run(stop.clone());
    let roles = async {
        tokio::join!(
            coordinator.run(stop.clone()),
            crawler.run(stop.clone()),
            aggregator.run(stop.clone()),
            working,
            callbacks,
            triggered
        );
    };
    Box::pin(until_stopped(answer(server, &stop), roles, &stop)).await
}

pub(super) async fn coordinator(arguments: CoordinatorArgs) -> Result<(), Failure> {
    let stop = stop::token()?;
    let fleet = Fleet {
        state: parts::state(&arguments.state.url).await?,
        store: parts::store(&arguments.store.url).await?,
        queue: parts::shared_queue(&arguments.queue.url).await?,
        metrics: Metrics::new(),
    };
    let map = parts::registry_map(&arguments.registries).await?;
    let triggers = Triggers::new(&arguments.triggers, &map, &fleet.state, &fleet.metrics).await?;
    let server = fleet.server(&arguments.api, &triggers).await?;
    let coordinator = fleet.coordinator(&arguments.registries, &map, &arguments.leases)?;
    let registries = parts::registries(&arguments.registries, &map)?;
    let crawler = crawling::crawler(&arguments.crawls, registries, &fleet.state)?;
    let roles = async {
        tokio::join!(coordinator.run(stop.clone()), crawler.run(stop.clone()), triggers.run(stop.clone()));
    };
    Box::pin(until_stopped(answer(server, &stop), roles, &stop)).await
}

pub(super) async fn worker(arguments: WorkerArgs) -> Result<(), Failure> {
    let stop = stop::token()?;
    // Opened here too, so that a store that cannot be reached is found out at the start.
    let store = parts::store(&arguments.store.url).await?;
    let queue = parts::shared_queue(&arguments.queue.url).await?;
    // Read by each process of a layer; what is wrong with it is found out here.
    parts::registry_map(&arguments.registries).await?;
    let runner = parts::pool(&arguments.store.url, &arguments.registries, &arguments.jobs)?;
    let limits = parts::worker(&arguments.jobs);
    let metrics = Metrics::new();
    let counters = worker::Metrics::new(&metrics);
    let jobs = health::queue(Arc::clone(&queue), Channel::layers(Lane::Interactive));
    let health = Health::bind(&arguments.http, vec![jobs, probe::store(store)], metrics).await?;
    tracing::info!(slots = limits.slots, "worker");
    let working = worker::run(&limits, queue, Arc::new(runner), counters, stop.clone());
    watched(health, working, &stop).await
}

pub(super) async fn aggregator(arguments: AggregatorArgs) -> Result<(), Failure> {
    let stop = stop::token()?;
    let fleet = Fleet {
        state: parts::state(&arguments.state.url).await?,
        store: parts::store(&arguments.store.url).await?,
        queue: parts::shared_queue(&arguments.queue.url).await?,
        metrics: Metrics::new(),
    };
    let rules = rules::rules(arguments.rules, Arc::clone(&fleet.store)).await?;
    let callbacks = fleet.callbacks(&arguments.callbacks, &arguments.leases)?;
    let aggregator = fleet.aggregator(rules, &arguments.leases);
    let probes = vec![
        probe::state(Arc::clone(&fleet.state)),
        health::queue(Arc::clone(&fleet.queue), Channel::results()),
        probe::store(Arc::clone(&fleet.store)),
    ];
    let health = Health::bind(&arguments.http, probes, fleet.metrics.clone()).await?;
    tracing::info!("aggregator");
    let roles = async {
        tokio::join!(aggregator.run(stop.clone()), callbacks::run(callbacks, stop.clone()));
    };
    Box::pin(watched(health, roles, &stop)).await
}

/// What all roles share.
struct Fleet {
    state: Arc<dyn State>,
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    metrics: Metrics,
}

impl Fleet {
    fn engine(&self) -> Engine {
        Engine::new(Arc::clone(&self.store), EngineLimits::default())
    }

    async fn server(&self, arguments: &ApiArgs, triggers: &Triggers) -> Result<Server, Failure> {
        let config = parts::api(arguments)?;
        let parts = Parts {
            metrics: self.metrics.clone(),
            webhooks: triggers.webhooks.clone(),
            ..Parts::new(Arc::clone(&self.state), Arc::clone(&self.store))
        };
        let server =
            Server::bind(config, parts).await.map_err(|error| Failure::new("listen", error.to_string()))?;
        let (grpc, http) = (server.grpc_address(), server.http_address());
        tracing::info!(?grpc, ?http, "listening");
        Ok(server)
    }

    fn coordinator(
        &self,
        registries: &RegistryArgs,
        map: &Arc<RegistryMap>,
        leases: &LeaseArgs,
    ) -> Result<Arc<Coordinator>, Failure> {
        let config = coordinator::Config {
            lease: leases.lease(),
            republish_after: Duration::from_secs(leases.republish_after),
            ..coordinator::Config::new(parts::holder())
        };
        Ok(Arc::new(Coordinator {
            turns: coordinator::Turns::default(),
            config,
            engine: self.engine(),
            registries: parts::registries(registries, map)?,
            state: Arc::clone(&self.state),
            queue: Arc::clone(&self.queue),
            clock: parts::clock(),
            metrics: coordinator::Metrics::new(&self.metrics),
        }))
    }

    fn callbacks(
        &self,
        arguments: &CallbackArgs,
        leases: &LeaseArgs,
    ) -> Result<Option<Arc<Callbacks>>, Failure> {
        let metrics = plimsoll_deliver::Metrics::new(&self.metrics);
        callbacks::callbacks(arguments, leases.lease(), &self.state, &self.store, metrics)
    }

    fn aggregator(&self, rules: watch::Receiver<Rulebook>, leases: &LeaseArgs) -> Arc<Aggregator> {
        let config = aggregator::Config { lease: leases.lease(), ..aggregator::Config::new(parts::holder()) };
        Arc::new(Aggregator {
            config,
            engine: self.engine().keeping_evidence(HOT_EVIDENCE),
            state: Arc::clone(&self.state),
            queue: Arc::clone(&self.queue),
            rules,
            clock: parts::clock(),
            metrics: aggregator::Metrics::new(&self.metrics),
        })
    }
}

/// Answers calls until `stop`.
async fn answer(server: Server, stop: &CancellationToken) -> Result<(), Failure> {
    let served = server.run(stop.clone().cancelled_owned()).await;
    served.map_err(|error| Failure::new("server", error.to_string()))
}

/// Health is told until the roles have ended, also while they finish what they hold.
async fn watched(
    health: Health,
    roles: impl Future<Output = ()>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let over = CancellationToken::new();
    let roles = async {
        roles.await;
        over.cancel();
    };
    until_stopped(health.run(over.clone()), roles, stop).await
}

/// Whatever answers and cannot go on stops the roles beside it.
async fn until_stopped(
    answering: impl Future<Output = Result<(), Failure>>,
    roles: impl Future<Output = ()>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let answering = async {
        let outcome = answering.await;
        stop.cancel();
        outcome
    };
    tokio::join!(answering, roles).0
}
