//! Applying one layer to the merged tree, entry by entry, as containerd does it.

use plimsoll_types::{EntryKind, FileEntry};

use crate::tree::{NodeId, Origin, ROOT, Stop, Tree};

/// Something of a layer that runtimes refuse or read differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oddity {
    /// True if the reading taken may leave something out.
    pub(crate) hides: bool,
    /// One sentence.
    pub(crate) message: String,
}

/// A layer with more oddities than this is odd enough.
const MAX_ODDITIES: usize = 20;

/// Applies the entries of `layer` in order.
pub(crate) fn apply<'a>(tree: &mut Tree<'a>, layer: u32, entries: &'a [FileEntry]) -> Vec<Oddity> {
    tree.begin_layer();
    let mut oddities = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let origin = Origin { layer, entry: index as u32 };
        if let Err((stop, what)) = apply_entry(tree, origin, entry) {
            note(&mut oddities, &oddity(entry, stop, what));
        }
    }
    for trampled in std::mem::take(&mut tree.trampled) {
        let name = String::from_utf8_lossy(tree.node(trampled).name);
        let message = format!("a name lies below {name:?}, which is no directory; it was taken for one");
        note(&mut oddities, &Oddity { hides: false, message });
    }
    oddities
}

fn note(oddities: &mut Vec<Oddity>, oddity: &Oddity) {
    if oddities.len() < MAX_ODDITIES && !oddities.contains(oddity) {
        oddities.push(oddity.clone());
    }
}

fn oddity(entry: &FileEntry, stop: Stop, what: &str) -> Oddity {
    let path = &entry.path;
    match stop {
        Stop::Missing => Oddity { hides: false, message: format!("{path} {what}; it was left out") },
        Stop::Loop => {
            Oddity { hides: false, message: format!("{path} lies behind a symlink loop; it was left out") }
        }
        Stop::TooLong => Oddity {
            hides: true,
            message: format!("{path} resolves to a path longer than 4096 bytes; it was left out"),
        },
        Stop::Budget => Oddity {
            hides: true,
            message: format!("resolving symlinks cost too much; {path} and others were left out"),
        },
    }
}

fn apply_entry<'a>(
    tree: &mut Tree<'a>,
    origin: Origin,
    entry: &'a FileEntry,
) -> Result<(), (Stop, &'static str)> {
    let layer = origin.layer;
    let (place, name) = split(entry.path.as_bytes());
    match entry.kind {
        EntryKind::Whiteout => {
            // A whiteout of something that is not there says nothing.
            if let Ok(parent) = tree.dir(ROOT, place) {
                tree.hide(parent, name, layer);
            }
            Ok(())
        }
        EntryKind::Opaque => {
            if let Ok(directory) = tree.dir(ROOT, entry.path.as_bytes()) {
                tree.hide_children(directory, layer);
            }
            Ok(())
        }
        // The root is there whatever a layer says of it.
        _ if entry.path.is_root() => Ok(()),
        EntryKind::Directory => {
            let parent = parent(tree, place, layer)?;
            tree.put_dir(parent, name, Some(origin), layer).map_err(|stop| (stop, "")).map(drop)
        }
        EntryKind::HardLink => {
            let target = link_target(tree, entry)?;
            let parent = parent(tree, place, layer)?;
            if tree.child(parent, name) == Some(target) {
                return Err((Stop::Missing, "is a hard link to itself"));
            }
            let Some(origin) = tree.node(target).origin else {
                return Err((Stop::Missing, "links to nothing"));
            };
            tree.put_leaf(parent, name, origin, layer).map_err(|stop| (stop, "")).map(drop)
        }
        _ => {
            let parent = parent(tree, place, layer)?;
            tree.put_leaf(parent, name, origin, layer).map_err(|stop| (stop, "")).map(drop)
        }
    }
}

fn parent<'a>(tree: &mut Tree<'a>, place: &'a [u8], layer: u32) -> Result<NodeId, (Stop, &'static str)> {
    tree.make_dir(place, layer).map_err(|stop| (stop, "has no place"))
}

/// The directory a cleaned path lies in, and its name there.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// What a hard link names: an inode, whose facts it carries to its own name. Under that name no analyzer is asked
/// again, for the bytes are not here; what that may hide of language packages, `metadata.rs` says.
///
/// Where a whiteout of the same layer has hidden it, it still binds: whiteouts speak
/// of names, a link of the inode behind one.
fn link_target<'a>(tree: &mut Tree<'a>, entry: &'a FileEntry) -> Result<NodeId, (Stop, &'static str)> {
    let what = "is a hard link to a name that is not there";
    let target = &entry.link_target;
    let (parent, name) = split(target);
    let found = tree
        .dir(ROOT, parent)
        .and_then(|parent| tree.child(parent, name).ok_or(Stop::Missing))
        .or_else(|_| {
            let parent = tree.dir_behind_whiteouts(parent)?;
            tree.child(parent, name).or_else(|| tree.hidden_child(parent, name)).ok_or(Stop::Missing)
        })
        .map_err(|stop| (stop, what))?;
    if tree.is_dir(found) {
        return Err((Stop::Missing, "is a hard link to a directory"));
    }
    Ok(found)
}
