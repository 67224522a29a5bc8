//! Callbacks against a receiver on loopback, with a state in a file.

mod fixture;
mod receiver;

use std::time::Duration;

use plimsoll_state::DeliveryState;
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Failure, ScanState, Tenant};
use serde_json::json;
use standardwebhooks::Webhook;
use tokio_util::sync::CancellationToken;

use fixture::{A, B, Fixture, REFERENCE};
use receiver::{Answer, Receiver};

fn verifies(secret: &str, received: &receiver::Received) -> bool {
    Webhook::new(secret).expect("a secret").verify(&received.body, &received.headers).is_ok()
}

#[tokio::test]
async fn a_judged_scan_is_told_as_a_signed_event() {
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let fixture = Fixture::new(&[A]).await;
    let scan = fixture.judged(&receiver.url("/hook?job=7"), VerdictStatus::Fail).await;
    assert_eq!(fixture.turn().await, 1);

    let got = receiver.next().await;
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/hook?job=7"));
    assert_eq!(got.header("content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(got.header("webhook-id"), scan.to_string());
    assert!(verifies(A, &got), "the convention's own library accepts it");
    assert!(!verifies(B, &got));
    let mut forged = got.clone();
    forged.body.push(b' ');
    assert!(!verifies(A, &forged));

    let event: serde_json::Value = serde_json::from_slice(&got.body).expect("JSON");
    let expected = json!({
        "specversion": "1.0", "id": scan, "source": "/plimsoll/tenants/default", "type": "dev.plimsoll.scan.judged",
        "time": fixture.instant(), "subject": REFERENCE, "datacontenttype": "application/json",
        "data": {
            "scan": scan, "tenant": "default", "reference": REFERENCE, "labels": {"team": "a"},
            "state": "judged", "status": "fail", "exit_code": 1, "failure": null, "index": null,
            "submitted_at": fixture.instant(), "ended_at": fixture.instant(),
            "platforms": [{
                "platform": "linux/amd64", "manifest": fixture::digest(0xaa), "status": "fail",
                "document": fixture.document(VerdictStatus::Fail), "policy": fixture::digest(0xb0),
                "knowledge": fixture::digest(0xb1), "evaluated_at": fixture.instant(),
                "layers_known": 1, "layers": 1,
                "reasons": [{"gate": "vulnerabilities", "trigger": "package", "action": "stop",
                             "trigger_id": "CVE-1+openssl", "message": "openssl is old"}],
                "reasons_total": 1,
            }],
            "platforms_total": 1,
        },
    });
    assert_eq!(event, expected);
    let row = fixture.row(scan).await;
    assert_eq!((row.state, row.attempts, row.reason), (DeliveryState::Delivered, 1, None));
    assert_eq!(fixture.turn().await, 0, "it is told once");
}

#[tokio::test]
async fn a_scan_that_could_not_be_judged_says_why() {
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let fixture = Fixture::new(&[A]).await;
    for (end, kind) in [(ScanState::Failed, "unauthorized"), (ScanState::Gone, "not_found")] {
        let failure = Failure::lasting(kind, "the registry says no");
        let scan = fixture.failed(&receiver.url("/"), end, &failure).await;
        fixture.turn().await;
        let got = receiver.next().await;
        let event: serde_json::Value = serde_json::from_slice(&got.body).expect("JSON");
        assert_eq!(event["type"], format!("dev.plimsoll.scan.{end}"));
        assert_eq!((&event["data"]["scan"], &event["data"]["exit_code"]), (&json!(scan), &json!(3)));
        assert_eq!((&event["data"]["status"], &event["data"]["platforms"]), (&json!(null), &json!([])));
        let expected = json!({"kind": kind, "message": "the registry says no", "retryable": false});
        assert_eq!(event["data"]["failure"], expected);
    }
}

#[tokio::test]
async fn while_secrets_change_receivers_of_both_accept() {
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let fixture = Fixture::new(&[B, A]).await;
    fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    fixture.turn().await;
    let got = receiver.next().await;
    assert!(verifies(A, &got) && verifies(B, &got));
    let header = got.header("webhook-signature");
    let seconds = got.header("webhook-timestamp").parse().expect("seconds");
    let newest = Webhook::new(B).expect("a secret").sign(got.header("webhook-id"), seconds, &got.body);
    assert_eq!(header.split(' ').next(), newest.ok().as_deref(), "the first secret signs first: {header}");
}

#[tokio::test]
async fn a_busy_receiver_gets_the_same_event_when_it_asked_for_it() {
    let receiver = Receiver::start(|count| match count {
        0 => Answer::status(503).header("retry-after", "600"),
        1 => Answer::status(500),
        _ => Answer::status(200),
    })
    .await;
    let fixture = Fixture::new(&[A]).await;
    let scan = fixture.judged(&receiver.url("/hook/secret"), VerdictStatus::Warn).await;
    let start = fixture.now();
    fixture.turn().await;
    let first = receiver.next().await;
    let row = fixture.row(scan).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 1));
    assert_eq!(row.next_at, Some(start + 600_000));
    let reason = row.reason.expect("a reason");
    assert!(reason.ends_with("answered 503 Service Unavailable") && !reason.contains("secret"), "{reason}");

    fixture.pass(Duration::from_secs(599));
    assert_eq!(fixture.turn().await, 0, "not before it asked");
    fixture.pass(Duration::from_secs(1));
    assert_eq!(fixture.turn().await, 1);
    let second = receiver.next().await;
    let wait = fixture.row(scan).await.next_at.expect("pending") - fixture.now();
    assert!((5_000..=10_000).contains(&wait), "the second wait is longer than the first: {wait}");

    fixture.pass(Duration::from_secs(10));
    assert_eq!(fixture.turn().await, 1);
    let third = receiver.next().await;
    assert_eq!((&first.body, first.header("webhook-id")), (&third.body, third.header("webhook-id")));
    assert_eq!(first.body, second.body);
    assert_ne!(
        first.header("webhook-timestamp"),
        third.header("webhook-timestamp"),
        "the signature is fresh"
    );
    let row = fixture.row(scan).await;
    assert_eq!((row.state, row.attempts, row.reason), (DeliveryState::Delivered, 3, None));

    let counted = fixture.counted.render();
    for line in [
        r#"plimsoll_deliver_deliveries_total{outcome="again"} 2"#,
        r#"plimsoll_deliver_deliveries_total{outcome="delivered"} 1"#,
        r#"plimsoll_deliver_attempt_seconds_count{answer="away"} 2"#,
        r#"plimsoll_deliver_attempt_seconds_count{answer="taken"} 1"#,
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_given_up_and_told_again_by_hand() {
    let receiver = Receiver::start(|count| Answer::status(if count == 0 { 410 } else { 200 })).await;
    let fixture = Fixture::new(&[A]).await;
    let scan = fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    fixture.turn().await;
    let first = receiver.next().await;
    let row = fixture.row(scan).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 1));
    assert!(row.reason.expect("a reason").contains("410 Gone"));
    fixture.pass(Duration::from_secs(1_000_000));
    assert_eq!(fixture.turn().await, 0, "nobody tries any more");

    let state = &fixture.callbacks.state;
    assert!(state.redeliver(&Tenant::default(), scan, fixture.now()).await.expect("answered"));
    assert_eq!(fixture.turn().await, 1);
    assert_eq!(receiver.next().await.body, first.body);
    assert_eq!(fixture.row(scan).await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn what_a_receiver_does_not_want_is_offered_a_few_times_and_what_it_cannot_take_for_long() {
    for (status, attempts) in [(404, 4), (307, 4), (429, 20)] {
        let answer = Answer::status(status).header("location", "http://169.254.169.254/");
        let receiver = Receiver::start(move |_| answer.clone()).await;
        let fixture = Fixture::new(&[A]).await;
        let scan = fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
        let mut made = 0;
        while fixture.row(scan).await.state == DeliveryState::Pending {
            made += fixture.turn().await;
            fixture.pass(Duration::from_hours(6));
        }
        let row = fixture.row(scan).await;
        assert_eq!((row.state, row.attempts, made), (DeliveryState::Dead, attempts, attempts as usize));
        let reason = row.reason.expect("a reason");
        assert!(reason.contains(&format!("given up after {attempts} attempts")), "{reason}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_up_or_never_answers_is_away() {
    let silent = Receiver::start(|_| Answer::never()).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    };
    let mut fixture = Fixture::new(&[A]).await;
    fixture.reconfigure(|config| config.timeout = Duration::from_millis(50));
    let waiting = fixture.judged(&silent.url("/"), VerdictStatus::Pass).await;
    let refused = fixture.judged(&format!("http://{closed}/"), VerdictStatus::Pass).await;
    assert_eq!(fixture.turn().await, 2);
    for (scan, expected) in [(waiting, "did not answer within 0.05 s"), (refused, "cannot connect")] {
        let row = fixture.row(scan).await;
        assert_eq!(row.state, DeliveryState::Pending);
        assert!(row.reason.as_deref().is_some_and(|reason| reason.contains(expected)), "{row:?}");
    }
}

#[tokio::test]
async fn the_guard_refuses_this_machine_and_metadata_services() {
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let port = receiver.address.port();
    let guarded = Fixture::allowing(&[A], &[]).await;
    let opened = Fixture::allowing(&[A], &["127.0.0.0/8", "169.254.0.0/16"]).await;
    for (fixture, url) in [
        (&guarded, receiver.url("/")),
        (&guarded, format!("http://localhost:{port}/")),
        (&guarded, format!("http://[::ffff:127.0.0.1]:{port}/")),
        (&guarded, "http://169.254.169.254/latest/meta-data/".to_owned()),
        (&opened, "http://169.254.169.254/latest/meta-data/".to_owned()),
    ] {
        let scan = fixture.judged(&url, VerdictStatus::Pass).await;
        fixture.turn().await;
        let row = fixture.row(scan).await;
        let reason = row.reason.expect("a reason");
        assert_eq!(row.state, DeliveryState::Dead, "{url}: {reason}");
        assert!(reason.contains("may not be connected to"), "{url}: {reason}");
    }
    assert_eq!(receiver.count(), 0);
    let scan = opened.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    opened.turn().await;
    assert_eq!(opened.row(scan).await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn without_a_secret_for_the_tenant_nothing_is_posted() {
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let fixture = Fixture::new(&[]).await;
    let scan = fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    fixture.turn().await;
    let row = fixture.row(scan).await;
    assert_eq!(row.state, DeliveryState::Pending);
    assert!(row.reason.expect("a reason").contains("no secret signs"));
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn a_store_that_is_away_costs_no_attempt() {
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let mut fixture = Fixture::new(&[A]).await;
    let scan = fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    let store = fixture.replace_store(std::sync::Arc::new(fixture::Away));
    assert_eq!(fixture.turn().await, 1);
    let row = fixture.row(scan).await;
    assert_eq!((row.state, row.attempts, receiver.count()), (DeliveryState::Pending, 0, 0));
    fixture.replace_store(store);
    assert_eq!(fixture.turn().await, 0, "it is still claimed");
    fixture.pass(fixture.callbacks.config.lease);
    assert_eq!(fixture.turn().await, 1);
    assert_eq!(fixture.row(scan).await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn two_workers_deliver_once_each_scan() {
    const SCANS: usize = 30;
    let receiver = Receiver::start(|_| Answer::status(200)).await;
    let fixture = Fixture::new(&[A]).await;
    let mut owed = std::collections::BTreeSet::new();
    for _ in 0..SCANS {
        owed.insert(fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await.to_string());
    }
    let stop = CancellationToken::new();
    let workers: Vec<_> =
        ["one", "two"].map(|name| tokio::spawn(fixture.worker(name).run(stop.clone()))).into();
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..SCANS {
        told.insert(receiver.next().await.header("webhook-id").to_owned());
    }
    stop.cancel();
    for worker in workers {
        worker.await.expect("no panic");
    }
    assert_eq!((told, receiver.count()), (owed, SCANS));
    let pending = fixture.rows(Some(DeliveryState::Pending)).await;
    assert!(pending.is_empty(), "what was posted is marked before a worker ends: {pending:?}");
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_finishes_what_it_posts() {
    let receiver = Receiver::start(|_| Answer::status(200).held()).await;
    let fixture = Fixture::new(&[A]).await;
    let scan = fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(fixture.worker("one").run(stop.clone()));
    receiver.next().await;
    stop.cancel();
    receiver.let_go();
    worker.await.expect("no panic");
    assert_eq!(fixture.row(scan).await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_worker_waits_no_longer_than_its_grace() {
    let receiver = Receiver::start(|_| Answer::never()).await;
    let mut fixture = Fixture::new(&[A]).await;
    fixture.reconfigure(|config| config.grace = Duration::from_millis(10));
    let scan = fixture.judged(&receiver.url("/"), VerdictStatus::Pass).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(fixture.worker("one").run(stop.clone()));
    receiver.next().await;
    stop.cancel();
    worker.await.expect("no panic");
    fixture.pass(fixture.callbacks.config.lease);
    let again = fixture.claim().await;
    assert_eq!(
        again.iter().map(|delivery| (delivery.scan, delivery.attempts)).collect::<Vec<_>>(),
        [(scan, 0)]
    );
}
