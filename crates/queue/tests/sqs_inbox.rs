//! What an inbox promises, on SQS. The variables are those of `sqs.rs`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Region;
use aws_sdk_sqs::types::QueueAttributeName::RedrivePolicy;
use plimsoll_queue::testing::{InboxService, inbox_tests};
use plimsoll_queue::{Error, open_inbox};

/// The endpoint of the service.
fn place() -> Result<String, String> {
    let place = std::env::var("PLIMSOLL_TEST_SQS")
        .map_err(|_| "PLIMSOLL_TEST_SQS names no service that speaks the protocol of SQS".to_owned())?;
    if place == "aws" {
        return Err("PLIMSOLL_TEST_SQS is SQS itself, where these tests make no queues".to_owned());
    }
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        return Err("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; any words will do".to_owned());
    }
    Ok(place)
}

/// A name that no other test has.
fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("test-{now:x}-{:x}", std::process::id())
}

/// Somebody who fills queues.
async fn stranger(place: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(place)
        .region(Region::new("us-east-1"));
    Client::new(&config.load().await)
}

fn service() -> Result<InboxService, String> {
    let (place, name) = (place()?, unique());
    let url = format!("sqs:{name}?endpoint={place}&region=us-east-1&create=true");
    Ok(InboxService::new(
        move |lease: Duration| {
            let url = format!("{url}&lease_ms={}", lease.as_millis());
            async move { open_inbox(&url).await }
        },
        move |texts| {
            let (place, name) = (place.clone(), name.clone());
            async move {
                let client = stranger(&place).await;
                let found = client.get_queue_url().queue_name(name).send().await.expect("the queue is there");
                for text in texts {
                    let send =
                        client.send_message().set_queue_url(found.queue_url.clone()).message_body(text);
                    send.send().await.expect("it is sent");
                }
            }
        },
    ))
}

inbox_tests!(contract, service());

#[tokio::test]
async fn the_queue_of_dead_letters_is_the_one_of_the_redrive_policy() {
    let (place, name) = match place() {
        Ok(place) => (place, unique()),
        Err(why) => return println!("skipped: {why}"),
    };
    let client = stranger(&place).await;
    let dead = client.create_queue().queue_name(format!("{name}-letters")).send().await.expect("it is made");
    let dead = dead.queue_url.expect("a URL");
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}-letters");
    let policy = format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":\"1000\"}}");
    let made = client.create_queue().queue_name(&name).attributes(RedrivePolicy, policy).send().await;
    let queue = made.expect("it is made").queue_url.expect("a URL");

    let inbox = open_inbox(&format!("{queue}?region=us-east-1")).await.expect("the URL is good");
    inbox.check().await.expect("both queues are there");
    client.send_message().queue_url(&queue).message_body("odd").send().await.expect("it is sent");
    let came = inbox.receive(1, Duration::from_secs(20)).await.expect("it answers").pop().expect("a message");
    came.dead_letter("it is odd").await.expect("it is ours");
    let letter =
        client.receive_message().queue_url(dead).message_attribute_names("All").wait_time_seconds(20);
    let letters = letter.send().await.expect("it answers").messages.unwrap_or_default();
    let letter = letters.first().expect("the letter lies there");
    let reason = letter.message_attributes().and_then(|all| all.get("dead-letter-reason"));
    assert_eq!(letter.body(), Some("odd"));
    assert_eq!(reason.and_then(|reason| reason.string_value()), Some("it is odd"));
}

#[tokio::test]
async fn a_missing_queue_of_dead_letters_is_named_at_the_start() {
    let (place, name) = match place() {
        Ok(place) => (place, unique()),
        Err(why) => return println!("skipped: {why}"),
    };
    stranger(&place).await.create_queue().queue_name(&name).send().await.expect("it is made");
    let inbox =
        open_inbox(&format!("sqs:{name}?endpoint={place}&region=us-east-1")).await.expect("it is good");
    let error = inbox.check().await.expect_err("there is no second queue");
    assert!(matches!(error, Error::NoQueue { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("{name}-dead")), "{error}");
}
