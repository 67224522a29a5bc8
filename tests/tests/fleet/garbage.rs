//! Garbage is collected while a fleet works.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::fleet::{Fleet, image, installs};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes everything below a directory a month old.
fn age(directory: &Path) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        if entry.file_type().expect("a kind").is_dir() {
            age(&entry.path());
        } else {
            let file = std::fs::File::open(entry.path()).expect("a file");
            file.set_modified(SystemTime::now() - DAY * 30).expect("its age is set");
        }
    }
}

fn stray(store: &Path, kind: &str) -> PathBuf {
    let name = "ab".repeat(32);
    let directory = store.join(kind).join("ab");
    std::fs::create_dir_all(&directory).expect("a directory");
    let file = directory.join(name);
    std::fs::write(&file, "nobody names this").expect("a file");
    file
}

#[test]
fn what_nothing_needs_is_deleted_and_verdicts_are_replayed_as_before() {
    let fleet = Fleet::start();
    let first = image("amd64", &[installs("quay", "1.0"), installs("jetty", "1.2")]);
    let answer = fleet.judge(&fleet.registry.push("harbour/app", "1", &first));
    let digest = answer.documents()[0].to_owned();
    let strays: Vec<_> = ["blobs", "configs", "manifests", "policies", "snapshots", "verdicts"]
        .map(|kind| stray(&fleet.store(), kind))
        .into();

    let young = fleet.collect_garbage(&[]);
    assert_eq!(young.code, 0, "{young:?}");
    assert!(strays.iter().all(|stray| stray.exists()), "they are young: {young:?}");

    age(&fleet.store());
    let asked = fleet.collect_garbage(&["--dry-run"]);
    assert!(asked.code == 0 && asked.stdout.contains("to delete"), "{asked:?}");
    assert!(strays.iter().all(|stray| stray.exists()), "{asked:?}");

    let done = fleet.collect_garbage(&[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!strays.iter().any(|stray| stray.exists()), "{done:?}");
    assert_eq!(fleet.replay(&digest).code, 0, "everything it was judged by is there");

    // The shared layer is known all the same.
    let second = image("amd64", &[installs("quay", "1.0"), installs("crane", "3.1")]);
    let answer = fleet.judge(&fleet.registry.push("harbour/app", "2", &second));
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(fleet.registry.layer_pulls(&second), [1; 2]);
}

#[test]
fn a_grace_period_that_protects_nobody_is_a_mistake() {
    let fleet = Fleet::start();
    let answer = fleet.collect_garbage(&["--grace", "1h"]);
    assert_eq!(answer.code, 64, "{answer:?}");
    assert!(answer.stderr.contains("48 h"), "{answer:?}");
}

#[test]
fn by_a_state_that_is_not_the_stores_nothing_is_deleted() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("quay", "1.0")]);
    let answer = fleet.judge(&fleet.registry.push("harbour/app", "1", &image));
    let digest = answer.documents()[0].to_owned();
    age(&fleet.store());
    let elsewhere = tempfile::tempdir().expect("a directory");
    let file = elsewhere.path().join("typo.db");
    let state = format!("sqlite:{}", file.display());

    let missing = fleet.collect_garbage_by(&state, &[]);
    assert!(missing.code == 3 && missing.stderr.contains("no such file"), "{missing:?}");
    assert!(!file.exists(), "it is not made either");

    // One that was made a moment ago needs nothing at all.
    assert_eq!(fleet.ask(&["token", "list", "--state", &state]).code, 0);
    let foreign = fleet.collect_garbage_by(&state, &[]);
    assert!(foreign.code == 3 && foreign.stderr.contains("not the state of this store"), "{foreign:?}");
    assert_eq!(fleet.replay(&digest).code, 0, "everything it was judged by is there");
}
