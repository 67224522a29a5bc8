//! What a plan does to a layer: a pure decision, the same for every dialect.

use std::collections::BTreeMap;

use plimsoll_types::{Digest, Lane};

use crate::{BlobStanding, Fingerprints, KnownLayer, LayerState, PlannedBlob, PlannedTarget};

/// What of a layer's row matters to a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) state: LayerState,
    pub(crate) lane: Lane,
    pub(crate) known: Option<KnownLayer>,
    /// Whether a scan waits for it.
    pub(crate) interested: bool,
}

/// What to write, and whether the scan waits for the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Settled, and it stays so.
    Settled,
    /// Outstanding, and published in a lane that is urgent enough.
    Waiting,
    /// Outstanding, and to be published in the scan's lane.
    Raise,
    /// Settled, and outstanding from now on.
    Reopen,
    /// Its evidence is there.
    Done(KnownLayer),
}

impl Step {
    pub(crate) fn is_waited_for(self) -> bool {
        matches!(self, Self::Waiting | Self::Raise | Self::Reopen)
    }
}

/// The readable layers of a plan by digest. A blob that occurs twice is known if one occurrence is.
pub(crate) fn distinct(targets: &[PlannedTarget]) -> BTreeMap<Digest, &PlannedBlob> {
    let mut layers = BTreeMap::new();
    for blob in targets.iter().flat_map(|target| &target.layers) {
        match blob.standing {
            BlobStanding::Known(_) => drop(layers.insert(blob.digest, blob)),
            BlobStanding::Wanted => drop(layers.entry(blob.digest).or_insert(blob)),
            BlobStanding::Unreadable => {}
        }
    }
    layers
}

/// Decides about a layer that has a row.
pub(crate) fn step(row: &Standing, blob: &PlannedBlob, lane: Lane, accepted: &[Fingerprints]) -> Step {
    let is_current = row.state == LayerState::Done
        && row.known.is_some_and(|known| accepted.is_empty() || accepted.contains(&known.fingerprints));
    match blob.standing {
        _ if is_current => Step::Settled,
        BlobStanding::Known(known) => Step::Done(known),
        BlobStanding::Wanted | BlobStanding::Unreadable => match row.state {
            LayerState::Outstanding if row.interested && lane <= row.lane => Step::Waiting,
            LayerState::Outstanding => Step::Raise,
            // The plan brings a source, or asks for evidence of a version that is accepted.
            LayerState::Gone | LayerState::Done => Step::Reopen,
            LayerState::Failed | LayerState::Quarantined | LayerState::Unreadable => Step::Settled,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprints(version: u8) -> Fingerprints {
        Fingerprints { index: Digest::from_bytes([version; 32]), packages: Digest::from_bytes([version; 32]) }
    }

    fn known(version: u8) -> KnownLayer {
        let diff_id = Digest::from_bytes([9; 32]);
        KnownLayer { diff_id, uncompressed_size: 1, fingerprints: fingerprints(version) }
    }

    fn row(state: LayerState) -> Standing {
        let known = (state == LayerState::Done).then(|| known(1));
        Standing { state, lane: Lane::Push, known, interested: true }
    }

    fn blob(standing: BlobStanding) -> PlannedBlob {
        let digest = Digest::from_bytes([1; 32]);
        PlannedBlob { digest, size: 1, media_type: String::new(), diff_id: digest, standing }
    }

    #[test]
    fn an_outstanding_layer_is_published_again_in_a_higher_lane_only() {
        let wanted = blob(BlobStanding::Wanted);
        for (lane, expected) in
            [(Lane::Backfill, Step::Waiting), (Lane::Push, Step::Waiting), (Lane::Interactive, Step::Raise)]
        {
            assert_eq!(step(&row(LayerState::Outstanding), &wanted, lane, &[]), expected);
        }
    }

    #[test]
    fn an_outstanding_layer_nobody_waits_for_is_published_again() {
        let forgotten = Standing { interested: false, ..row(LayerState::Outstanding) };
        assert_eq!(step(&forgotten, &blob(BlobStanding::Wanted), Lane::Backfill, &[]), Step::Raise);
    }

    #[test]
    fn evidence_of_a_version_that_is_not_accepted_is_no_answer() {
        let wanted = blob(BlobStanding::Wanted);
        let done = row(LayerState::Done);
        assert_eq!(step(&done, &wanted, Lane::Push, &[]), Step::Settled);
        assert_eq!(step(&done, &wanted, Lane::Push, &[fingerprints(2), fingerprints(1)]), Step::Settled);
        assert_eq!(step(&done, &wanted, Lane::Push, &[fingerprints(2)]), Step::Reopen);
        let newer = blob(BlobStanding::Known(known(2)));
        assert_eq!(step(&done, &newer, Lane::Push, &[fingerprints(2)]), Step::Done(known(2)));
    }

    #[test]
    fn a_new_source_revives_what_is_gone_and_not_what_is_poison() {
        let wanted = blob(BlobStanding::Wanted);
        assert_eq!(step(&row(LayerState::Gone), &wanted, Lane::Push, &[]), Step::Reopen);
        for state in [LayerState::Failed, LayerState::Quarantined] {
            assert_eq!(step(&row(state), &wanted, Lane::Push, &[]), Step::Settled);
        }
    }

    #[test]
    fn what_is_known_ends_every_wait() {
        let found = blob(BlobStanding::Known(known(1)));
        for state in [LayerState::Outstanding, LayerState::Gone, LayerState::Failed, LayerState::Quarantined]
        {
            assert_eq!(step(&row(state), &found, Lane::Push, &[]), Step::Done(known(1)));
        }
    }

    #[test]
    fn a_blob_that_occurs_twice_is_one_layer_and_an_unreadable_one_is_none() {
        let layers = vec![
            blob(BlobStanding::Known(known(1))),
            blob(BlobStanding::Wanted),
            PlannedBlob { digest: Digest::from_bytes([2; 32]), ..blob(BlobStanding::Unreadable) },
        ];
        let target = PlannedTarget {
            platform: plimsoll_types::Platform::host_linux(),
            manifest: Digest::from_bytes([3; 32]),
            config: Digest::from_bytes([4; 32]),
            blind_spots: Vec::new(),
            layers,
        };
        let targets = [target];
        let distinct = distinct(&targets);
        assert_eq!(distinct.len(), 1);
        assert!(distinct.values().all(|blob| blob.standing == BlobStanding::Known(known(1))));
    }
}
