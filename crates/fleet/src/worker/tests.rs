//! Jobs and their registries.

use std::collections::VecDeque;
use std::sync::Mutex;

use plimsoll_proto::{decode_layer_result, encode_layer_job};
use plimsoll_types::{Digest, Lane};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn job(number: u8, registry: &str) -> Message {
    let source = LayerSource {
        registry: registry.into(),
        repository: "app".into(),
        tenant: "default".into(),
        credential: None,
        plain_http: false,
    };
    let digest = Digest::from_bytes([number; 32]);
    let job = LayerJob {
        digest,
        size: 1,
        media_type: "layer".into(),
        claimed_diff_id: digest,
        sources: vec![source],
        attempt: 0,
    };
    Message::new(encode_layer_job(&job))
}

/// Says what was prepared, and then that jobs are done; and tells of every job that it begins.
struct Prepared {
    outcomes: Mutex<VecDeque<Retry>>,
    begun: mpsc::UnboundedSender<(Digest, Instant)>,
}

#[async_trait]
impl Runner for Prepared {
    async fn run(&self, job: &LayerJob, _: bool) -> LayerOutcome {
        self.begun.send((job.digest, Instant::now())).expect("the test listens");
        match self.outcomes.lock().expect("nobody panics").pop_front() {
            Some(retry) => {
                let failure = LayerFailure { kind: "rate_limited".into(), message: "slower".into(), retry };
                LayerOutcome::SourceFailed { source: job.sources[0].clone(), failure }
            }
            None => LayerOutcome::Interrupted("done".into()),
        }
    }
}

struct Harness {
    queue: Arc<dyn Queue>,
    begun: mpsc::UnboundedReceiver<(Digest, Instant)>,
    stop: CancellationToken,
}

/// A worker with one slot whose first jobs fail so.
async fn worker(outcomes: &[Retry]) -> Harness {
    let queue = plimsoll_queue::open("memory:").await.expect("a queue in memory");
    let (sender, begun) = mpsc::unbounded_channel();
    let runner = Prepared { outcomes: Mutex::new(outcomes.iter().copied().collect()), begun: sender };
    let (stop, config) = (CancellationToken::new(), Config { slots: 1, ..Config::default() });
    let (working, until) = (Arc::clone(&queue), stop.clone());
    tokio::spawn(async move { run(&config, working, Arc::new(runner), Metrics::default(), until).await });
    Harness { queue, begun, stop }
}

impl Harness {
    async fn publish(&self, jobs: Vec<Message>) {
        self.queue.publish(&Channel::layers(Lane::Push), jobs).await.expect("it is published");
    }

    async fn next(&mut self) -> (u8, Instant) {
        let (digest, at) = self.begun.recv().await.expect("a job begins");
        (digest.as_bytes()[0], at)
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_registry_that_asks_for_time_are_put_off_and_others_are_not() {
    let mut worker = worker(&[Retry::After(Some(SECOND * 10))]).await;
    worker.publish(vec![job(1, "busy"), job(2, "busy"), job(3, "idle")]).await;
    let (first, asked_at) = worker.next().await;
    let (second, at_once) = worker.next().await;
    let (third, later) = worker.next().await;
    assert_eq!((first, second, third), (1, 3, 2));
    assert!(at_once - asked_at < SECOND, "{:?}", at_once - asked_at);
    assert!(later - asked_at >= SECOND * 10, "{:?}", later - asked_at);
    worker.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_for_the_state_to_keep() {
    let mut worker = worker(&[Retry::After(Some(SECOND * 600))]).await;
    worker.publish(vec![job(1, "busy"), job(2, "busy")]).await;
    assert_eq!(worker.next().await.0, 1);
    let mut waits = Vec::new();
    while waits.len() < 2 {
        for delivery in worker.queue.receive(&Channel::results(), 2, SECOND).await.expect("results") {
            let result = decode_layer_result(&delivery.message.body).expect("a result");
            let LayerOutcome::SourceFailed { failure, .. } = result.outcome else {
                panic!("{:?}", result.outcome);
            };
            waits.push((result.digest.as_bytes()[0], failure.retry));
            delivery.ack().await.expect("it is acknowledged");
        }
    }
    waits.sort_by_key(|(number, _)| *number);
    let Retry::After(Some(wait)) = waits[1].1 else { panic!("{waits:?}") };
    assert!(wait > SECOND * 590 && wait <= SECOND * 750, "{wait:?}");
    assert!(worker.begun.try_recv().is_err(), "the registry was not asked again");
    worker.stop.cancel();
}
