//! Postgres: any number of processes.
//!
//! Isolation is read committed, Postgres' default. What must not change while it is decided upon is locked by row, and
//! several rows in the order of their keys; claims skip what another claimer has locked. Where two transactions do deadlock,
//! Postgres ends one, and its caller repeats it.

mod bells;
mod claims;
mod crawling;
mod crawls;
mod deliveries;
mod judging;
mod layers;
mod planning;
mod recording;
mod retained;
mod scans;
mod settling;
mod tags;
mod targets;
mod tokens;
mod upkeep;
mod verdicts;

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgQueryResult};
use sqlx::{Connection as _, SqlSafeStr, Transaction};

use crate::rows::raw;
use crate::{Bell, Error};
use bells::Tower;

const CONNECTIONS: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(15);

/// State on a server.
pub(crate) struct Postgres {
    pool: PgPool,
    tower: Tower,
}

type Connection = PgConnection;
type Tx = Transaction<'static, sqlx::Postgres>;

impl Postgres {
    /// Connects to the server, which has to be there.
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Error::Url(format!("this postgres URL cannot be read: {error}")))?;
        migrate(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| Box::pin(async move { bound(connection).await }))
            .connect_with(options)
            .await?;
        Ok(Self { tower: Tower::build(&pool).await?, pool })
    }

    /// Tells whoever judges that there are targets to judge.
    fn woken(&self, targets: u64) -> u64 {
        if targets > 0 {
            self.tower.ring(Bell::Complete);
        }
        targets
    }

    async fn begin(&self) -> Result<Tx, Error> {
        Ok(self.pool.begin().await?)
    }
}

/// Brings the database to this version's schema. Processes that start together wait for the first of them, longer than
/// anything else waits here.
async fn migrate(options: &PgConnectOptions) -> Result<(), Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    let patience = "SET statement_timeout = '5min'; SET lock_timeout = '5min'";
    sqlx::raw_sql(patience).execute(&mut connection).await?;
    migrator().run(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Nothing here takes long: what does is stuck, or forgotten by a process that froze, and must not block others.
///
/// Statements are few, short and by index, so each is planned once. Planning it anew for arrays of other lengths, as Postgres
/// does unasked, costs more than running it, and compiling it still more.
async fn bound(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';
         SET plan_cache_mode = force_generic_plan; SET jit = off",
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "first", include_str!("../../migrations/postgres/0001_first.sql")),
        migration(2, "tags", include_str!("../../migrations/postgres/0002_tags.sql")),
        migration(3, "crawls", include_str!("../../migrations/postgres/0003_crawls.sql")),
    ])
}

/// Whether the row was there to be changed.
fn changed(result: &PgQueryResult) -> bool {
    result.rows_affected() > 0
}

/// Digests as an array.
fn raws<'a>(digests: impl IntoIterator<Item = &'a plimsoll_types::Digest>) -> Vec<Vec<u8>> {
    digests.into_iter().map(raw).collect()
}
