//! Where the roles of one test meet: names in real services that no other test has.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// URLs for `PLIMSOLL_STATE`, `PLIMSOLL_STORE` and `PLIMSOLL_QUEUE`.
///
/// The schema goes with this; objects and queues stay until the services go. Deleting many queues that dead-letter at
/// least once ends the supervisor of dead letters in RabbitMQ 3.10 for good, and then the broker makes no new ones.
pub(crate) struct Places {
    pub(crate) state: String,
    pub(crate) store: String,
    pub(crate) queue: String,
    postgres: String,
    schema: String,
}

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    RabbitMq,
    Sqs,
}

impl Places {
    /// Places in the services that the environment names; says what is missing if there are none.
    pub(crate) fn make(broker: Broker) -> Option<Self> {
        match Self::try_make(broker) {
            Ok(places) => Some(places),
            Err(why) => {
                println!("skipped: {why}; `infra/dev/services.sh up` starts one");
                None
            }
        }
    }

    fn try_make(broker: Broker) -> Result<Self, String> {
        let name = unique();
        let postgres = named("PLIMSOLL_TEST_POSTGRES", "PostgreSQL server")?;
        let s3 = named("PLIMSOLL_TEST_S3", "S3 server")?;
        let queue = match broker {
            Broker::RabbitMq => format!("{}?prefix={name}", named("PLIMSOLL_TEST_AMQP", "RabbitMQ")?),
            Broker::Sqs => {
                let endpoint = named("PLIMSOLL_TEST_SQS", "service that speaks the protocol of SQS")?;
                format!("sqs:{name}?endpoint={endpoint}&region=us-east-1&create=true&lease_ms=6000")
            }
        };
        let schema = name.replace('-', "_");
        runtime().block_on(sql(&postgres, &format!("CREATE SCHEMA {schema}"))).expect("a schema");
        let separator = if postgres.contains('?') { '&' } else { '?' };
        Ok(Self {
            state: format!("{postgres}{separator}options[search_path]={schema}"),
            store: format!("s3://plimsoll-test/fleet/{name}?endpoint={s3}"),
            queue,
            postgres,
            schema,
        })
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let dropped =
            runtime().block_on(sql(&self.postgres, &format!("DROP SCHEMA {} CASCADE", self.schema)));
        // A test that has failed may have failed because the server is gone.
        if !std::thread::panicking() {
            dropped.expect("the schema is dropped");
        }
    }
}

fn named(variable: &str, what: &str) -> Result<String, String> {
    std::env::var(variable).map_err(|_| format!("{variable} names no {what}"))
}

/// A name of letters, digits and hyphens that nobody else has.
fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
    format!("test-{now:x}-{:x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn sql(server: &str, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.map(drop)
}
