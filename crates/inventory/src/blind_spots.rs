//! What the evidence says it did not see.

use std::collections::BTreeSet;

use plimsoll_types::{
    BlindClass, BlindKind, BlindSpot, DatabaseState, PackagesEvidence, PathBytes, Payload, SectionStatus,
};

use crate::apply::Oddity;
use crate::records::{Live, Records};

/// An oddity of a layer.
pub(crate) fn odd(layer: u32, oddity: &Oddity) -> BlindSpot {
    let kind = if oddity.hides { BlindKind::Limit } else { BlindKind::AmbiguousLayer };
    let message = format!("{}; rebuild the layer", oddity.message);
    BlindSpot { layer: Some(layer), ..BlindSpot::new(kind, format!("layer {layer}"), message) }
}

/// An ambiguity the layer reader saw.
pub(crate) fn ambiguous(layer: u32, message: &str) -> BlindSpot {
    let spot = BlindSpot::new(BlindKind::AmbiguousLayer, format!("layer {layer}"), message);
    BlindSpot { layer: Some(layer), ..spot }
}

/// Analyzers that failed on a whole layer.
pub(crate) fn failed_sections(
    layer: u32,
    evidence: &PackagesEvidence,
) -> impl Iterator<Item = BlindSpot> + '_ {
    evidence.sections.iter().filter_map(move |section| match &section.status {
        SectionStatus::Complete => None,
        SectionStatus::Failed(why) => {
            let message =
                format!("analyzer {} failed on layer {layer}: {why}; please report it", section.analyzer);
            let spot = BlindSpot::new(BlindKind::AnalyzerFailed, section.analyzer.clone(), message);
            Some(BlindSpot { layer: Some(layer), ..spot })
        }
    })
}

/// Files of the merged image that could not be read.
pub(crate) fn unreadable(live: &Live, records: &Records<'_>) -> Vec<BlindSpot> {
    let group = &records.groups[live.group as usize];
    let mut spots = Vec::new();
    for (analyzer, payload) in &group.facts {
        if let Payload::Unreadable { limit, message } = payload {
            let kind = if *limit { BlindKind::Limit } else { BlindKind::AnalyzerFailed };
            let message = format!("{analyzer} could not read {}: {message}", live.path);
            let spot = BlindSpot::new(kind, live.path.to_string(), message);
            spots.push(BlindSpot { layer: Some(live.layer), ..spot });
        }
    }
    spots
}

/// A database file of the merged image and the root it describes.
pub(crate) struct LiveDatabase<'l> {
    pub(crate) live: &'l Live,
    pub(crate) root: PathBytes,
}

/// Databases that could not be read, are of an unknown kind, or list nothing.
pub(crate) fn databases(databases: &[LiveDatabase<'_>], records: &Records<'_>) -> Vec<BlindSpot> {
    let mut spots = Vec::new();
    let filled: BTreeSet<(&PathBytes, &str)> = databases
        .iter()
        .filter(|database| {
            records.groups[database.live.group as usize].packages().any(|(_, p)| p.package_type.is_os())
        })
        .flat_map(|database| {
            let group = &records.groups[database.live.group as usize];
            group.packages().map(move |(_, package)| (&database.root, package.package_type.as_str()))
        })
        .collect();
    for database in databases {
        let path = database.live.path.to_string();
        for (_, payload) in &records.groups[database.live.group as usize].facts {
            let Payload::Database(state) = payload else { continue };
            let (kind, message) = match state {
                DatabaseState::Read { format, packages: 0 } => {
                    if filled.contains(&(&database.root, format.as_str())) {
                        continue;
                    }
                    (BlindKind::DatabaseEmpty, format!("the {format} database {path} lists no package"))
                }
                DatabaseState::Read { .. } => continue,
                DatabaseState::Unreadable { format, message } => (
                    BlindKind::DatabaseUnreadable,
                    format!("the {format} database {path} cannot be read: {message}"),
                ),
                DatabaseState::Unsupported { format } => (
                    BlindKind::DatabaseUnsupported,
                    format!("{path} is a package database of a kind that is not read: {format}"),
                ),
            };
            let spot = BlindSpot::new(kind, path.clone(), message);
            spots.push(BlindSpot { layer: Some(database.live.layer), ..spot });
        }
    }
    spots
}

/// The image's package database was there and is gone.
pub(crate) fn vanished(layer: u32) -> BlindSpot {
    let message = format!(
        "layer {layer} removes the package database of lower layers; what those packages installed is unknown"
    );
    let spot = BlindSpot::new(BlindKind::DatabaseEmpty, "/", message);
    BlindSpot { layer: Some(layer), class: BlindClass::Hides, ..spot }
}

/// A link leads from a database's place to a file that was not read as one.
pub(crate) fn unread(home: &str) -> BlindSpot {
    let path = format!("/{home}");
    let message = format!(
        "{path} leads to a file of another name, which was not read as a package database; put the database itself there"
    );
    BlindSpot::new(BlindKind::DatabaseUnreadable, path, message)
}

/// A distribution without a package database: somebody deleted it before the layers were made.
pub(crate) fn no_database(distro: &str) -> BlindSpot {
    let message = format!(
        "the image is {distro}, but has no package database; what its distribution installed is unknown"
    );
    BlindSpot::new(BlindKind::DatabaseEmpty, "/", message)
}

/// Packages of an operating system nobody names.
pub(crate) fn nameless(root: &PathBytes) -> BlindSpot {
    let message = format!("{root} has OS packages but no os-release names the distribution");
    BlindSpot::new(BlindKind::DistroMissing, root.to_string(), message)
}

/// Metadata of language packages nobody read, in the order of their paths; none if there is none.
pub(crate) fn unread_metadata(ecosystem: &str, unread: &[(PathBytes, u32)]) -> Option<BlindSpot> {
    const TOLD: usize = 3;
    let (_, layer) = unread.first()?;
    let told: Vec<String> = unread.iter().take(TOLD).map(|(path, _)| path.to_string()).collect();
    let more = unread.len() - told.len();
    let list = if more > 0 { format!("{} and {more} more", told.join(", ")) } else { told.join(", ") };
    let verb = if unread.len() == 1 { "is a link to a file" } else { "are links to files" };
    let message = format!(
        "{list} {verb} of another name, which nobody read as the metadata of a package; put the metadata itself there"
    );
    let layer = unread.iter().all(|(_, other)| other == layer).then_some(*layer);
    Some(BlindSpot { layer, ..BlindSpot::new(BlindKind::MetadataUnread, ecosystem, message) })
}
