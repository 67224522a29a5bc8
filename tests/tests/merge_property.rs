//! Folding equals squashing: over small and nasty stacks of layers, the inventory's files are what a naive squasher
//! leaves, which uses nothing of the inventory.

use std::collections::BTreeMap;

use plimsoll_inventory::fold;
use plimsoll_tests::squash::{Node, apply, strategy};
use plimsoll_types::{Digest, Evidence, FileEntry, IndexEvidence, PackagesEvidence};
use proptest::prelude::*;

/// The merged files in the oracle's terms.
fn folded(layers: &[Vec<FileEntry>]) -> BTreeMap<Vec<u8>, Node> {
    let diff_id = Digest::from_bytes([0; 32]);
    let evidence = layers.iter().map(|entries| Evidence {
        index: IndexEvidence {
            diff_id,
            uncompressed_size: 0,
            entries: entries.clone(),
            kept: Vec::new(),
            ambiguities: Vec::new(),
        },
        packages: PackagesEvidence { diff_id, sections: Vec::new() },
    });
    let node = |file: plimsoll_types::InventoryFile| {
        let entry = file.entry();
        let node = Node {
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            size: entry.size,
            sha256: entry.sha256,
            link_target: entry.link_target.to_vec(),
            rdev: entry.rdev,
            xattrs: entry.xattrs.clone(),
            layer: 0,
        };
        (file.path().as_bytes().to_vec(), node)
    };
    fold(evidence.collect()).files.into_iter().map(node).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn folding_equals_squashing(layers in strategy::layers()) {
        let mut expected = apply(&layers);
        // Attribution has tests of its own.
        for node in expected.values_mut() {
            node.layer = 0;
        }
        prop_assert_eq!(folded(&layers), expected);
    }
}
