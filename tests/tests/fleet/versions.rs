//! Workers of two versions side by side, as during an upgrade. The second one is the binary that `make poison` builds:
//! it has an analyzer more, so the evidence it writes has another fingerprint.

use std::collections::BTreeSet;

use plimsoll_tests::registry::{Fault, Misdeed};
use serde_json::Value;

use crate::fleet::{image, installs};
use crate::places::Broker;
use crate::poison;
use crate::process::PATIENCE;
use crate::roles::Roles;

/// The fingerprints of the evidence a verdict was made of, lowest layer first.
fn evidence(roles: &Roles, reference: &str) -> Vec<String> {
    let document: Value = serde_json::from_slice(&roles.document(reference)).expect("the document is JSON");
    let layers = document["inputs"]["evidence"].as_array().expect("one for each layer").clone();
    layers.iter().map(|layer| layer["packages"].as_str().expect("a digest").to_owned()).collect()
}

#[test]
fn workers_of_two_versions_work_side_by_side_and_verdicts_name_the_evidence_of_each() {
    let Some(newer) = poison::binary() else { return };
    let Some(roles) = Roles::start(Broker::RabbitMq) else { return };
    let one_slot: &[&str] = &["--slots", "1"];
    let _workers = [roles.worker(one_slot), roles.worker_of(&newer, one_slot)];

    // One of them has its hands full with the first image, so the other one reads what comes then; and the other way
    // round for the third.
    let base = installs("jetty", "1.2");
    let mut scans = Vec::new();
    let mut judge = |held: bool, name: &str| {
        let image = image("amd64", &[base.clone(), installs(name, "3.1")]);
        let (reference, top) = (roles.registry.push(name, "1", &image), image.layers[1].blob.digest.clone());
        if held {
            roles.registry.fault(Fault::times(1, &top, Misdeed::Hold(10)));
        }
        let scan = roles.submit(&reference);
        if held {
            assert!(roles.registry.wait_for(1, "GET", &top, PATIENCE));
        } else {
            roles.expect(&scan, 0);
        }
        scans.push((reference, scan));
    };
    judge(true, "held");
    judge(false, "other");
    roles.registry.release();
    for n in 0..4 {
        judge(false, &format!("more{n}"));
    }
    let mut seen = BTreeSet::new();
    for (reference, scan) in &scans {
        roles.expect(scan, 0);
        seen.extend(evidence(&roles, reference));
    }
    assert_eq!(seen.len(), 2, "the evidence of both was used");
    let (held, other) = (evidence(&roles, &scans[0].0), evidence(&roles, &scans[1].0));
    assert_eq!(held[0], other[0], "their common layer was read once");
    assert_ne!(held[1], other[1], "their own layers were read by different workers");

    // What a verdict names is what it was made of, whichever version looks.
    for (reference, _) in &scans {
        for binary in [None, Some(&*newer)] {
            let answer = roles.replay(binary, reference);
            assert_eq!(answer.code, 0, "{answer:?}");
        }
    }
}
