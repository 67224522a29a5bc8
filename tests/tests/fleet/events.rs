//! Events of ECR by way of SQS: every good one is judged once, every malformed one is put aside with its reason, every one
//! whose image is gone ends as such.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_config::BehaviorVersion;
use aws_sdk_sqs::config::Region;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use plimsoll_api::client::messages as v1;
use plimsoll_tests::ecr::EcrApi;
use plimsoll_tests::image::{Image, ImageBuilder};
use plimsoll_tests::registry::Auth;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fleet::{Fleet, Settings, image, installs};
use crate::numbers::{get, value};

const ACCOUNT: &str = "123456789012";
const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const PASSWORD: &str = "password-of-twelve-hours";

/// The longest that all of it may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A fleet that listens to a queue, and the registry that the events in it are about.
struct Port {
    fleet: Fleet,
    api: EcrApi,
    sqs: aws_sdk_sqs::Client,
    /// The URL of the queue, and of the inbox as `plimsoll` is told.
    queue: String,
    inbox: String,
    runtime: Runtime,
    _directory: TempDir,
}

impl Port {
    /// None if there is no service that speaks the protocol of SQS.
    fn open() -> Option<Self> {
        let Ok(place) = std::env::var("PLIMSOLL_TEST_SQS") else {
            println!("skipped: PLIMSOLL_TEST_SQS names no service that speaks the protocol of SQS");
            return None;
        };
        if place == "aws" || std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
            println!(
                "skipped: PLIMSOLL_TEST_SQS is not a service of this machine with keys in AWS_ACCESS_KEY_ID"
            );
            return None;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let name = unique();
        let (sqs, queue) = runtime.block_on(queues(&place, &name));
        let inbox = format!("sqs:{name}?endpoint={place}&region=us-east-1&lease_ms=10000");

        let (directory, api) =
            (tempfile::tempdir().expect("a directory"), EcrApi::start(PASSWORD).expect("an API"));
        let registries = directory.path().join("registries.yml");
        let variable = |name: &'static str| (name, std::env::var(name).unwrap_or_default());
        let environment = vec![
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
            ("AWS_REGION", "us-east-1".into()),
        ];
        let arguments = ["--events", &inbox, "--registries", &registries.display().to_string()];
        let arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
        // The file is there before the fleet is, and names a registry that the fleet brings.
        let fleet = Fleet::start_about(
            Settings { arguments, environment, ..Settings::default() },
            |registry| {
                let entry = json!({
                    "host": "*.dkr.ecr.eu-west-1.amazonaws.com", "endpoint": format!("http://{}", registry.host()),
                    "ecr": {"role": "arn:aws:iam::{account}:role/pull", "endpoint": api.url(), "sts_endpoint": api.url()},
                });
                std::fs::write(&registries, json!({"registries": [entry]}).to_string()).expect("a file");
            },
        );
        fleet.registry.require(Auth::Basic { user: "AWS".into(), password: PASSWORD.into() });
        Some(Self { fleet, api, sqs, queue, inbox, runtime, _directory: directory })
    }

    async fn send(&self, texts: &[String]) {
        for batch in texts.chunks(10) {
            let entries = batch.iter().enumerate().map(|(at, text)| {
                let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(text);
                entry.build().expect("an entry")
            });
            let send = self.sqs.send_message_batch().queue_url(&self.queue);
            let sent = send.set_entries(Some(entries.collect())).send().await.expect("it answers");
            assert!(sent.failed().is_empty(), "{sent:?}");
        }
    }

