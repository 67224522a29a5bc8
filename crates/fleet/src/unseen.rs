//! What the snapshot says of an inventory, and what nobody can see in it.

use jiff::Timestamp;
use plimsoll_knowledge::{Matches, Snapshot, ages, match_inventory};
use plimsoll_types::report::Vulnerability;
use plimsoll_types::{BlindKind, BlindSpot, EntryKind, Inventory, KnowledgeAge};

use crate::Error;

/// What the snapshot says of an inventory.
pub(crate) struct Known {
    pub(crate) vulnerabilities: Vec<Vulnerability>,
    pub(crate) blind_spots: Vec<BlindSpot>,
    pub(crate) ages: Vec<KnowledgeAge>,
}

impl Known {
    /// Matches an inventory, if there is a snapshot to match it with.
    pub(crate) fn of(
        inventory: &Inventory,
        knowledge: Option<&Snapshot>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let Some(snapshot) = knowledge else {
            let message = "no knowledge snapshot was given, so no vulnerability can be found; make one with \
                           `plimsoll db build` and name it with --db";
            let blind_spots = vec![BlindSpot::new(BlindKind::NoKnowledge, "snapshot", message)];
            return Ok(Self { vulnerabilities: Vec::new(), blind_spots, ages: Vec::new() });
        };
        let Matches { vulnerabilities, mut blind_spots, sources } = match_inventory(inventory, snapshot)?;
        let ages = ages(&sources, now);
        let stale = ages.iter().filter(|age| age.is_over(KnowledgeAge::STALE_AFTER_DAYS));
        blind_spots.extend(stale.map(KnowledgeAge::blind_spot));
        Ok(Self { vulnerabilities, blind_spots, ages })
    }
}

/// An image without a single file is legal, and nothing can be found in it. More often it is a build that went wrong,
/// and "nothing found" must not be read as "nothing wrong".
pub(crate) fn empty(inventory: &Inventory) -> Option<BlindSpot> {
    let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::HardLink);
    let message = "the image holds no file, so there was nothing to look at; if it is meant to be empty, accept \
                   that with --allow-blind image_empty";
    let holds_files = inventory.files.iter().any(|file| is_file(file.entry().kind));
    (!holds_files).then(|| BlindSpot::new(BlindKind::ImageEmpty, "image", message))
}
