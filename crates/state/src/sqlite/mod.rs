//! SQLite: one file, one process, one writer.
//!
//! All writes go through one connection, so they queue here and not in SQLite, and each is a `BEGIN IMMEDIATE`
//! transaction: none has to be upgraded halfway, which SQLite may refuse. Readers have connections of their own and, with
//! the write-ahead log, wait for nobody. Another process (`plimsoll token create`) may use the file at the same
//! time; it waits for the busy timeout.

mod crawling;
mod crawls;
mod deliveries;
mod layers;
mod planning;
mod retained;
mod scans;
mod settling;
mod tags;
mod targets;
mod tokens;
mod upkeep;
mod verdicts;

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{SqlSafeStr, Transaction};

use crate::bells::Belfry;
use crate::{Bell, Bells, Ends, Error, Listener};

const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(10);

/// State in a file, or in memory.
pub(crate) struct Sqlite {
    read: SqlitePool,
    write: SqlitePool,
    /// Whoever shares the file is in this process.
    belfry: Belfry,
}

type Tx = Transaction<'static, sqlx::Sqlite>;

impl Sqlite {
    /// Opens `file`, or a database of its own in memory for `:memory:`.
    pub(crate) async fn open(file: &str) -> Result<Self, Error> {
        let in_memory = file == ":memory:";
        if !in_memory {
            make(file)?;
        }
        let options = if in_memory { SqliteConnectOptions::new().in_memory(true) } else { on_disk(file) };
        let pool = |size: u32| {
            // A database in memory is gone with its connection, so that one must never be replaced.
            SqlitePoolOptions::new()
                .max_connections(size)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let write = pool(1).connect_with(options.clone()).await?;
        migrator().run(&write).await?;
        let read = if in_memory {
            write.clone()
        } else {
            pool(READERS).connect_with(options.read_only(true).create_if_missing(false)).await?
        };
        Ok(Self { read, write, belfry: Belfry::default() })
    }

    /// Tells whoever judges that there are targets to judge.
    fn woken(&self, targets: u64) -> u64 {
        if targets > 0 {
            self.belfry.ring(Bell::Complete);
        }
        targets
    }

    /// A transaction that may write.
    async fn begin(&self) -> Result<Tx, Error> {
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
    }
}

impl Bells for Sqlite {
    fn listen(&self, bell: Bell) -> Listener {
        self.belfry.listen(bell)
    }

    fn ends(&self) -> Ends {
        self.belfry.ends()
    }
}

/// Makes the file if it is not there, for its owner alone: callbacks and labels are nobody else's business.
fn make(file: &str) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::File { file: file.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn on_disk(file: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        // What was promised is on the disk, also after a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
}

fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "first", include_str!("../../migrations/sqlite/0001_first.sql")),
        migration(2, "tags", include_str!("../../migrations/sqlite/0002_tags.sql")),
        migration(3, "crawls", include_str!("../../migrations/sqlite/0003_crawls.sql")),
    ])
}

/// Who gave a claimed row back, or whether nobody held it: one row or none.
fn changed(result: &sqlx::sqlite::SqliteQueryResult) -> bool {
    result.rows_affected() > 0
}

type Connection = SqliteConnection;
