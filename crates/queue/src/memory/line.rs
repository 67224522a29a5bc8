//! One line of messages: those who are ready, and those who come back at a certain instant, because they are
//! leased or put off.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, futures::Notified};
use tokio::time::Instant;

use crate::{Depth, Error, Message};

#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
    changed: Notify,
}

/// One delivery of one message: the right to settle it, as long as it is the last delivery and its time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    id: u64,
    delivery: u64,
}

impl Ticket {
    pub(super) fn is_redelivery(self) -> bool {
        self.delivery > 1
    }
}

#[derive(Default)]
struct State {
    next_id: u64,
    entries: HashMap<u64, Entry>,
    ready: VecDeque<u64>,
    away: BTreeSet<(Instant, u64)>,
}

struct Entry {
    message: Message,
    deliveries: u64,
    /// When it comes back; `None` while it is ready.
    back: Option<Instant>,
}

impl Line {
    /// Resolves when messages have become ready; enable it before looking.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(super) fn push(&self, messages: Vec<Message>) {
        let mut state = self.lock();
        for message in messages {
            let id = state.next_id;
            state.next_id += 1;
            state.entries.insert(id, Entry { message, deliveries: 0, back: None });
            state.ready.push_back(id);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Leases up to `max` messages until `until`; and says when the next message comes back.
    pub(super) fn take(
        &self,
        max: usize,
        now: Instant,
        until: Instant,
    ) -> (Vec<(Ticket, Message)>, Option<Instant>) {
        let mut state = self.lock();
        state.bring_back(now);
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(id) = state.ready.pop_front()
        {
            let state = &mut *state;
            if let Some(entry) = state.entries.get_mut(&id) {
                entry.deliveries += 1;
                entry.back = Some(until);
                state.away.insert((until, id));
                taken.push((Ticket { id, delivery: entry.deliveries }, entry.message.clone()));
            }
        }
        (taken, state.away.first().map(|(back, _)| *back))
    }

    pub(super) fn extend(&self, ticket: Ticket, now: Instant, until: Instant) -> Result<(), Error> {
        self.lock().move_back(ticket, now, until)
    }

    /// Ends the lease; the message is ready at `until`.
    pub(super) fn put_off(&self, ticket: Ticket, now: Instant, until: Instant) -> Result<(), Error> {
        self.lock().move_back(ticket, now, until)?;
        // Sleepers have to learn of the new instant, and whether it has come.
        self.changed.notify_waiters();
        Ok(())
    }

    pub(super) fn remove(&self, ticket: Ticket, now: Instant) -> Result<Message, Error> {
        let mut state = self.lock();
        let back = state.held(ticket, now)?;
        state.away.remove(&(back, ticket.id));
        state.entries.remove(&ticket.id).map(|entry| entry.message).ok_or(Error::LeaseLost)
    }

    pub(super) fn depth(&self, now: Instant) -> Depth {
        let mut state = self.lock();
        state.bring_back(now);
        Depth { ready: state.ready.len() as u64, leased: state.away.len() as u64 }
    }

    /// No code that can panic runs under the lock, so a poisoned one still holds a sound state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Makes ready whatever is due.
    fn bring_back(&mut self, now: Instant) {
        while let Some((back, id)) = self.away.first().copied()
            && back <= now
        {
            self.away.remove(&(back, id));
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.back = None;
                self.ready.push_back(id);
            }
        }
    }

    /// When the lease of this ticket ends, if it has not.
    fn held(&self, ticket: Ticket, now: Instant) -> Result<Instant, Error> {
        self.entries
            .get(&ticket.id)
            .filter(|entry| entry.deliveries == ticket.delivery)
            .and_then(|entry| entry.back)
            .filter(|back| *back > now)
            .ok_or(Error::LeaseLost)
    }

    fn move_back(&mut self, ticket: Ticket, now: Instant, until: Instant) -> Result<(), Error> {
        let back = self.held(ticket, now)?;
        self.away.remove(&(back, ticket.id));
        self.away.insert((until, ticket.id));
        if let Some(entry) = self.entries.get_mut(&ticket.id) {
            entry.back = Some(until);
        }
        Ok(())
    }
}
