//! The broker: one connection at a time, made anew when it is lost.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lapin::uri::AMQPUri;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use super::failure::failure;
use super::session::Session;
use super::topology::{Names, To};
use crate::open::{Options, bad};
use crate::{Depth, Error, Message};

/// How long a call that has no time of its own tries.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one attempt to connect, or to talk about queues, may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Seconds without a sign of life after which a connection counts as lost, on both sides, unless the URL says
/// otherwise. The client library answers from a thread of its own, so busy tasks do not lose it.
const HEARTBEAT: u16 = 10;

/// The pauses between attempts.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3);

pub(super) struct Broker {
    uri: AMQPUri,
    prefix: String,
    /// For messages: what and where, without the password.
    service: String,
    session: Mutex<Option<Arc<Session>>>,
    closed: AtomicBool,
}

impl Broker {
    pub(super) fn new(url: &Url) -> Result<Self, Error> {
        let known = ["prefix", "heartbeat", "channel_max", "frame_max", "auth_mechanism"];
        let prefix = Options::of(url, &known)?.prefix()?;
        let mut uri = AMQPUri::from_str(url.as_str()).map_err(|why| bad(url, why))?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        // The library takes an IPv6 address for no host at all, and no host for localhost.
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad(url, "it names no host"))?;
        host.trim_matches(['[', ']']).clone_into(&mut uri.authority.host);
        let service = format!("RabbitMQ at {}:{}", uri.authority.host, uri.authority.port);
        Ok(Self { uri, prefix, service, session: Mutex::default(), closed: AtomicBool::new(false) })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn failure(&self, action: &'static str, error: lapin::Error) -> Error {
        failure(&self.service, action, error)
    }

    /// The connection, made if it has to be. Tries at least once, and until `deadline`.
    pub(super) async fn session(
        &self,
        action: &'static str,
        deadline: Instant,
    ) -> Result<Arc<Session>, Error> {
        let mut pauses = Pauses::default();
        loop {
            let error = match self.try_session(action).await {
                Err(error) if error.retry().is_retryable() => error,
                done => return done,
            };
            if !pauses.pause(deadline).await {
                return Err(error);
            }
        }
    }

    async fn try_session(&self, action: &'static str) -> Result<Arc<Session>, Error> {
        // Whoever comes while somebody connects waits for that connection and makes none of their own.
        let mut session = self.session.lock().await;
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        if let Some(session) = session.as_ref().filter(|session| session.is_alive()) {
            return Ok(Arc::clone(session));
        }
        *session = None;
        let made = timeout(ATTEMPT, Session::connect(self.uri.clone())).await;
        let made = made.map_err(|_| self.silent(action))?.map_err(|error| self.failure(action, error))?;
        Ok(Arc::clone(session.insert(Arc::new(made))))
    }

    fn silent(&self, action: &'static str) -> Error {
        Error::Unavailable {
            service: self.service.clone(),
            action,
            after: None,
            source: format!("no answer in {} s", ATTEMPT.as_secs()).into(),
        }
    }

    /// Sends messages, those again that are not confirmed, until all are.
    pub(super) async fn publish(&self, names: &Names, to: To, messages: &[Message]) -> Result<(), Error> {
        let (deadline, mut pauses) = (Instant::now() + PATIENCE, Pauses::default());
        let mut pending: Vec<&Message> = messages.iter().collect();
        loop {
            let session = self.session("publish", deadline).await?;
            let attempt = async {
                let queue = session.ensure_destination(names, to).await;
                let queue = queue.map_err(|error| self.failure("declare its queues", error))?;
                Ok::<_, Error>(session.publish(&queue, &pending).await)
            };
            let error = match timeout_at(deadline, attempt).await {
                Ok(Ok(sent)) if sent.unconfirmed.is_empty() => return Ok(()),
                Ok(Ok(sent)) => {
                    pending = sent.unconfirmed;
                    sent.error.map_or_else(
                        || self.unconfirmed(pending.len()),
                        |error| self.failure("publish", error),
                    )
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(self.unconfirmed(pending.len())),
            };
            if !error.retry().is_retryable() || !pauses.pause(deadline).await {
                return Err(error);
            }
        }
    }

    fn unconfirmed(&self, count: usize) -> Error {
        Error::Unconfirmed { service: self.service.clone(), count }
    }

    pub(super) async fn depth(&self, names: &Names) -> Result<Depth, Error> {
        const ACTION: &str = "count messages";
        let (deadline, mut pauses) = (Instant::now() + PATIENCE, Pauses::default());
        loop {
            let session = self.session(ACTION, deadline).await?;
            let error = match timeout(ATTEMPT, session.depth(names)).await {
                Ok(Ok(depth)) => return Ok(depth),
                Ok(Err(error)) => self.failure(ACTION, error),
                Err(_) => self.silent(ACTION),
            };
            if !error.retry().is_retryable() || !pauses.pause(deadline).await {
                return Err(error);
            }
        }
    }

    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let session = self.session.lock().await.take();
        if let Some(session) = session {
            session.close().await;
        }
    }
}

/// Pauses that grow, of different length for everybody, so that a fleet does not come back in step.
#[derive(Default)]
pub(super) struct Pauses {
    taken: u32,
}

impl Pauses {
    /// Pauses; false, at once, if the pause would last beyond the deadline.
    pub(super) async fn pause(&mut self, deadline: Instant) -> bool {
        let longest = PAUSES.start().saturating_mul(1 << self.taken.min(10)).min(*PAUSES.end());
        let pause = longest.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.taken += 1;
        if Instant::now() + pause >= deadline {
            return false;
        }
        sleep(pause).await;
        true
    }
}
