//! The evidence of a layer, decoded: from the store, or from what was decoded a moment ago.
//!
//! A layer that is in one image is in many. Reading and decoding its evidence costs more than all that an image does
//! with it, so whoever judges image after image keeps what is hot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use plimsoll_proto::{CodecError, DecodeLimits, decode_index, decode_packages};
use plimsoll_state::Fingerprints;
use plimsoll_types::{Digest, Evidence, EvidenceGroup, FileEntry, Payload, Record};

use crate::engine::evidence_key;
use crate::{Engine, Error};

/// How evidence could not be had.
pub(crate) enum Trouble {
    /// It is not there, or the store is not.
    Missing(Error),
    /// It is there and cannot be decoded.
    Damaged(EvidenceGroup, CodecError),
}

/// Evidence of one layer by one set of analyzers.
pub(crate) async fn evidence(
    engine: &Engine,
    diff_id: Digest,
    fingerprints: Fingerprints,
) -> Result<Arc<Evidence>, Trouble> {
    let name = Name { diff_id, index: fingerprints.index, packages: fingerprints.packages };
    if let Some(hot) = engine.hot.as_ref().and_then(|hot| hot.get(&name)) {
        return Ok(hot);
    }
    let fetch = async |group| {
        let key = evidence_key(&fingerprints, diff_id, group);
        let bytes = engine.store.get(&key, None).await.map_err(|error| Trouble::Missing(error.into()))?;
        bytes.ok_or_else(|| Trouble::Missing(Error::Vanished { key: key.path() }))
    };
    let (index, packages) = tokio::try_join!(fetch(EvidenceGroup::Index), fetch(EvidenceGroup::Packages))?;
    let limits = engine.limits.decode;
    let decoding = tokio::task::spawn_blocking(move || decode(&index, &packages, &limits));
    let panicked =
        |join: tokio::task::JoinError| Error::Panicked { layer: diff_id, message: join.to_string() };
    let decoded = decoding.await.map_err(|join| Trouble::Missing(panicked(join)))?;
    let decoded = Arc::new(decoded.map_err(|(group, error)| Trouble::Damaged(group, error))?);
    if let Some(hot) = &engine.hot {
        hot.keep(name, &decoded);
    }
    Ok(decoded)
}

fn decode(
    index: &Bytes,
    packages: &Bytes,
    limits: &DecodeLimits,
) -> Result<Evidence, (EvidenceGroup, CodecError)> {
    Ok(Evidence {
        index: decode_index(index, limits).map_err(|error| (EvidenceGroup::Index, error))?,
        packages: decode_packages(packages, limits).map_err(|error| (EvidenceGroup::Packages, error))?,
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name {
    diff_id: Digest,
    index: Digest,
    packages: Digest,
}

/// Decoded evidence that was used last, within a bound.
pub(crate) struct Hot {
    room: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    layers: HashMap<Name, Kept>,
    taken: usize,
    uses: u64,
}

struct Kept {
    evidence: Arc<Evidence>,
    weight: usize,
    used: u64,
}

impl Hot {
    /// Keeps about so many bytes.
    pub(crate) fn new(room: usize) -> Self {
        Self { room, shelf: Mutex::default() }
    }

    fn get(&self, name: &Name) -> Option<Arc<Evidence>> {
        let mut shelf = self.shelf();
        shelf.uses += 1;
        let now = shelf.uses;
        let kept = shelf.layers.get_mut(name)?;
        kept.used = now;
        Some(Arc::clone(&kept.evidence))
    }

    fn keep(&self, name: Name, evidence: &Arc<Evidence>) {
        let weight = weight(evidence);
        // One layer does not push out all others.
        if weight > self.room / 4 {
            return;
        }
        let mut shelf = self.shelf();
        let used = shelf.uses;
        let kept = Kept { evidence: Arc::clone(evidence), weight, used };
        shelf.taken += weight;
        if let Some(before) = shelf.layers.insert(name, kept) {
            shelf.taken -= before.weight;
        }
        if shelf.taken > self.room {
            shelf.make_room(self.room - self.room / 8);
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// Lets go of what was not used for longest.
    fn make_room(&mut self, room: usize) {
        let mut by_use: Vec<_> = self.layers.iter().map(|(name, kept)| (kept.used, *name)).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, name) in by_use {
            if self.taken <= room {
                break;
            }
            if let Some(kept) = self.layers.remove(&name) {
                self.taken -= kept.weight;
            }
        }
    }
}

/// About how many bytes of memory evidence takes.
fn weight(evidence: &Evidence) -> usize {
    let file = |entry: &FileEntry| {
        let texts = entry.path.as_bytes().len() + entry.link_target.len();
        size_of::<FileEntry>() + texts + 64 * entry.xattrs.len()
    };
    let fact = |record: &Record| {
        let more = match &record.payload {
            Payload::Package(package) => {
                1024 + package.owned_paths.iter().map(|path| 16 + path.as_bytes().len()).sum::<usize>()
            }
            Payload::Owned(owned) => owned.paths.iter().map(|path| 16 + path.as_bytes().len()).sum(),
            Payload::Licenses { licenses, .. } => 128 * licenses.len(),
            _ => 128,
        };
        size_of::<Record>() + record.path.as_bytes().len() + more
    };
    let files: usize = evidence.index.entries.iter().map(file).sum();
    let kept: usize = evidence.index.kept.iter().map(|file| file.bytes.len()).sum();
    let facts = evidence.packages.sections.iter().flat_map(|section| &section.records);
    files + kept + facts.map(fact).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{IndexEvidence, KeptFile, PackagesEvidence, PathBytes};

    use super::*;

    fn name(byte: u8) -> Name {
        let digest = Digest::from_bytes([byte; 32]);
        Name { diff_id: digest, index: digest, packages: digest }
    }

    fn of_size(bytes: usize) -> Arc<Evidence> {
        let diff_id = Digest::from_bytes([0; 32]);
        let kept = vec![KeptFile { path: PathBytes::root(), bytes: vec![0; bytes] }];
        let (entries, ambiguities) = (Vec::new(), Vec::new());
        Arc::new(Evidence {
            index: IndexEvidence { diff_id, uncompressed_size: 0, entries, kept, ambiguities },
            packages: PackagesEvidence { diff_id, sections: Vec::new() },
        })
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let hot = Hot::new(1000);
        for byte in 0..4 {
            hot.get(&name(byte));
            hot.keep(name(byte), &of_size(240));
        }
        assert!(hot.get(&name(0)).is_some(), "used once more");
        hot.keep(name(4), &of_size(240));
        let there: Vec<bool> = (0..5).map(|byte| hot.get(&name(byte)).is_some()).collect();
        assert_eq!(there, [true, false, false, true, true]);
    }

    #[test]
    fn one_layer_does_not_push_out_the_others() {
        let hot = Hot::new(1000);
        hot.keep(name(1), &of_size(200));
        hot.keep(name(2), &of_size(251));
        assert!(hot.get(&name(1)).is_some() && hot.get(&name(2)).is_none());
    }

    #[test]
    fn what_is_kept_again_counts_once() {
        let hot = Hot::new(1000);
        for _ in 0..20 {
            hot.keep(name(1), &of_size(200));
        }
        assert_eq!(hot.shelf().taken, 200);
    }
}
