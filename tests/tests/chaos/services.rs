//! The services, each with a corner of its own for this run.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_queue::{Channel, Queue};
use plimsoll_store::{Key, Store};
use plimsoll_tests::faults::FaultProxy;
use plimsoll_types::{Digest, Lane};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::runtime::Runtime;

use crate::parameters::{Broker, Parameters};

/// Where the services are, and what of them is ours.
pub(crate) struct Services {
    pub(crate) runtime: Runtime,
    /// In front of the object store.
    pub(crate) faults: FaultProxy,
    pub(crate) state_url: String,
    pub(crate) store_url: String,
    pub(crate) queue_url: String,
    server_url: String,
    database: String,
    /// The store without anything in front of it.
    store: Arc<dyn Store>,
    pool: PgPool,
    /// For services.sh; none if the services are somebody else's.
    directory: Option<PathBuf>,
}

impl Services {
    /// What the environment names; none, with the reason printed, if something is missing.
    pub(crate) fn find(parameters: &Parameters) -> Option<Self> {
        let broker = match parameters.queue {
            Broker::Amqp => "PLIMSOLL_TEST_AMQP",
            Broker::Sqs => "PLIMSOLL_TEST_SQS",
        };
        let named = |name: &str| {
            let value = std::env::var(name).ok();
            if value.is_none() {
                println!("skipped: {name} names no service");
            }
            value
        };
        let (broker, server_url, s3) =
            (named(broker), named("PLIMSOLL_TEST_POSTGRES"), named("PLIMSOLL_TEST_S3"));
        let (broker, server_url, s3) = (broker?, server_url?, s3?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let own = format!("chaos-{}-{}", parameters.seed, std::process::id());
        let faults = FaultProxy::start(s3.trim_start_matches("http://"), parameters.seed).expect("a proxy");
        let queue_url = match parameters.queue {
            Broker::Amqp => format!("{broker}?prefix={own}"),
            Broker::Sqs => format!("sqs:{own}?endpoint={broker}&create=true&lease_ms=8000"),
        };
        let store_at = |endpoint: &str| format!("s3://plimsoll-test/{own}?endpoint={endpoint}");
        let store = runtime.block_on(plimsoll_store::open(&store_at(&s3))).expect("the object store opens");
        let database = own.replace('-', "_");
        let (state_url, pool) = runtime.block_on(database_of_its_own(&server_url, &database));
        let store_url = store_at(&faults.url());
        let directory = std::env::var_os("PLIMSOLL_TEST_SERVICES").map(PathBuf::from);
        Some(Self {
            runtime,
            faults,
            state_url,
            store_url,
            queue_url,
            server_url,
            database,
            store,
            pool,
            directory,
        })
    }

    /// Restarts a service of ours; false if it is somebody else's.
    pub(crate) fn restart(&self, service: &str) -> bool {
        let Some(directory) = &self.directory else { return false };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/dev/services.sh");
        let status = Command::new("sh")
            .args([script, "restart", service, "--dir"])
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("sh runs").success(), "{service} does not come back");
        true
    }

    /// One number from the database; none while it does not answer.
    pub(crate) fn number(&self, sql: &'static str) -> Option<i64> {
        let row = self.runtime.block_on(sqlx::query(sql).fetch_one(&self.pool));
        row.and_then(|row| row.try_get(0)).ok()
    }

    /// Who holds scans, images and callbacks.
    pub(crate) fn holders(&self) -> Vec<String> {
        let rows = self.rows(
            "SELECT holder FROM scans WHERE state = 'submitted' AND holder IS NOT NULL
             UNION ALL SELECT holder FROM targets WHERE waiting AND holder IS NOT NULL
             UNION ALL SELECT holder FROM deliveries WHERE state = 'pending' AND holder IS NOT NULL",
        );
        rows.unwrap_or_default().iter().filter_map(|row| row.try_get(0).ok()).collect()
    }

    /// Rows of texts and bytes; none while the database does not answer.
    pub(crate) fn rows(&self, sql: &'static str) -> Option<Vec<sqlx::postgres::PgRow>> {
        self.runtime.block_on(sqlx::query(sql).fetch_all(&self.pool)).ok()
    }

    /// A verdict's document, from the store itself.
    pub(crate) fn document(&self, digest: Digest) -> Option<Vec<u8>> {
        let found = self.runtime.block_on(self.store.get(&Key::Verdict(digest), None));
        found.expect("the object store answers").map(|bytes| bytes.to_vec())
    }

    /// Messages in all channels, dead letters among them.
    pub(crate) fn messages(&self) -> Messages {
        self.runtime.block_on(async {
            let queue = plimsoll_queue::open(&self.queue_url).await.expect("the URL is good");
            let channels = Lane::ALL.iter().copied().map(Channel::layers).chain([Channel::results()]);
            let mut messages = Messages::default();
            for channel in channels {
                messages.add(&*queue, &channel).await;
            }
            queue.close().await;
            messages
        })
    }
}

/// What the broker has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Messages {
    /// Waiting and leased.
    pub(crate) alive: u64,
    pub(crate) dead: u64,
}

impl Messages {
    async fn add(&mut self, queue: &dyn Queue, channel: &Channel) {
        let depth = queue.depth(channel).await.expect("the broker counts");
        let dead =
            queue.receive_dead(channel, 10, Duration::from_millis(100)).await.expect("the broker answers");
        self.alive += depth.ready + depth.leased;
        self.dead += dead.len() as u64;
    }
}

async fn database_of_its_own(server_url: &str, database: &str) -> (String, PgPool) {
    let mut connection = PgConnection::connect(server_url).await.expect("PostgreSQL answers");
    let sql = format!("CREATE DATABASE {database}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a database is made");
    let (server, _) = server_url.rsplit_once('/').expect("the URL names a database");
    let url = format!("{server}/{database}");
    let options = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(2));
    let pool = options.connect_lazy(&url).expect("the URL is good");
    (url, pool)
}

impl Drop for Services {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database);
        self.runtime.block_on(async {
            self.pool.close().await;
            if let Ok(mut connection) = PgConnection::connect(&self.server_url).await {
                // What is left behind goes with the services.
                let _left = sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await;
            }
        });
    }
}
