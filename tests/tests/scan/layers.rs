//! Layers are analysed once, and only those nobody has analysed are pulled.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use plimsoll_tests::image::{Compression, Layer};
use plimsoll_tests::registry::{Fault, Misdeed};

use crate::workshop::{AMD64, Workshop, image, installs, removes};

fn first() -> Vec<Layer> {
    vec![installs("quay", "1.0"), installs("jetty", "1.2"), installs("crane", "3.1")]
}

/// Every file of evidence in the store, and when it was written. A scan that failed before any
/// layer was done leaves not even their directory.
fn evidence(store: &Path) -> BTreeMap<String, SystemTime> {
    fn walk(directory: &Path, found: &mut BTreeMap<String, SystemTime>) {
        for entry in fs::read_dir(directory).expect("a directory of the store").flatten() {
            if entry.path().is_dir() {
                walk(&entry.path(), found);
            } else {
                let written = entry.metadata().and_then(|meta| meta.modified()).expect("a time");
                found.insert(entry.path().display().to_string(), written);
            }
        }
    }
    let mut found = BTreeMap::new();
    let layers = store.join("layers");
    if layers.exists() {
        walk(&layers, &mut found);
    }
    found
}

#[test]
fn the_next_image_on_the_same_layers_costs_one_layer() {
    let workshop = Workshop::new();
    let (one, two) = (image(&first()), image(&[first(), vec![removes("jetty", "1.2")]].concat()));
    workshop.scan(&workshop.registry.push("app", "1", &one), AMD64);
    assert_eq!(workshop.registry.layer_pulls(&one), [1, 1, 1]);
    workshop.registry.clear_requests();

    let outcome = workshop.scan(&workshop.registry.push("app", "2", &two), AMD64).expect(0);
    assert_eq!(workshop.registry.layer_pulls(&two), [0, 0, 0, 1]);
    assert_eq!(outcome.known(), [true, true, true, false]);
    assert_eq!(outcome.packages().len(), 2, "{:?}", outcome.packages());
}

#[test]
fn a_recompressed_layer_is_pulled_but_not_analysed_again() {
    let workshop = Workshop::new();
    let with =
        |compression| -> Vec<_> { first().into_iter().map(|layer| layer.compression(compression)).collect() };
    let (gzip, zstd) = (image(&first()), image(&with(Compression::Zstd)));
    let outcome = workshop.scan(&workshop.registry.push("app", "1", &gzip), AMD64);
    let before = evidence(&workshop.store());
    assert!(before.len() >= 3, "{before:?}");

    let again = workshop.scan(&workshop.registry.push("app-zstd", "1", &zstd), AMD64);
    assert_eq!(workshop.registry.layer_pulls(&zstd), [1, 1, 1]);
    assert_eq!(evidence(&workshop.store()), before);
    assert_eq!(again.packages(), outcome.packages());

    workshop.registry.clear_requests();
    let known = workshop.scan(&workshop.registry.reference("app-zstd", "1"), AMD64);
    assert_eq!(workshop.registry.layer_pulls(&zstd), [0, 0, 0]);
    assert_eq!(known.known(), [true, true, true]);
}

#[test]
fn a_known_image_is_judged_without_a_pull_and_to_the_same_verdict() {
    let workshop = Workshop::new();
    let image = image(&first());
    let reference = workshop.registry.push("app", "1", &image);
    let first = workshop.scan(&reference, AMD64);
    let second = workshop.scan(&reference, AMD64);
    assert_eq!(workshop.registry.layer_pulls(&image), [1, 1, 1]);
    for part in ["packages", "vulnerabilities", "coverage", "verdict", "distro"] {
        assert_eq!(first.report[part], second.report[part], "{part}");
    }
}

#[test]
fn two_scans_at_once_share_a_store() {
    let workshop = Workshop::new();
    let image = image(&first());
    let reference = workshop.registry.push("app", "1", &image);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let scans: Vec<_> = (0..4).map(|_| scope.spawn(|| workshop.scan(&reference, AMD64))).collect();
        scans.into_iter().map(|scan| scan.join().expect("a scan does not panic")).collect()
    });
    for outcome in &outcomes {
        assert_eq!((outcome.code, outcome.packages().len()), (0, 3), "{outcome:?}");
    }
}

#[test]
fn a_broken_pull_goes_on_where_it_broke() {
    let workshop = Workshop::new();
    let large = Layer::new("COPY large /").file("large", noise(300_000));
    let image = image(&[installs("quay", "1.0"), large]);
    let reference = workshop.registry.push("app", "1", &image);
    let digest = &image.layers[1].blob.digest;
    workshop.registry.fault(Fault::times(1, digest, Misdeed::CutAfter(100_000)));
    workshop.scan(&reference, AMD64).expect(0);
    let ranges: Vec<_> = workshop
        .registry
        .requests()
        .into_iter()
        .filter(|request| request.path.contains(digest))
        .map(|request| request.range)
        .collect();
    assert_eq!(ranges, [None, Some("bytes=100000-".to_owned())]);
}

#[test]
fn wrong_bytes_are_refused_and_leave_nothing_behind() {
    let workshop = Workshop::new();
    let image = image(&first());
    let reference = workshop.registry.push("app", "1", &image);
    let digest = &image.layers[1].blob.digest;
    workshop.registry.fault(Fault::always(digest, Misdeed::WrongBytes));
    let outcome = workshop.scan(&reference, AMD64);
    assert_eq!((outcome.code, outcome.report["error"].is_object()), (3, true), "{outcome:?}");
    assert!(outcome.stderr.contains(digest), "{}", outcome.stderr);
    let diff_id = image.layers[1].diff_id.trim_start_matches("sha256:").to_owned();
    assert!(!evidence(&workshop.store()).keys().any(|path| path.contains(&diff_id)));

    workshop.registry.clear_faults();
    let outcome = workshop.scan(&reference, AMD64);
    assert!(!outcome.known()[1]);
    assert_eq!(outcome.packages().len(), 3);
}

/// Bytes that gzip cannot make smaller, the same ones every time.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(size)
    .collect()
}
