//! Many scans at once of images that are mostly the same. `PLIMSOLL_TEST_SCANS` says how many.

use std::collections::BTreeMap;

use plimsoll_api::client::{Client, Options, messages as v1};
use plimsoll_tests::image::Image;

use crate::fleet::{image, installs};
use crate::places::Broker;
use crate::roles::Roles;

/// Layers of an image; all but the top one are shared.
const LAYERS: usize = 10;

fn count() -> usize {
    std::env::var("PLIMSOLL_TEST_SCANS")
        .map_or(200, |count| count.parse().expect("PLIMSOLL_TEST_SCANS is a number"))
}

/// Submits all at once and follows each to its end.
async fn judge(server: &str, references: Vec<String>) -> Vec<v1::Scan> {
    let client = Client::new(Options::new(server)).expect("a client");
    let submissions: Vec<_> = references
        .into_iter()
        .map(|reference| {
            let (client, idempotency_key) = (client.clone(), reference.clone());
            let request = v1::SubmitScanRequest { reference, idempotency_key, ..Default::default() };
            tokio::spawn(async move { client.submit(request).await.expect("it is accepted").scan })
        })
        .collect();
    let mut ends = Vec::new();
    for submitted in submissions {
        let scan = submitted.await.expect("no panic").expect("a scan");
        ends.push(client.watch(&scan.id, |_, _| ()).await.expect("the scan ends"));
    }
    ends
}

#[test]
fn of_many_scans_at_once_each_distinct_layer_is_pulled_once() {
    let Some(roles) = Roles::start(Broker::RabbitMq) else { return };
    let _workers = [roles.worker(&["--slots", "2"]), roles.worker(&["--slots", "2"])];
    let shared: Vec<_> = (1..LAYERS).map(|n| installs(&format!("pier{n}"), "1.0")).collect();
    let images: Vec<Image> = (0..count())
        .map(|n| image("amd64", &[shared.clone(), vec![installs(&format!("crane{n}"), "3.1")]].concat()))
        .collect();
    let push = |(n, image)| roles.registry.push(&format!("app{n}"), "1", image);
    let references: Vec<String> = images.iter().enumerate().map(push).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for scan in runtime.block_on(judge(&roles.server, references)) {
        assert_eq!((scan.status(), scan.verdicts.len()), (v1::VerdictStatus::Pass, 1), "{scan:?}");
    }
    let mut pulls: BTreeMap<String, usize> = BTreeMap::new();
    for request in roles.registry.requests().into_iter().filter(|request| request.method == "GET") {
        if let Some((_, digest)) = request.path.rsplit_once("/blobs/") {
            *pulls.entry(digest.to_owned()).or_default() += 1;
        }
    }
    let layers: std::collections::BTreeSet<_> =
        images.iter().flat_map(|image| &image.layers).map(|layer| &layer.blob.digest).collect();
    assert_eq!(layers.len(), count() + LAYERS - 1);
    let wrong: Vec<_> = layers.into_iter().filter(|layer| pulls.get(*layer) != Some(&1)).collect();
    assert!(wrong.is_empty(), "not pulled once: {wrong:#?}");
}
