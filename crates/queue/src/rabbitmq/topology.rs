//! The queues in the broker: their names, and what makes them.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

use crate::Channel;

/// The longest delay there is a queue for: a power of two of seconds, more than an hour.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(1 << MAX_DELAY_POWER);

const MAX_DELAY_POWER: u32 = 12;

/// The names of the queues of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Messages to be had.
    pub(super) ready: String,
    /// Dead letters.
    pub(super) dead: String,
    /// Has never a message, but one consumer for each `receive` whose messages are not all settled: AMQP does not
    /// tell how many messages are held, only how many consumers a queue has.
    pub(super) leases: String,
}

impl Names {
    pub(super) fn new(prefix: &str, channel: Channel) -> Self {
        let ready = channel.name(prefix, '.');
        Self { dead: format!("{ready}.dead"), leases: format!("{ready}.leases"), ready }
    }

    /// The queue that keeps a message for this long, or somewhat longer, and then hands it to `ready`.
    pub(super) fn delay(&self, delay: Duration) -> Delay {
        // Whole seconds, rounded up, so that a message never comes too early.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        let seconds = seconds.clamp(1, MAX_DELAY.as_secs()).next_power_of_two();
        Delay { name: format!("{}.delay.{seconds}s", self.ready), seconds }
    }

    /// Every queue that may exist.
    pub(super) fn all(&self) -> Vec<String> {
        let delays = (0..=MAX_DELAY_POWER).map(|power| self.delay(Duration::from_secs(1 << power)).name);
        [&self.ready, &self.dead, &self.leases].into_iter().cloned().chain(delays).collect()
    }

    /// What makes `ready`. If somebody gives it a delivery limit (RabbitMQ 4 does so by itself, and counts every
    /// message that a dead holder held), a message over the limit is a dead letter and not lost.
    pub(super) fn ready_arguments(&self) -> FieldTable {
        dead_lettering_to(&self.dead)
    }
}

/// Where a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Ready,
    /// To be ready after this time.
    Later(Duration),
    Dead,
}

/// A queue that messages leave by getting old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delay {
    pub(super) name: String,
    seconds: u64,
}

impl Delay {
    pub(super) fn arguments(&self, names: &Names) -> FieldTable {
        let mut arguments = dead_lettering_to(&names.ready);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt((self.seconds * 1000) as i64));
        arguments
    }
}

/// A plain quorum queue.
pub(super) fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

/// A quorum queue that hands what it must give up to another, and forgets it only when that one has confirmed. The
/// broker asks for `reject-publish` with that; there is no limit at which it would reject.
fn dead_lettering_to(queue: &str) -> FieldTable {
    let mut arguments = quorum();
    arguments.insert("x-dead-letter-exchange".into(), text(""));
    arguments.insert("x-dead-letter-routing-key".into(), text(queue));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

pub(super) fn durable() -> QueueDeclareOptions {
    QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_delay_is_never_shorter_than_asked_for_and_less_than_twice_as_long(millis in 500u64..5_000_000) {
            let names = Names::new("plimsoll", Channel::results());
            let asked = Duration::from_millis(millis).min(MAX_DELAY);
            let delay = Duration::from_secs(names.delay(Duration::from_millis(millis)).seconds);
            prop_assert!(delay >= asked && delay < asked * 2 + Duration::from_secs(1));
            prop_assert!(names.all().contains(&names.delay(asked).name));
        }
    }

    #[test]
    fn queues_have_names_that_tell_what_they_are() {
        let names = Names::new("plimsoll", Channel::results());
        assert_eq!(names.delay(Duration::from_millis(4001)).name, "plimsoll.results.delay.8s");
        assert_eq!((&*names.ready, &*names.dead), ("plimsoll.results", "plimsoll.results.dead"));
    }
}
