//! The roles as processes of their own over RabbitMQ, Postgres and S3: as many as one likes, and any of them may go.

use std::time::{Duration, Instant};

use plimsoll_tests::image::Image;
use plimsoll_tests::registry::{Fault, Misdeed};

use crate::fleet::{image, installs};
use crate::places::Broker;
use crate::process::PATIENCE;
use crate::roles::Roles;

/// Workers need this many slots at most.
const SLOTS: &[&str] = &["--slots", "2"];

/// How much of a layer comes before the registry holds it: not even a header.
const HELD: Misdeed = Misdeed::Hold(10);

fn one_image(name: &str) -> Image {
    image("amd64", &[installs("jetty", "1.2"), installs(name, "3.1")])
}

/// The path of the blob of an image's top layer.
fn top(image: &Image) -> &str {
    &image.layers.last().expect("a layer").blob.digest
}

/// A scan whose top layer a worker has in hand: the registry holds it back.
fn held(roles: &Roles, name: &str) -> (Image, String, String) {
    let image = one_image(name);
    let reference = roles.registry.push(name, "1", &image);
    roles.registry.fault(Fault::times(1, top(&image), HELD));
    let scan = roles.submit(&reference);
    assert!(roles.registry.wait_for(1, "GET", top(&image), PATIENCE), "a worker asks for the layer");
    (image, reference, scan)
}

#[test]
fn a_fleet_of_many_processes_and_a_scan_by_hand_write_the_same_documents() {
    let Some(roles) = Roles::start(Broker::RabbitMq) else { return };
    let _workers = [roles.worker(SLOTS), roles.worker(SLOTS)];
    let shared: Vec<_> = (0..3).map(|n| installs(&format!("pier{n}"), "1.0")).collect();
    let images: Vec<Image> = (0..6)
        .map(|n| {
            // Every second one has the package that an advisory is about.
            let own = if n % 2 == 0 { installs("quay", &format!("1.{n}")) } else { installs("quay", "2.0") };
            image("amd64", &[shared.clone(), vec![own, installs(&format!("crane{n}"), "3.1")]].concat())
        })
        .collect();
    let references: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(n, image)| roles.registry.push(&format!("app{n}"), "1", image))
        .collect();
    let scans: Vec<_> = references.iter().map(|reference| roles.submit(reference)).collect();
    for (n, scan) in scans.iter().enumerate() {
        roles.expect(scan, i32::from(n % 2 == 0));
    }
    for image in &images {
        assert_eq!(roles.registry.layer_pulls(image), [1; 5]);
    }
    for reference in &references {
        roles.agrees_with_scan(reference);
    }
}

#[test]
fn a_worker_killed_at_a_layer_costs_another_pull_of_that_layer_and_nothing_else() {
    let Some(roles) = Roles::start(Broker::RabbitMq) else { return };
    let doomed = roles.worker(SLOTS);
    let (image, reference, scan) = held(&roles, "derrick");
    let orphans = doomed.kill();
    let _heir = roles.worker(SLOTS);
    roles.expect(&scan, 0);
    assert_eq!(roles.registry.count("GET", top(&image)), 2);
    // Though nobody lets go of the layer they are at.
    orphans.end();
    roles.agrees_with_scan(&reference);
}

#[test]
fn a_worker_told_to_stop_finishes_what_it_has_in_hand() {
    let Some(roles) = Roles::start(Broker::RabbitMq) else { return };
    let worker = roles.worker(SLOTS);
    let (image, _, scan) = held(&roles, "gantry");
    worker.terminate();
    worker.says("stopping; the next signal stops at once");
    roles.registry.release();
    assert_eq!(worker.ends(), Some(0));
    // There is no other worker: the layers were finished, or the scan would never end.
    roles.expect(&scan, 0);
    assert_eq!(roles.registry.layer_pulls(&image), [1, 1]);
}

#[test]
fn a_worker_told_to_stop_hands_back_what_it_cannot_finish() {
    let Some(roles) = Roles::start(Broker::RabbitMq) else { return };
    let worker = roles.worker(&["--grace", "1", "--slots", "2"]);
    let (image, _, scan) = held(&roles, "bollard");
    let told = Instant::now();
    worker.terminate();
    assert_eq!(worker.ends(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(20), "it takes its grace and little more");
    let _heir = roles.worker(SLOTS);
    roles.expect(&scan, 0);
    assert_eq!(roles.registry.count("GET", top(&image)), 2);
}

#[test]
fn a_fleet_over_sqs_outlives_a_worker_too() {
    let Some(roles) = Roles::start(Broker::Sqs) else { return };
    let doomed = roles.worker(SLOTS);
    let (image, reference, scan) = held(&roles, "winch");
    let second = roles.registry.push("other", "1", &one_image("capstan"));
    let other = roles.submit(&second);
    doomed.kill().end();
    let _heirs = [roles.worker(SLOTS), roles.worker(SLOTS)];
    roles.expect(&scan, 0);
    roles.expect(&other, 0);
    assert_eq!(roles.registry.count("GET", top(&image)), 2);
    roles.agrees_with_scan(&reference);
    roles.agrees_with_scan(&second);
}
