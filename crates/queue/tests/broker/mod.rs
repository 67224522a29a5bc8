//! A real RabbitMQ. `PLIMSOLL_TEST_AMQP` names it, such as `amqp://guest:guest@127.0.0.1:5672/%2f`;
//! `PLIMSOLL_TEST_AMQP_RESTART` is a shell command that restarts it and returns when it is up.

use std::time::{SystemTime, UNIX_EPOCH};

use lapin::options::QueueDeleteOptions;
use lapin::{Connection, ConnectionProperties};
use plimsoll_queue::testing::Service;
use plimsoll_queue::{Channel, RabbitQueue, open};
use plimsoll_types::Lane;

/// The URL of the broker, or why there is none.
pub(crate) fn broker() -> Result<String, String> {
    std::env::var("PLIMSOLL_TEST_AMQP").map_err(|_| "PLIMSOLL_TEST_AMQP names no RabbitMQ".to_owned())
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("test.{now:x}.{:x}", std::process::id())
}

/// Queues of a test's own.
pub(crate) fn service() -> Result<Service, String> {
    let (broker, prefix) = (broker()?, prefix());
    let url = format!("{broker}?prefix={prefix}");
    let restart = std::env::var("PLIMSOLL_TEST_AMQP_RESTART")
        .map_err(|_| "PLIMSOLL_TEST_AMQP_RESTART says nothing about restarting RabbitMQ".to_owned());
    Ok(Service::new(move |_| {
        let url = url.clone();
        async move { open(&url).await }
    })
    .with_restart(restart)
    .with_clean_up(move || delete_queues(broker.clone(), prefix.clone())))
}

/// Leaves nothing behind.
pub(crate) async fn delete_queues(broker: String, prefix: String) {
    let channels: Vec<Channel> =
        Lane::ALL.iter().copied().map(Channel::layers).chain([Channel::results()]).collect();
    let connection = Connection::connect(&broker, ConnectionProperties::default()).await.expect("a broker");
    let channel = connection.create_channel().await.expect("a channel");
    for name in RabbitQueue::queue_names(&prefix, &channels) {
        // Not to be there is no error in RabbitMQ.
        let deleted = channel.queue_delete(name.into(), QueueDeleteOptions::default()).await;
        deleted.expect("the queue is deleted");
    }
}