    /// Every scan that events asked for, when the queue is empty and all of them have ended.
    async fn ended(&self, at_least: usize) -> Vec<v1::Scan> {
        let (began, client) = (Instant::now(), self.fleet.client());
        let inbox = plimsoll_queue::open_inbox(&self.inbox).await.expect("the URL is good");
        loop {
            let label = v1::list_scans_request::LabelFilter { key: "trigger".into(), value: "ecr".into() };
            let (mut all, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = v1::ListScansRequest {
                    label: Some(label.clone()),
                    page_size: 500,
                    page_token,
                    ..Default::default()
                };
                let page = client.list(request).await.expect("it answers");
                all.extend(page.scans);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            let open = all.iter().filter(|scan| scan.ended_at.is_none()).count();
            let depth = inbox.depth().await.expect("it answers");
            if open == 0 && all.len() >= at_least && depth.ready + depth.leased == 0 {
                return all;
            }
            let so_far = all.len();
            assert!(
                began.elapsed() < PATIENCE,
                "{open} of {so_far} scans have not ended; {depth:?} in the queue"
            );
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// The texts that were put aside, with their reasons.
    async fn put_aside(&self, count: usize) -> BTreeMap<String, String> {
        let inbox = plimsoll_queue::open_inbox(&self.inbox).await.expect("the URL is good");
        let (mut all, began) = (BTreeMap::new(), Instant::now());
        while all.len() < count && began.elapsed() < Duration::from_secs(30) {
            for letter in inbox.receive_dead(10, Duration::from_secs(1)).await.expect("it answers") {
                let text = String::from_utf8(letter.message.body.to_vec()).expect("text");
                all.insert(text, letter.message.dead_letter_reason().unwrap_or_default().to_owned());
                letter.ack().await.expect("it is ours");
            }
        }
        all
    }
}

/// A queue, and one for dead letters beside it. Gives a client, and the URL of the first.
async fn queues(place: &str, name: &str) -> (aws_sdk_sqs::Client, String) {
    let sqs = sqs(place).await;
    let dead = sqs.create_queue().queue_name(format!("{name}-dead")).send().await;
    dead.expect("a queue of dead letters");
    let made = sqs.create_queue().queue_name(name).send().await.expect("a queue");
    (sqs, made.queue_url.expect("a URL"))
}

async fn sqs(place: &str) -> aws_sdk_sqs::Client {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    let config = config.endpoint_url(place).region(Region::new("us-east-1"));
    aws_sdk_sqs::Client::new(&config.load().await)
}

fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
    format!("events-{now:x}-{:x}", std::process::id())
}

/// An event about an image.
fn event(action: &str, number: usize, digest: &str) -> Value {
    json!({
        "version": "0", "id": format!("00000000-0000-4000-8000-{number:012}"), "detail-type": "ECR Image Action",
        "source": "aws.ecr", "account": ACCOUNT, "time": "2026-03-01T08:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": {
            "result": "SUCCESS", "repository-name": format!("fleet/app{}", number % 7), "image-digest": digest,
            "action-type": action, "image-tag": format!("n{number}"),
        },
    })
}

/// An image that shares its layers with others, but for its config.
fn numbered(tops: &[Image], number: usize) -> Image {
    let mut builder = ImageBuilder::new("amd64").config("User", "1000".into());
    for layer in &tops[number % tops.len()].layers {
        builder = builder.ready("RUN make", layer);
    }
    builder.config("Env", json!([format!("NUMBER={number}")])).build()
}

/// Ways in which a message can be no event; the digest of the first is one digit short.
fn malformed(number: usize) -> String {
    let digest = format!("sha256:{number:063}");
    match number % 4 {
        0 => event("PUSH", number, &digest).to_string(),
        1 => format!("{{\"detail-type\": \"ECR Image Action\", \"number\": {number}"),
        2 => json!({"number": number, "detail-type": "ECR Image Action", "source": "aws.ecr", "detail": {}})
            .to_string(),
        _ => format!("hello {number}"),
    }
}

#[test]
fn every_good_event_is_judged_once_and_every_bad_one_is_put_aside() {
    let Some(port) = Port::open() else { return };
    let count = std::env::var("PLIMSOLL_TEST_EVENTS").map_or(60, |count| count.parse().expect("a number"));
    let (duplicates, odd, deleted) = (count / 10, count / 50 + 2, count / 20);
    let good = count - duplicates - odd - deleted;

    let tops: Vec<Image> = (0..10)
        .map(|n| {
            image(
                "amd64",
                &[installs("jetty", "1.2"), installs("pier", "3.4"), installs(&format!("crane{n}"), "1")],
            )
        })
        .collect();
    let mut messages = Vec::new();
    for number in 0..good {
        let image = numbered(&tops, number);
        let (repository, tag) = (format!("fleet/app{}", number % 7), format!("n{number}"));
        port.fleet.registry.push(&repository, &tag, &image);
        messages.push(event("PUSH", number, &image.manifest.digest).to_string());
    }
    for number in 0..duplicates {
        messages.push(messages[number * good / duplicates.max(1)].clone());
    }
    // Pushed and deleted again before anybody looked.
    let gone: Vec<_> = (good..good + deleted).map(|number| numbered(&tops, number).manifest.digest).collect();
    for (number, digest) in (good..).zip(&gone) {
        messages.push(event("PUSH", number, digest).to_string());
    }
    let bad: Vec<String> = (0..odd).map(malformed).collect();
    messages.extend(bad.iter().cloned());
    // Besides, what a queue may have that is nothing to us.
    messages
        .push(json!({"detail-type": "ECR Image Scan", "source": "aws.ecr", "detail": {"n": 1}}).to_string());
    let mut failed = event("PUSH", count + 1, &gone[0]);
    failed["detail"]["result"] = "FAILURE".into();
    messages.push(failed.to_string());
    fastrand::Rng::with_seed(7).shuffle(&mut messages);

    let began = Instant::now();
    port.runtime.block_on(port.send(&messages));
    let scans = port.runtime.block_on(port.ended(good + deleted));
    let took = began.elapsed();

    let of = |state: v1::ScanState| scans.iter().filter(|scan| scan.state() == state).count();
    let references: BTreeSet<_> = scans.iter().map(|scan| scan.reference.as_str()).collect();
    assert_eq!(references.len(), scans.len(), "each image is judged once");
    assert_eq!((of(v1::ScanState::Judged), of(v1::ScanState::Gone)), (good, deleted), "of {}", scans.len());
    assert_eq!(scans.len(), good + deleted);
    assert!(scans.iter().all(|scan| scan.reference.starts_with(HOST) && scan.reference.contains("@sha256:")));
    let vanished = scans.iter().filter(|scan| scan.state() == v1::ScanState::Gone);
    assert!(vanished.clone().all(|scan| gone.iter().any(|digest| scan.reference.ends_with(digest))));

    let letters = port.runtime.block_on(port.put_aside(odd));
    assert_eq!(letters.keys().collect::<BTreeSet<_>>(), bad.iter().collect::<BTreeSet<_>>());
    assert!(letters.values().all(|reason| !reason.is_empty()), "{letters:?}");

    let metrics = get(&port.fleet.http, "/metrics");
    for (outcome, least) in [
        ("submitted", good + deleted),
        ("duplicate", duplicates),
        ("malformed", odd),
        ("other", 1),
        ("unsuccessful", 1),
    ] {
        let series = format!("plimsoll_trigger_events_total{{source=\"ecr\",outcome=\"{outcome}\"}}");
        assert!(value(&metrics, &series) + 0.5 > least as f64, "{outcome}: {metrics}");
    }
    assert!(port.api.tokens() <= 4, "a token for each process that pulls, and not for each image");
    println!(
        "events: sent={} judged={} gone={} put_aside={} duplicates={duplicates} seconds={:.1} images_per_second={:.1}",
        messages.len(),
        of(v1::ScanState::Judged),
        of(v1::ScanState::Gone),
        letters.len(),
        took.as_secs_f64(),
        scans.len() as f64 / took.as_secs_f64(),
    );
}
