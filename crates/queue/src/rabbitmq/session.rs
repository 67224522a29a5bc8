//! One connection, and what was declared over it.

use std::collections::{HashSet, VecDeque};

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
        // Mandatory: what cannot be routed comes back, and is not confirmed into the void.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let mut sent = Sent { unconfirmed: Vec::new(), error: None };
        let mut answers = VecDeque::new();
        for message in messages {
            if answers.len() == IN_FLIGHT
                && let Some((message, answer)) = answers.pop_front()
            {
                self.note(&mut sent, message, answer).await;
            }
            let (body, properties) = (&message.body, wire::properties(message));
            match self.publisher.basic_publish("".into(), queue.into(), options, body, properties).await {
                Ok(answer) => answers.push_back((*message, answer)),
                Err(error) => sent.failed(message, error),
            }
        }
        for (message, answer) in answers {
            self.note(&mut sent, message, answer).await;
        }
        sent
    }

    /// Waits for one answer.
    async fn note<'m>(
        &self,
        sent: &mut Sent<'m>,
        message: &'m Message,
        answer: impl Future<Output = lapin::Result<Confirmation>> + Send,
    ) {
        match answer.await {
            Ok(Confirmation::Ack(None)) => {}
            Ok(Confirmation::Ack(Some(_))) => {
                // Returned, because there is no such queue any more.
                sent.unconfirmed.push(message);
                self.forget_topology().await;
            }
            Ok(Confirmation::Nack(_) | Confirmation::NotRequested) => sent.unconfirmed.push(message),
            Err(error) => sent.failed(message, error),
        }
    }
}

impl<'m> Sent<'m> {
    fn failed(&mut self, message: &'m Message, error: lapin::Error) {
        self.unconfirmed.push(message);
        self.error = Some(error);
    }
}
