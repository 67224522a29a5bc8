//! A queue in this process, for `plimsoll serve` and for tests. Its leases end as those of a service do.

mod inbox;
mod line;
mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};

use crate::{Capabilities, Channel, Delivery, Depth, Error, Lease, LeaseEnd, Message, Queue, Settlement};
pub use inbox::MemoryInbox;
use line::{Line, Ticket};
use lines::{Lines, Rack};

/// How long a message is a receiver's unless it extends.
const LEASE: Duration = Duration::from_secs(60);

/// The longest delay, as on SQS.
const MAX_DELAY: Duration = Duration::from_secs(12 * 60 * 60);

/// What the queue holds at most, so that a process whose workers stand still does not grow without end.
const MAX_BYTES: usize = 512 << 20;

/// A queue in this process. Clones are handles of the same queue; what is in it is gone with the last one.
pub struct MemoryQueue {
    lines: Arc<Lines>,
    lease: Duration,
    closed: AtomicBool,
}

impl MemoryQueue {
    /// An empty queue whose leases last a minute.
    pub fn new() -> Self {
        Self::with_lease(LEASE)
    }

    /// An empty queue with leases of this length.
    pub fn with_lease(lease: Duration) -> Self {
        Self { lines: Arc::new(Lines::new(MAX_BYTES)), lease, closed: AtomicBool::new(false) }
    }

    async fn take(
        &self,
        channel: Channel,
        rack: Rack,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let line = self.lines.line(channel, rack);
        let deadline = Instant::now() + wait;
        loop {
            self.ensure_open()?;
            let changed = line.changed();
            tokio::pin!(changed);
            // Before looking, so that what is published between looking and waiting wakes us.
            changed.as_mut().enable();
            let now = Instant::now();
            let (taken, next) = line.take(max, now, now + self.lease);
            if !taken.is_empty() || now >= deadline {
                let lease = |ticket| MemoryLease {
                    lines: Arc::clone(&self.lines),
                    line: Arc::clone(&line),
                    channel,
                    rack,
                    ticket,
                };
                return Ok(taken
                    .into_iter()
                    .map(|(ticket, message)| {
                        Delivery::new(message, ticket.is_redelivery(), Box::new(lease(ticket)))
                    })
                    .collect());
            }
            // Whichever comes first is looked at by the next round.
            _ = timeout_at(next.map_or(deadline, |next| next.min(deadline)), changed).await;
        }
    }

    fn ensure_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for MemoryQueue {
    /// Another handle, open even if this one is closed.
    fn clone(&self) -> Self {
        Self { lines: Arc::clone(&self.lines), lease: self.lease, closed: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, channel: &Channel, messages: Vec<Message>) -> Result<(), Error> {
        self.ensure_open()?;
        self.lines.publish(*channel, messages)
    }

    async fn receive(&self, channel: &Channel, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        self.take(*channel, Rack::Live, max, wait).await
    }

    async fn receive_dead(
        &self,
        channel: &Channel,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        self.take(*channel, Rack::Dead, max, wait).await
    }

    async fn depth(&self, channel: &Channel) -> Result<Depth, Error> {
        self.ensure_open()?;
        Ok(self.lines.line(*channel, Rack::Live).depth(Instant::now()))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { lease: LeaseEnd::Clock(self.lease), max_delay: MAX_DELAY, durable: false }
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

struct MemoryLease {
    lines: Arc<Lines>,
    line: Arc<Line>,
    channel: Channel,
    rack: Rack,
    ticket: Ticket,
}

impl MemoryLease {
    /// Takes the message out of its line and, changed, into the other.
    fn transfer(&self, message: Message, to: Rack) -> Result<(), Error> {
        let old = self.line.remove(self.ticket, Instant::now())?;
        self.lines.freed(&old);
        self.lines.put(self.channel, to, message);
        Ok(())
    }
}

#[async_trait]
impl Lease for MemoryLease {
    async fn extend(&self, by: Duration) -> Result<(), Error> {
        let now = Instant::now();
        self.line.extend(self.ticket, now, now + by.min(MAX_DELAY))
    }

    async fn settle(self: Box<Self>, message: Message, how: Settlement) -> Result<(), Error> {
        let now = Instant::now();
        match how {
            Settlement::Ack => {
                let done = self.line.remove(self.ticket, now)?;
                self.lines.freed(&done);
                Ok(())
            }
            Settlement::Retry(_) if self.rack == Rack::Dead => self.transfer(message.revived(), Rack::Live),
            Settlement::Retry(delay) => self.line.put_off(self.ticket, now, now + delay.min(MAX_DELAY)),
            Settlement::DeadLetter(reason) => self.transfer(message.dead(&reason), Rack::Dead),
        }
    }

    fn give_back(self: Box<Self>) {
        let now = Instant::now();
        // A lease that has ended already gave the message back.
        _ = self.line.put_off(self.ticket, now, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Service};

    fn service() -> Service {
        let queue = MemoryQueue::new();
        Service::new(move |lease| {
            let handle = MemoryQueue { lease, ..queue.clone() };
            async move { Ok(Arc::new(handle) as Arc<dyn Queue>) }
        })
    }

    testing::contract_tests!(contract, Ok(service()));

    #[tokio::test]
    async fn a_holder_whose_lease_has_ended_can_do_nothing_to_the_message() {
        let queue = MemoryQueue::with_lease(Duration::from_millis(30));
        let channel = Channel::results();
        queue.publish(&channel, vec![Message::new("job"); 5]).await.expect("it is published");
        let take = async || queue.receive(&channel, 5, Duration::from_secs(20)).await.expect("it answers");
        let mut late = take().await;
        let again = take().await;
        assert_eq!((late.len(), again.len()), (5, 5));
        let mut late = || late.pop().expect("five of them");
        let results = [
            late().extend(LEASE).await,
            late().ack().await,
            late().retry(LEASE).await,
            late().dead_letter("late").await,
        ];
        assert!(results.iter().all(|result| matches!(result, Err(Error::LeaseLost))), "{results:?}");
        drop(late());
        // Neither gone, nor put off, nor dead, nor given back under the second holder.
        for delivery in again {
            delivery.extend(LEASE).await.expect("it is the second holder's");
        }
        let dead = queue.receive_dead(&channel, 1, Duration::ZERO).await.expect("it answers");
        assert!(dead.is_empty(), "{dead:?}");
    }

    #[tokio::test]
    async fn a_full_queue_says_so_and_has_room_again() {
        let queue =
            MemoryQueue { lines: Arc::new(Lines::new(10)), lease: LEASE, closed: AtomicBool::new(false) };
        let channel = Channel::results();
        queue.publish(&channel, vec![Message::new("123456789")]).await.expect("there is room");
        let error = queue.publish(&channel, vec![Message::new("12")]).await.expect_err("there is none");
        assert!(matches!(error, Error::Full { .. }) && error.retry().is_retryable(), "{error}");
        for delivery in queue.receive(&channel, 1, Duration::ZERO).await.expect("it answers") {
            delivery.ack().await.expect("it is ours");
        }
        queue.publish(&channel, vec![Message::new("12")]).await.expect("there is room again");
    }
}
