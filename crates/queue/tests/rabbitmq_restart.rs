//! RabbitMQ restarted under its users. Alone in its binary, because every test beside it would be hit too.

mod broker;

use plimsoll_queue::testing::{a_restarted_broker_loses_nothing, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_rabbitmq_loses_nothing() {
    run(broker::service(), a_restarted_broker_loses_nothing).await;
}
