//! The typed keys of the store, and the only place that spells them.

use plimsoll_types::{Digest, EvidenceGroup};

/// What can be stored, and under which name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `blobs/<digest>`: the diff_id of a blob whose digest and diff_id one pull has both verified.
    BlobLink(Digest),
    /// `manifests/<digest>`: bytes of a manifest or an index.
    Manifest(Digest),
    /// `configs/<digest>`: bytes of an image config.
    Config(Digest),
    /// `layers/<diff_id>/<group>/<fingerprint>`: evidence.
    Evidence {
        /// Digest of the uncompressed layer.
        diff_id: Digest,
        /// Group.
        group: EvidenceGroup,
        /// Fingerprint of the group's analyzers, versions and configuration.
        fingerprint: Digest,
    },
    /// `snapshots/<digest>`: a knowledge snapshot.
    Snapshot(Digest),
    /// `verdicts/<digest>`: a verdict document.
    Verdict(Digest),
    /// `policies/<digest>`: a policy.
    Policy(Digest),
}
