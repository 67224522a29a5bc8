//! Killed at any moment, a fleet goes on where it was.

use crate::fleet::{Fleet, image, installs};

#[test]
fn scans_outlive_the_process_that_took_them() {
    let mut fleet = Fleet::start();
    let images: Vec<_> = (0..8)
        .map(|n| image("amd64", &[installs("jetty", "1.2"), installs(&format!("crane{n}"), "3.1")]))
        .collect();
    let scans: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(n, image)| {
            let scan = fleet.submit(&fleet.registry.push(&format!("app{n}"), "1", image));
            // After a submit was answered the scan is durable, however far the roles are with it.
            fleet.kill();
            fleet.launch();
            scan
        })
        .collect();
    for scan in &scans {
        let answer = fleet.ask(&["watch", scan]);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert_eq!(answer.documents().len(), 1, "one verdict: {answer:?}");
    }
}

#[test]
fn a_fleet_that_is_told_to_stop_ends_well_and_goes_on_later() {
    let mut fleet = Fleet::start();
    let image = image("amd64", &[installs("quay", "2.0")]);
    let scan = fleet.submit(&fleet.registry.push("app", "1", &image));
    assert_eq!(fleet.stop(), Some(0));
    fleet.launch();
    let answer = fleet.ask(&["watch", &scan]);
    assert_eq!(answer.code, 0, "{answer:?}");
}

#[test]
fn a_second_process_over_the_same_data_does_not_start() {
    let mut fleet = Fleet::start();
    let second = fleet.launch_another();
    assert!(second.code == 3 && second.stderr.contains("another plimsoll serve"), "{second:?}");
    fleet.kill();
    fleet.launch();
}
