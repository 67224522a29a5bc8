//! At its deadline a scan has an answer, whatever is known by then.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plimsoll_tests::registry::{Fault, Misdeed, Registry};
use plimsoll_types::{ScanRequest, Tenant};
use serde_json::Value;

use crate::fleet::{Fleet, image, installs};

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    since.as_millis().try_into().expect("a date of our days")
}

#[test]
fn a_scan_no_coordinator_had_time_for_is_not_judged_and_says_what_was_known() {
    let mut fleet = Fleet::start();
    let image = image("amd64", &[installs("quay", "1.0"), installs("jetty", "1.2")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);
    for layer in &image.layers {
        fleet.registry.fault(Fault::always(&layer.blob.digest, Misdeed::Status(503)));
    }
    fleet.kill();
    // Its deadline passed while nobody was there.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let scan = runtime.block_on(async {
        let state = plimsoll_state::connect(&fleet.state()).await.expect("the state");
        let request =
            ScanRequest { deadline: Some(now() - 1), ..ScanRequest::new(Tenant::default(), &reference) };
        state.submit(&request, now() - 1_000).await.expect("it is accepted").id
    });
    fleet.launch();
    let answer = fleet.ask(&["watch", &scan.to_string()]);
    assert_eq!(answer.code, 3, "{answer:?}");
    let digest = answer.documents()[0];
    let document: Value = serde_json::from_slice(&fleet.document(digest)).expect("JSON");
    assert_eq!(document["verdict"]["status"], "not_judged");
    assert_eq!(document["error"]["kind"], "deadline");
    let message = document["error"]["message"].as_str().expect("a message");
    assert!(message.contains("0 of 2 layers known"), "{message}");
    assert_eq!(fleet.replay(digest).code, 0);
}

#[test]
fn a_scan_whose_registry_does_not_answer_in_time_ends_by_name() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("quay", "1.0")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);
    fleet.registry.fault(Fault::always("/manifests/", Misdeed::Status(503)));
    let answer = fleet.ask(&["submit", &reference, "--wait", "--deadline", "1s"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.contains("deadline passed before the image was resolved"), "{answer:?}");
}

#[test]
fn what_is_not_there_is_said_at_the_deadline_too() {
    let fleet = Fleet::start();
    let missing = fleet.registry.reference("harbour/none", "1");
    let answer = fleet.ask(&["submit", &missing, "--wait", "--deadline", "1s"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.contains("gone"), "{answer:?}");
}

#[test]
fn a_registry_that_does_not_answer_holds_up_nobody_elses_scan() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("jetty", "1.2")]);
    fleet.registry.fault(Fault::always("/slow/", Misdeed::Hold(0)));
    let slow = fleet.registry.push("slow/app", "1", &image);
    // More than are resolved at the same time.
    for _ in 0..70 {
        fleet.submit(&slow);
    }
    let began = Instant::now();
    let other = Registry::start().expect("another registry");
    let answer = fleet.judge(&other.push("harbour/app", "1", &image));
    assert_eq!(answer.code, 0, "{answer:?}");
    let answer = fleet.ask(&["submit", &slow, "--wait", "--deadline", "1s"]);
    assert!(answer.code == 3 && answer.stderr.contains("deadline"), "{answer:?}");
    // Less than one of those who wait has for its attempt.
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    fleet.registry.release();
}
