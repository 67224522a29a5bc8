//! The typed keys of the store, and the only place that spells them.

use std::fmt;

use plimsoll_types::{Digest, EvidenceGroup};

/// What can be stored, and under which name. Digests are spelled as their 64 hex digits.
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

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Everything.
    All,
    /// Every [`Key::BlobLink`].
    BlobLinks,
    /// Every [`Key::Manifest`].
    Manifests,
    /// Every [`Key::Config`].
    Configs,
    /// Every [`Key::Evidence`].
    Layers,
    /// The evidence of one layer.
    Layer(Digest),
    /// Every [`Key::Snapshot`].
    Snapshots,
    /// Every [`Key::Verdict`].
    Verdicts,
    /// Every [`Key::Policy`].
    Policies,
}

impl Key {
    /// The name, relative to whatever root the backend has. Letters, digits and slashes only.
    pub fn path(&self) -> String {
        match self {
            Self::BlobLink(digest) => format!("blobs/{}", digest.hex()),
            Self::Manifest(digest) => format!("manifests/{}", digest.hex()),
            Self::Config(digest) => format!("configs/{}", digest.hex()),
            Self::Evidence { diff_id, group, fingerprint } => {
                format!("layers/{}/{}/{}", diff_id.hex(), group.as_str(), fingerprint.hex())
            }
            Self::Snapshot(digest) => format!("snapshots/{}", digest.hex()),
            Self::Verdict(digest) => format!("verdicts/{}", digest.hex()),
            Self::Policy(digest) => format!("policies/{}", digest.hex()),
        }
    }

    /// The key [`Key::path`] spells as `path`; `None` for anything else.
    pub fn from_path(path: &str) -> Option<Self> {
        let (kind, rest) = path.split_once('/')?;
        Some(match kind {
            "blobs" => Self::BlobLink(digest(rest)?),
            "manifests" => Self::Manifest(digest(rest)?),
            "configs" => Self::Config(digest(rest)?),
            "layers" => {
                let (diff_id, rest) = rest.split_once('/')?;
                let (group, fingerprint) = rest.split_once('/')?;
                Self::Evidence {
                    diff_id: digest(diff_id)?,
                    group: *EvidenceGroup::ALL.iter().find(|known| known.as_str() == group)?,
                    fingerprint: digest(fingerprint)?,
                }
            }
            "snapshots" => Self::Snapshot(digest(rest)?),
            "verdicts" => Self::Verdict(digest(rest)?),
            "policies" => Self::Policy(digest(rest)?),
            _ => return None,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl Prefix {
    /// What the paths of its keys start with.
    pub fn path(&self) -> String {
        let kind = match self {
            Self::All => return String::new(),
            Self::Layer(diff_id) => return format!("layers/{}/", diff_id.hex()),
            Self::BlobLinks => "blobs",
            Self::Manifests => "manifests",
            Self::Configs => "configs",
            Self::Layers => "layers",
            Self::Snapshots => "snapshots",
            Self::Verdicts => "verdicts",
            Self::Policies => "policies",
        };
        format!("{kind}/")
    }
}

fn digest(hex: &str) -> Option<Digest> {
    format!("sha256:{hex}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn every_kind(a: Digest, b: Digest) -> Vec<(Key, Prefix)> {
        let evidence =
            |&group: &EvidenceGroup| (Key::Evidence { diff_id: a, group, fingerprint: b }, Prefix::Layers);
        let mut keys: Vec<_> = EvidenceGroup::ALL.iter().map(evidence).collect();
        keys.extend([
            (Key::BlobLink(a), Prefix::BlobLinks),
            (Key::Manifest(a), Prefix::Manifests),
            (Key::Config(a), Prefix::Configs),
            (Key::Snapshot(a), Prefix::Snapshots),
            (Key::Verdict(a), Prefix::Verdicts),
            (Key::Policy(a), Prefix::Policies),
        ]);
        keys
    }

    proptest! {
        #[test]
        fn every_key_comes_back_from_its_path_and_lies_below_its_prefix(a: [u8; 32], b: [u8; 32]) {
            let keys = every_kind(Digest::from_bytes(a), Digest::from_bytes(b));
            let paths: std::collections::BTreeSet<_> = keys.iter().map(|(key, _)| key.path()).collect();
            prop_assert_eq!(paths.len(), keys.len());
            for (key, prefix) in keys {
                let path = key.path();
                prop_assert!(path.starts_with(&prefix.path()) && path.starts_with(&Prefix::All.path()));
                prop_assert_eq!(Key::from_path(&path), Some(key));
            }
        }

        #[test]
        fn what_is_not_spelled_exactly_so_is_no_key(path in "(blobs|layers|tmp)?/?[0-9a-f/]{0,70}") {
            if let Some(key) = Key::from_path(&path) {
                prop_assert_eq!(key.path(), path);
            }
        }
    }

    #[test]
    fn paths_are_as_documented() {
        let a = Digest::from_bytes([0xab; 32]);
        let key = Key::Evidence { diff_id: a, group: EvidenceGroup::Index, fingerprint: a };
        let hex = "ab".repeat(32);
        assert_eq!(key.path(), format!("layers/{hex}/index/{hex}"));
        assert_eq!(Prefix::Layer(a).path(), format!("layers/{hex}/"));
        for path in ["", "blobs", "blobs/", "layers/x/index/y", &format!("layers/{hex}/secrets/{hex}")] {
            assert_eq!(Key::from_path(path), None, "{path}");
        }
    }
}
