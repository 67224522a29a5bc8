//! One connection, and what was declared over it.

use std::collections::HashSet;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Confirmation, Connection, ConnectionProperties, Queue};
use tokio::sync::Mutex;

use super::topology::{Names, To, durable, quorum};
use super::wire;
use crate::{Depth, Message};

/// How many messages are on their way at once: enough to hide the round trip, and a bound for the client's memory.
const IN_FLIGHT: usize = 1024;

pub(super) struct Session {
    connection: Connection,
    /// Only for publishing, so that its confirms are those of our messages.
    publisher: Channel,
    /// Queues known to exist. Made anew with the connection, so that what a broker lost is declared again.
    declared: Mutex<HashSet<String>>,
}

/// What became of messages that were sent.
pub(super) struct Sent<'m> {
    /// Those without a confirm.
    pub(super) unconfirmed: Vec<&'m Message>,
    /// Why, if the library said so; the broker also takes back messages without a reason.
    pub(super) error: Option<lapin::Error>,
}

impl Session {
    pub(super) async fn connect(uri: AMQPUri) -> lapin::Result<Self> {
        let properties = ConnectionProperties::default().with_connection_name("plimsoll".into());
        let connection = Connection::connect_uri(uri, properties).await?;
        let publisher = connection.create_channel().await?;
        publisher.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { connection, publisher, declared: Mutex::default() })
    }

    pub(super) fn is_alive(&self) -> bool {
        self.connection.status().connected() && self.publisher.status().connected()
    }

    pub(super) async fn close(&self) {
        // Closed already is closed too.
        _ = self.connection.close(200, "closed".into()).await;
    }

    pub(super) async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }

    /// Makes the queues of a channel, unless they are known to exist.
    pub(super) async fn ensure(&self, names: &Names) -> lapin::Result<()> {
        if self.declared.lock().await.contains(&names.ready) {
            return Ok(());
        }
        self.depth(names).await?;
        self.declared.lock().await.insert(names.ready.clone());
        Ok(())
    }

    /// Makes the queue that a message is sent to, unless it is known to exist, and names it.
    pub(super) async fn ensure_destination(&self, names: &Names, to: To) -> lapin::Result<String> {
        self.ensure(names).await?;
        let delay = match to {
            To::Ready => return Ok(names.ready.clone()),
            To::Dead => return Ok(names.dead.clone()),
            To::Later(delay) => names.delay(delay),
        };
        if !self.declared.lock().await.contains(&delay.name) {
            // On a channel of its own: the broker closes the channel of a declaration that it refuses.
            let channel = self.channel().await?;
            channel.queue_declare(delay.name.as_str().into(), durable(), delay.arguments(names)).await?;
            self.declared.lock().await.insert(delay.name.clone());
        }
        Ok(delay.name)
    }

    /// Declares the queues of a channel, which is how AMQP tells what is in them.
    pub(super) async fn depth(&self, names: &Names) -> lapin::Result<Depth> {
        let channel = self.channel().await?;
        let declare = async |name: &str, arguments: FieldTable| -> lapin::Result<Queue> {
            channel.queue_declare(name.into(), durable(), arguments).await
        };
        // Before the queue that hands messages over to it.
        declare(&names.dead, quorum()).await?;
        let leases = declare(&names.leases, quorum()).await?;
        let ready = declare(&names.ready, names.ready_arguments()).await?;
        Ok(Depth { ready: ready.message_count().into(), leased: leases.consumer_count().into() })
    }

    /// Somebody has deleted a queue: whatever is needed is declared again.
    pub(super) async fn forget_topology(&self) {
        self.declared.lock().await.clear();
    }

    /// Sends all messages to a queue and waits until the broker has answered for each.
    pub(super) async fn publish<'m>(&self, queue: &str, messages: &[&'m Message]) -> Sent<'m> {
        let mut sent = Sent { unconfirmed: Vec::new(), error: None };
        // Together from the start: the library answers a publish only when it has written it, and writes what it has
        // been given in one go.
        let mut answers = FuturesOrdered::new();
        for message in messages {
            if answers.len() == IN_FLIGHT
                && let Some((message, answer)) = answers.next().await
            {
                self.note(&mut sent, message, answer).await;
            }
            answers.push_back(self.publish_one(queue, message));
        }
        while let Some((message, answer)) = answers.next().await {
            self.note(&mut sent, message, answer).await;
        }
        sent
    }

    async fn publish_one<'m>(
        &self,
        queue: &str,
        message: &'m Message,
    ) -> (&'m Message, lapin::Result<Confirmation>) {
        // Mandatory: what cannot be routed comes back, and is not confirmed into the void.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (body, properties) = (&message.body, wire::properties(message));
        match self.publisher.basic_publish("".into(), queue.into(), options, body, properties).await {
            Ok(confirm) => (message, confirm.await),
            Err(error) => (message, Err(error)),
        }
    }

    async fn note<'m>(&self, sent: &mut Sent<'m>, message: &'m Message, answer: lapin::Result<Confirmation>) {
        match answer {
            Ok(Confirmation::Ack(None)) => return,
            // Returned, because there is no such queue any more.
            Ok(Confirmation::Ack(Some(_))) => self.forget_topology().await,
            Ok(Confirmation::Nack(_) | Confirmation::NotRequested) => {}
            Err(error) => sent.error = Some(error),
        }
        sent.unconfirmed.push(message);
    }
}
