//! The contract suite on every dialect: SQLite in a file and in memory always, Postgres where
//! `PLIMSOLL_TEST_POSTGRES` names a server. Each test has a file or a schema of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plimsoll_state::{State, connect};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

type Fresh<Guard> = Option<(Arc<dyn State>, Guard)>;

async fn in_a_file() -> Fresh<tempfile::TempDir> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("state.db");
    let state = connect(&format!("sqlite:{}", file.display())).await.expect("the file opens");
    Some((state, directory))
}

async fn in_memory() -> Fresh<()> {
    Some((connect("sqlite::memory:").await.expect("memory opens"), ()))
}

/// A schema of a test's own. The next run of a test with its number replaces it.
async fn on_a_server() -> Fresh<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("PLIMSOLL_TEST_POSTGRES") else {
        println!("skipped: PLIMSOLL_TEST_POSTGRES is not set to the URL of a PostgreSQL server");
        return None;
    };
    let schema = format!("contract_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&url).await.expect("the server answers");
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the schema is made");
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options[search_path]={schema}");
    Some((connect(&url).await.expect("the schema opens"), ()))
}

plimsoll_state::contract_tests!(sqlite_file, in_a_file().await);
plimsoll_state::contract_tests!(sqlite_memory, in_memory().await);
plimsoll_state::contract_tests!(postgres, on_a_server().await);
