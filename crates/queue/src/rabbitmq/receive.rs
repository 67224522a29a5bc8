//! Taking messages: a channel, a consumer that may hold as many as were asked for, and an end to it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer, ErrorKind};
use tokio::time::{Instant, timeout_at};

use super::broker::{Broker, Pauses};
use super::lease::{Batch, RabbitLease};
use super::session::Session;
use super::topology::Names;
use super::wire;
use crate::{Delivery, Error};

/// How long to wait for the next message when there is one: a broker sends what is ready in one go.
const LINGER: Duration = Duration::from_millis(5);

/// The least to wait for the first message: a broker has to be asked.
const GRACE: Duration = Duration::from_millis(20);

/// From which queue of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Ready,
    Dead,
}

pub(super) async fn receive(
    broker: &Arc<Broker>,
    names: &Arc<Names>,
    from: From,
    max: usize,
    wait: Duration,
) -> Result<Vec<Delivery>, Error> {
    if max == 0 {
        return Ok(Vec::new());
    }
    let (deadline, mut pauses) = (Instant::now() + wait, Pauses::default());
    loop {
        let session = broker.session("receive", deadline).await?;
        let taken = if wait.is_zero() {
            get(&session, names, from, max).await
        } else {
            take(&session, names, from, max, deadline).await
        };
        let error = match taken {
            Ok((batch, taken)) => return Ok(deliveries(broker, names, from, batch, taken)),
            Err(error) => broker.failure("receive", error),
        };
        // It may be a queue that somebody deleted.
        session.forget_topology().await;
        if !error.retry().is_retryable() || !pauses.pause(deadline).await {
            return Err(error);
        }
    }
}

type Taken = Vec<lapin::message::Delivery>;

/// What is there now, message by message: the broker answers at once, also that there is none.
async fn get(session: &Session, names: &Names, from: From, max: usize) -> lapin::Result<(Batch, Taken)> {
    session.ensure(names).await?;
    let channel = session.channel().await?;
    let queue = if from == From::Ready { &names.ready } else { &names.dead };
    let mut taken = Taken::new();
    let mut marker = None;
    while taken.len() < max
        && let Some(message) = channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await?
    {
        taken.push(message.delivery);
        if marker.is_none() && from == From::Ready {
            marker = Some(consume(&channel, &names.leases).await?);
        }
    }
    Ok((Batch::new(channel, marker), taken))
}

async fn take(
    session: &Session,
    names: &Names,
    from: From,
    max: usize,
    deadline: Instant,
) -> lapin::Result<(Batch, Taken)> {
    session.ensure(names).await?;
    let channel = session.channel().await?;
    // What this limit allows is all that the broker sends, since nothing is acknowledged before the end.
    let max = u16::try_from(max).unwrap_or(u16::MAX);
    channel.basic_qos(max, BasicQosOptions::default()).await?;
    let queue = if from == From::Ready { &names.ready } else { &names.dead };
    let mut consumer = consume(&channel, queue).await?;
    let mut taken = Taken::new();
    let mut marker = None;
    let mut until = deadline.max(Instant::now() + GRACE);
    while taken.len() < usize::from(max) {
        match timeout_at(until, consumer.next()).await {
            Ok(Some(message)) => taken.push(message?),
            Ok(None) => return Err(ended()),
            Err(_) => break,
        }
        if marker.is_none() && from == From::Ready {
            marker = Some(consume(&channel, &names.leases).await?);
        }
        until = Instant::now() + LINGER;
    }
    channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
    // What was on its way when the broker heard of the end.
    while let Some(message) = consumer.next().await {
        taken.push(message?);
    }
    if marker.is_none() && from == From::Ready && !taken.is_empty() {
        marker = Some(consume(&channel, &names.leases).await?);
    }
    Ok((Batch::new(channel, marker), taken))
}

async fn consume(channel: &Channel, queue: &str) -> lapin::Result<Consumer> {
    let options = BasicConsumeOptions::default();
    channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await
}

/// The broker has ended the consumer, as it does when its queue is deleted.
fn ended() -> lapin::Error {
    ErrorKind::IOError(Arc::new(std::io::Error::other("the broker ended the consumer"))).into()
}

fn deliveries(
    broker: &Arc<Broker>,
    names: &Arc<Names>,
    from: From,
    batch: Batch,
    taken: Taken,
) -> Vec<Delivery> {
    let batch = Arc::new(batch);
    taken
        .into_iter()
        .map(|mut delivery| {
            let (message, redelivered) = wire::message(&mut delivery);
            let lease = RabbitLease {
                broker: Arc::clone(broker),
                names: Arc::clone(names),
                from,
                delivery,
                batch: Arc::clone(&batch),
            };
            Delivery::new(message, redelivered, Box::new(lease))
        })
        .collect()
}
