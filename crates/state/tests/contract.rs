//! The contract suite on every dialect: SQLite in a file and in memory always, Postgres where
//! `PLIMSOLL_TEST_POSTGRES` names a server. Each test has a file or a schema of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use plimsoll_state::{State, connect, retrying};
use plimsoll_types::{ScanRequest, ScanState, Tenant};
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
async fn on_a_server() -> Fresh<String> {
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
    let url = format!("{url}{separator}options[search_path]={schema}&application_name={schema}");
    Some((connect(&url).await.expect("the schema opens"), schema))
}

plimsoll_state::contract_tests!(sqlite_file, in_a_file().await);
plimsoll_state::contract_tests!(sqlite_memory, in_memory().await);
plimsoll_state::contract_tests!(postgres, on_a_server().await);

/// A process that is killed and started again finds what it had promised.
#[tokio::test]
async fn a_file_that_is_opened_again_has_everything() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", directory.path().join("state.db").display());
    let request = ScanRequest::new(Tenant::default(), "registry.example/app:1");
    let first = connect(&url).await.expect("the file opens");
    let id = first.submit(&request, 1).await.expect("it is accepted").id;
    // Both are open: the first was not closed in an orderly way.
    let second = connect(&url).await.expect("the file opens");
    let found = second.get(&Tenant::default(), id).await.expect("it is read");
    assert_eq!(found.map(|progress| progress.scan.request), Some(request));
}

/// What is done by one process of a fleet is heard by the others.
#[tokio::test]
async fn bells_are_heard_in_other_processes() {
    let Some((here, schema)) = on_a_server().await else { return };
    let url = std::env::var("PLIMSOLL_TEST_POSTGRES").expect("it was there a moment ago");
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options[search_path]={schema}");
    let there = connect(&url).await.expect("the schema opens");
    let mut ends = there.ends();
    let request = ScanRequest::new(Tenant::default(), "registry.example/app:1");
    // Nothing tells when the other has begun to listen, and what it did not hear is not said again.
    let ringing = async {
        loop {
            let id = here.submit(&request, 1).await.expect("it is accepted").id;
            here.cancel(&Tenant::default(), id, 2).await.expect("it is cancelled");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            ended = ends.next() => ended,
            () = ringing => None,
        }
    });
    let scan = heard.await.expect("the bell is heard").expect("none was missed");
    let found = here.get(&Tenant::default(), scan).await.expect("it is read");
    assert_eq!(found.map(|found| found.scan.state), Some(ScanState::Cancelled));
}

/// A server that restarts, or a connection that is cut, costs a repeated call.
#[tokio::test]
async fn calls_whose_connections_are_lost_are_worth_repeating() {
    let Some((state, schema)) = on_a_server().await else { return };
    let request = ScanRequest {
        idempotency_key: Some("key".into()),
        ..ScanRequest::new(Tenant::default(), "registry.example/app:1")
    };
    let first = state.submit(&request, 1).await.expect("it is accepted");
    let url = std::env::var("PLIMSOLL_TEST_POSTGRES").expect("it was there a moment ago");
    let mut connection = PgConnection::connect(&url).await.expect("the server answers");
    // The name of the pool's connections is the schema's.
    let cut = sqlx::raw_sql(AssertSqlSafe(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'",
    )));
    cut.execute(&mut connection).await.expect("the connections are cut");
    let again = retrying(5, || state.submit(&request, 2)).await.expect("it is accepted");
    assert_eq!((again.id, again.created), (first.id, false));
}
