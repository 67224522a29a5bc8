//! The contract suite on SQS. `PLIMSOLL_TEST_SQS` is the endpoint of a service that speaks its protocol, such as
//! `http://127.0.0.1:9324`, or `aws` for SQS itself; credentials come from the environment as usual.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plimsoll_queue::testing::{Service, contract_tests};
use plimsoll_queue::{Channel, Error, Message, open};

/// The options that say where.
fn place() -> Result<String, String> {
    let place = std::env::var("PLIMSOLL_TEST_SQS")
        .map_err(|_| "PLIMSOLL_TEST_SQS names no service that speaks the protocol of SQS".to_owned())?;
    if place != "aws" && std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        return Err("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; any words will do".to_owned());
    }
    Ok(if place == "aws" { String::new() } else { format!("endpoint={place}&region=us-east-1&") })
}

/// A prefix that no other test has.
fn prefix() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("test-{now:x}-{:x}", std::process::id())
}

fn service() -> Result<Service, String> {
    let (place, prefix) = (place()?, prefix());
    Ok(Service::new(move |lease| {
        let url = format!("sqs:{prefix}?{place}create=true&lease_ms={}", lease.as_millis());
        async move { open(&url).await }
    }))
}

contract_tests!(contract, service());

#[tokio::test]
async fn a_missing_queue_is_named_and_not_made() {
    let (place, prefix) = match place() {
        Ok(place) => (place, prefix()),
        Err(why) => return println!("skipped: {why}"),
    };
    let queue = open(&format!("sqs:{prefix}?{place}")).await.expect("the URL is good");
    for _ in 0..2 {
        let error = queue.publish(&Channel::results(), vec![Message::new("x")]).await.expect_err("no queue");
        assert!(matches!(error, Error::NoQueue { .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains(&format!("{prefix}-results")) && message.contains("create=true"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_large_answer_is_filled_from_many_small_ones() {
    let (place, prefix) = match place() {
        Ok(place) => (place, prefix()),
        Err(why) => return println!("skipped: {why}"),
    };
    let queue = open(&format!("sqs:{prefix}?{place}create=true")).await.expect("the URL is good");
    let channel = Channel::results();
    queue.publish(&channel, vec![Message::new("x"); 95]).await.expect("they are published");
    let came = queue.receive(&channel, 75, Duration::from_secs(20)).await.expect("it answers");
    assert!(came.len() > 10 && came.len() <= 75, "{}", came.len());
}
