//! The contract suite on RabbitMQ, and what is peculiar to it.

mod broker;

use std::sync::Arc;
use std::time::Duration;

use broker::{broker, delete_queues, prefix, service};
use plimsoll_queue::testing::contract_tests;
use plimsoll_queue::{Channel, Error, Message, open};

contract_tests!(contract, service());

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_deleted_by_hand_is_made_again() {
    let (broker, prefix) = match broker() {
        Ok(broker) => (broker, prefix()),
        Err(why) => return println!("skipped: {why}"),
    };
    let queue = open(&format!("{broker}?prefix={prefix}")).await.expect("the URL is good");
    let channel = Channel::results();
    for _ in 0..2 {
        queue.publish(&channel, vec![Message::new("here")]).await.expect("it is published");
        let came = queue.receive(&channel, 1, Duration::from_secs(20)).await.expect("it answers");
        assert_eq!(came.len(), 1);
        for delivery in came {
            delivery.ack().await.expect("it is ours");
        }
        let waiting = Arc::clone(&queue);
        let waiting =
            tokio::spawn(
                async move { waiting.receive(&Channel::results(), 1, Duration::from_secs(1)).await },
            );
        delete_queues(broker.clone(), prefix.clone()).await;
        assert_eq!(waiting.await.expect("no panic").expect("it answers").len(), 0);
    }
    delete_queues(broker, prefix).await;
}

#[tokio::test]
async fn nobody_listening_is_worth_another_try_and_says_where() {
    // A port of ours that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.expect("a free port").port();
    let queue = open(&format!("amqp://me:hunter2@127.0.0.1:{port}/%2f")).await.expect("the URL is good");
    let error = queue.receive(&Channel::results(), 1, Duration::ZERO).await.expect_err("nobody is there");
    assert!(error.retry().is_retryable(), "{error}");
    let message = error.to_string();
    assert!(message.contains(&format!("RabbitMQ at 127.0.0.1:{port}")), "{message}");
    assert!(!format!("{error:?} {message}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_virtual_host_are_not_tried_again() {
    let broker = match broker() {
        Ok(broker) => url::Url::parse(&broker).expect("PLIMSOLL_TEST_AMQP is a URL"),
        Err(why) => return println!("skipped: {why}"),
    };
    let (mut password, mut vhost) = (broker.clone(), broker);
    password.set_password(Some("wrong")).expect("the URL has a host");
    vhost.set_path("/no-such-vhost");
    for url in [password, vhost] {
        let queue = open(url.as_str()).await.expect("the URL is good");
        let error = queue.publish(&Channel::results(), vec![Message::new("x")]).await.expect_err("refused");
        assert!(matches!(error, Error::Refused { .. }) && !error.retry().is_retryable(), "{error:?}");
    }
}
