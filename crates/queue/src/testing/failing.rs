//! Promises for when something dies.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{PATIENCE, QUIET, RESULTS, SHORT_LEASE, Service, ack, bodies, hold, hold_one, numbered, publish};
use crate::{Error, LeaseEnd};

/// A holder that dies without a word gives its messages back: when the lease ends, or with its connection.
pub async fn a_dead_holder_gives_back(service: Arc<Service>) {
    let (dying, living) = (service.connect_with(SHORT_LEASE).await, service.connect().await);
    publish(&*living, numbered(0..3)).await;
    let held = hold(&*dying, 3).await;
    // A dead process drops nothing.
    held.into_iter().for_each(std::mem::forget);
    if dying.capabilities().lease == LeaseEnd::Connection {
        super::assert_nothing_comes(&*living, QUIET).await;
        dying.close().await;
    }
    let back = hold(&*living, 3).await;
    assert!(back.iter().all(|delivery| delivery.redelivered), "{back:?}");
    assert_eq!(bodies(back.iter().map(|delivery| &delivery.message)), bodies(&numbered(0..3)));
    ack(back).await;
}

/// A handle that was closed answers at once.
pub async fn a_closed_handle_says_so(service: Arc<Service>) {
    let queue = service.connect().await;
    publish(&*queue, numbered(0..1)).await;
    queue.close().await;
    let errors = [
        queue.publish(&RESULTS, numbered(0..1)).await.expect_err("it is closed"),
        queue.receive(&RESULTS, 1, PATIENCE).await.expect_err("it is closed"),
        queue.depth(&RESULTS).await.expect_err("it is closed"),
    ];
    for error in errors {
        assert!(matches!(error, Error::Closed), "{error}");
    }
    ack(hold(&*service.connect().await, 1).await).await;
}

/// Handles made before a restart work on after it: what was confirmed is there, what was held comes back, and what
/// is published meanwhile is published or says that it was not.
pub async fn a_restarted_broker_loses_nothing(service: Arc<Service>) {
    let restart = match service.restart() {
        Ok(command) => command.to_owned(),
        Err(why) => return println!("skipped: {why}"),
    };
    let (queue, holder) = (service.connect().await, service.connect().await);
    publish(&*queue, numbered(0..100)).await;
    let held = hold_one(&*holder).await;

    let publisher = Arc::clone(&queue);
    let publishing = tokio::spawn(async move {
        for n in 100..200 {
            while let Err(error) = publisher.publish(&RESULTS, numbered(n..n + 1)).await {
                assert!(error.retry().is_retryable(), "{error}");
            }
            // Spread over the restart.
            sleep(Duration::from_millis(50)).await;
        }
    });
    let waiting = tokio::spawn(async move {
        let channel = crate::Channel::layers(plimsoll_types::Lane::Push);
        holder.receive(&channel, 1, Duration::from_secs(2)).await.err()
    });
    let status = spawn_blocking(move || Command::new("sh").args(["-c", &restart]).status()).await;
    assert!(status.expect("no panic").expect("there is a shell").success(), "the broker restarts");
    publishing.await.expect("everything is published in the end");
    if let Some(error) = waiting.await.expect("the receiver ends") {
        assert!(error.retry().is_retryable(), "{error}");
    }
    let late = held.ack().await;
    assert!(matches!(late, Err(Error::LeaseLost)), "the lease ended with the connection: {late:?}");

    let (start, mut seen) = (Instant::now(), std::collections::BTreeSet::new());
    while seen.len() < 200 {
        assert!(start.elapsed() < 2 * PATIENCE, "{} of 200 messages came", seen.len());
        match queue.receive(&RESULTS, 50, Duration::from_secs(1)).await {
            Ok(came) => {
                seen.extend(came.iter().map(|delivery| delivery.message.body.clone()));
                ack(came).await;
            }
            Err(error) => assert!(error.retry().is_retryable(), "{error}"),
        }
    }
}
