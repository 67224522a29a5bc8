//! Events that come in a queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use plimsoll_queue::{Delivery, Inbox, LeaseEnd};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::submitter::Act;
use crate::{Outcome, Reading, Source, Submitter};

/// How a [`Consumer`] works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Messages that are acted on at the same time; no more are held.
    pub slots: usize,
    /// How long it waits for messages before it asks again.
    pub wait: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { slots: 32, wait: Duration::from_secs(20) }
    }
}

/// Takes messages from an inbox and acts on them.
///
/// A message is acknowledged only after everything it asks for has been committed, since there is no other trace of it. What
/// cannot be understood is put aside with its reason. What could not be made durable comes back, as often as it has to: only
/// what is wrong with the message itself ends it.
pub struct Consumer {
    config: Config,
    source: &'static dyn Source,
    inbox: Arc<dyn Inbox>,
    submitter: Arc<dyn Act>,
    /// Failures of the state, or the inbox, since something went well.
    failures: AtomicU32,
}

impl Consumer {
    /// A consumer of messages that `source` understands.
    pub fn new(
        config: Config,
        source: &'static dyn Source,
        inbox: Arc<dyn Inbox>,
        submitter: Arc<Submitter>,
    ) -> Self {
        Self { config, source, inbox, submitter, failures: AtomicU32::new(0) }
    }

