//! [`Bells`] in Postgres: in this process at once, in others by NOTIFY.
//!
//! A notification is a statement of its own, after the commit it speaks of. As part of that transaction it would make
//! commits wait for each other, since Postgres orders notifications by a lock that is held until the disk has answered; as
//! a transaction that writes nothing it costs no flush at all.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plimsoll_types::ScanId;
use sqlx::postgres::{PgListener, PgPool};
use sqlx::{Row, query};
use tokio::sync::{mpsc, watch};

use super::Postgres;
use crate::bells::Belfry;
use crate::{Bell, Bells, Ends, Error, Listener};

/// Every fleet of a database uses it; what is said names the schema.
const CHANNEL: &str = "plimsoll";
/// What waits to be told. Beyond it nothing is told, and those who listen find out when they look.
const WAITING: usize = 1024;
/// Told in one statement, far below the 8,000 bytes of one notification.
const TOGETHER: usize = 64;
/// Before another try to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Bells of this process, and the way to those of others.
pub(super) struct Tower {
    belfry: Arc<Belfry>,
    out: mpsc::Sender<String>,
    /// Dropped with the state, which ends who listens for it.
    alive: watch::Sender<()>,
    listening: OnceLock<()>,
    schema: String,
    /// Who speaks, so that nobody listens to himself.
    origin: String,
}

impl Tower {
    pub(super) async fn build(pool: &PgPool) -> Result<Self, Error> {
        let row = query("SELECT COALESCE(current_schema(), '') AS schema").fetch_one(pool).await?;
        let (out, told) = mpsc::channel(WAITING);
        tokio::spawn(tell(pool.clone(), told));
        Ok(Self {
            belfry: Arc::default(),
            out,
            alive: watch::Sender::default(),
            listening: OnceLock::new(),
            schema: row.try_get("schema")?,
            origin: format!("{:016x}", fastrand::u64(..)),
        })
    }

    /// Work that somebody in this process takes up need not be told to others.
    pub(super) fn ring(&self, bell: Bell) {
        if !self.belfry.ring(bell) {
            self.say(match bell {
                Bell::Submitted => "submitted",
                Bell::Complete => "complete",
            });
        }
    }

    /// Whoever follows the scan may be anywhere.
    pub(super) fn ended(&self, scan: ScanId) {
        self.belfry.ended(scan);
        self.say(&scan.to_string());
    }

    fn say(&self, what: &str) {
        // Full: it is a hint, and nobody waits for it to be told.
        drop(self.out.try_send(format!("{} {what} {}", self.origin, self.schema)));
    }

    fn listen(&self, pool: &PgPool) {
        self.listening.get_or_init(|| {
            let (own, schema) = (self.origin.clone(), self.schema.clone());
            let hear = hear(pool.clone(), Arc::clone(&self.belfry), own, schema);
            let mut alive = self.alive.subscribe();
            tokio::spawn(async move {
                tokio::select! {
                    () = hear => {}
                    // An error is what is waited for: nothing is ever sent.
                    _ = alive.changed() => {}
                }
            });
        });
    }
}

impl Bells for Postgres {
    fn listen(&self, bell: Bell) -> Listener {
        self.tower.listen(&self.pool);
        self.tower.belfry.listen(bell)
    }

    fn ends(&self) -> Ends {
        self.tower.listen(&self.pool);
        self.tower.belfry.ends()
    }
}

/// Tells other processes, all that waits at once, until nobody is left who could say anything.
async fn tell(pool: PgPool, mut told: mpsc::Receiver<String>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while told.recv_many(&mut together, TOGETHER).await > 0 {
        together.sort_unstable();
        together.dedup();
        let told = query("SELECT pg_notify($1, said) FROM unnest($2::text[]) AS said");
        // A hint that is lost costs the time until somebody looks; the next call of anybody names the trouble.
        drop(told.bind(CHANNEL).bind(std::mem::take(&mut together)).execute(&pool).await);
    }
}

/// Hears other processes.
async fn hear(pool: PgPool, belfry: Arc<Belfry>, own: String, schema: String) {
    loop {
        let Ok(mut listener) = PgListener::connect_with(&pool).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if listener.listen(CHANNEL).await.is_ok() {
            // Whatever was said while nobody listened is looked for.
            belfry.ring(Bell::Submitted);
            belfry.ring(Bell::Complete);
            while let Ok(Some(said)) = listener.try_recv().await {
                pass_on(&belfry, &own, &schema, said.payload());
            }
        }
        drop(listener);
        tokio::time::sleep(PAUSE).await;
    }
}

fn pass_on(belfry: &Belfry, own: &str, schema: &str, said: &str) {
    let mut words = said.splitn(3, ' ');
    let (Some(origin), Some(what), Some(of)) = (words.next(), words.next(), words.next()) else { return };
    if origin == own || of != schema {
        return;
    }
    let bell = match what {
        "submitted" => Bell::Submitted,
        "complete" => Bell::Complete,
        scan => return scan.parse().into_iter().for_each(|scan| belfry.ended(scan)),
    };
    belfry.ring(bell);
}