    /// Works until `stop`. What is in its hands then is given back.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        stop.run_until_cancelled(self.consume()).await;
    }

    async fn consume(self: Arc<Self>) {
        let mut at_work = JoinSet::new();
        loop {
            while at_work.try_join_next().is_some() {}
            let free = self.config.slots.saturating_sub(at_work.len());
            if free == 0 {
                at_work.join_next().await;
                continue;
            }
            // While the state is away, messages are safer in the queue.
            if let Some(pause) = self.pause() {
                tokio::time::sleep(pause).await;
            }
            match self.inbox.receive(free, self.config.wait).await {
                Ok(messages) => {
                    for message in messages {
                        let this = Arc::clone(&self);
                        at_work.spawn(async move { this.handle(message).await });
                    }
                }
                Err(error) => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, trigger = self.source.name(), "no events can be received");
                }
            }
        }
    }

    async fn handle(&self, message: Delivery) {
        let settled = match self.source.read(&message.message.body, "") {
            Ok(readings) => match self.held(&message, self.act(&readings)).await {
                Ok(()) => {
                    self.failures.store(0, Ordering::Relaxed);
                    message.ack().await
                }
                Err(plimsoll_state::Error::Request(why)) => self.put_aside(message, &why.to_string()).await,
                Err(error) => {
                    self.submitter.count(self.source.name(), Outcome::Failed);
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, trigger = self.source.name(), "an event waits for the state");
                    message.retry(self.pause().unwrap_or_default()).await
                }
            },
            Err(why) => self.put_aside(message, &why.to_string()).await,
        };
        if let Err(error) = settled {
            // It comes again, and then it is a duplicate.
            tracing::debug!(%error, trigger = self.source.name(), "a message could not be settled");
        }
    }

    async fn act(&self, readings: &[Reading]) -> Result<(), plimsoll_state::Error> {
        for reading in readings {
            self.submitter.act(self.source.name(), None, reading).await?;
        }
        Ok(())
    }

    /// Says why, and keeps the message where a person finds it. It leaves the queue only after it has arrived there.
    async fn put_aside(&self, message: Delivery, why: &str) -> Result<(), plimsoll_queue::Error> {
        self.submitter.count(self.source.name(), Outcome::Malformed);
        tracing::warn!(why, trigger = self.source.name(), "a message is put aside");
        message.dead_letter(why).await
    }

    /// Does `work` and keeps the message meanwhile.
    async fn held<T>(&self, message: &Delivery, work: impl Future<Output = T>) -> T {
        let capabilities = self.inbox.capabilities();
        let (LeaseEnd::Clock(lease), Some(every)) = (capabilities.lease, capabilities.extend_every()) else {
            return work.await;
        };
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(every) => {
                    if let Err(error) = message.extend(lease).await {
                        tracing::debug!(%error, "a message could not be kept; it may be acted on twice");
                    }
                }
            }
        }
    }

    /// Doubles from a quarter of a second to a minute, with the failures.
    fn pause(&self) -> Option<Duration> {
        let failures = self.failures.load(Ordering::Relaxed);
        let pause =
            Duration::from_millis(250 << failures.saturating_sub(1).min(8)).min(Duration::from_secs(60));
        // Several of us, who have seen the same failure, do not come back at the same moment.
        (failures > 0).then(|| pause.mul_f64(0.5 + fastrand::f64() / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use plimsoll_queue::MemoryInbox;
    use plimsoll_types::{RequestError, Tenant};
    use tokio::time::Instant;

    use super::*;
    use crate::Malformed;
    use crate::submitter::tests::{pushed, scans, submitter};

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Understands `push NAME`, `other`, and nothing else.
    struct Words;

    impl Source for Words {
        fn name(&self) -> &'static str {
            "words"
        }

        fn read(&self, body: &[u8], _: &str) -> Result<Vec<Reading>, Malformed> {
            match std::str::from_utf8(body).unwrap_or_default().split_once(' ') {
                Some(("push", name)) => Ok(vec![pushed(name, &format!("x.r.io/{name}:1"))]),
                Some(("other", _)) => Ok(vec![Reading::Other]),
                _ => Err(Malformed::new("no word of ours")),
            }
        }
    }

    /// Does what a test says, and remembers.
    #[derive(Default)]
    struct Scripted {
        /// What the next calls say; those after them succeed.
        errors: Mutex<Vec<plimsoll_state::Error>>,
        counted: Mutex<Vec<Outcome>>,
        takes: Duration,
    }

    #[async_trait]
    impl Act for Scripted {
        async fn act(
            &self,
            _: &'static str,
            _: Option<&Tenant>,
            _: &Reading,
        ) -> Result<Outcome, plimsoll_state::Error> {
            tokio::time::sleep(self.takes).await;
            if let Some(error) = self.errors.lock().unwrap().pop() {
                return Err(error);
            }
            self.count("words", Outcome::Submitted);
            Ok(Outcome::Submitted)
        }

        fn count(&self, _: &'static str, outcome: Outcome) {
            self.counted.lock().unwrap().push(outcome);
        }
    }

    impl Scripted {
        fn of(&self, outcome: Outcome) -> usize {
            self.counted.lock().unwrap().iter().filter(|it| **it == outcome).count()
        }
    }

    fn start(inbox: &MemoryInbox, submitter: Arc<dyn Act>) -> CancellationToken {
        let (inbox, stop): (Arc<dyn Inbox>, _) = (Arc::new(inbox.clone()), CancellationToken::new());
        let config = Config::default();
        let consumer = Consumer { config, source: &Words, inbox, submitter, failures: AtomicU32::new(0) };
        tokio::spawn(Arc::new(consumer).run(stop.clone()));
        stop
    }

    async fn put(inbox: &MemoryInbox, texts: &[&str]) {
        inbox.put(texts.iter().map(|text| (*text).to_owned())).await.unwrap();
    }

    /// Waits until the inbox has neither messages nor holders.
    async fn drained(inbox: &MemoryInbox) {
        drained_within(inbox, PATIENCE).await;
    }

    async fn drained_within(inbox: &MemoryInbox, patience: Duration) {
        let began = Instant::now();
        while inbox.depth().await.unwrap() != plimsoll_queue::Depth::default() {
            assert!(began.elapsed() < patience, "it drains");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn every_good_message_is_one_scan_and_every_bad_one_is_put_aside_with_its_reason() {
        let (inbox, (submitter, state, tally)) = (MemoryInbox::new(), submitter().await);
        put(&inbox, &["push a", "push b", "nonsense", "push a", "other one", "push c"]).await;
        let stop = start(&inbox, submitter);
        drained(&inbox).await;
        stop.cancel();
        assert_eq!(scans(&*state, "team-a").await.len(), 3);
        let dead = inbox.receive_dead(10, Duration::ZERO).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].message.dead_letter_reason(), Some("no word of ours"));
        for (outcome, times) in
            [(Outcome::Submitted, 3), (Outcome::Duplicate, 1), (Outcome::Malformed, 1), (Outcome::Other, 1)]
        {
            assert_eq!(tally.of(outcome), times, "{outcome:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_state_is_away_messages_wait_and_none_is_lost() {
        let away = || plimsoll_state::Error::Usage("the database is away");
        let script = Arc::new(Scripted {
            errors: Mutex::new((0..7).map(|_| away()).collect()),
            ..Scripted::default()
        });
        let inbox = MemoryInbox::new();
        put(&inbox, &["push a", "push b", "push c"]).await;
        let stop = start(&inbox, Arc::clone(&script) as _);
        drained(&inbox).await;
        stop.cancel();
        assert_eq!((script.of(Outcome::Submitted), script.of(Outcome::Failed)), (3, 7));
        assert!(inbox.receive_dead(10, Duration::ZERO).await.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_no_state_can_take_is_put_aside() {
        let refused = plimsoll_state::Error::Request(RequestError::NoReference);
        let script = Arc::new(Scripted { errors: Mutex::new(vec![refused]), ..Scripted::default() });
        let inbox = MemoryInbox::new();
        put(&inbox, &["push a"]).await;
        let stop = start(&inbox, Arc::clone(&script) as _);
        drained(&inbox).await;
        stop.cancel();
        assert_eq!(inbox.receive_dead(10, Duration::ZERO).await.unwrap().len(), 1);
        assert_eq!(script.of(Outcome::Malformed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_state_does_not_lose_the_lease() {
        let takes = Duration::from_secs(600);
        let script = Arc::new(Scripted { takes, ..Scripted::default() });
        let inbox = MemoryInbox::with_lease(Duration::from_secs(30));
        put(&inbox, &["push a"]).await;
        let stop = start(&inbox, Arc::clone(&script) as _);
        drained_within(&inbox, takes * 2).await;
        stop.cancel();
        assert_eq!(script.of(Outcome::Submitted), 1, "nobody else had it meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_hand_at_the_end_is_given_back() {
        let script = Arc::new(Scripted { takes: Duration::from_secs(600), ..Scripted::default() });
        let inbox = MemoryInbox::new();
        put(&inbox, &["push a"]).await;
        let stop = start(&inbox, Arc::clone(&script) as _);
        while inbox.depth().await.unwrap().leased == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        let again = inbox.receive(1, PATIENCE).await.unwrap();
        assert_eq!((again.len(), script.of(Outcome::Submitted)), (1, 0));
    }
}
