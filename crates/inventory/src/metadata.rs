//! Metadata of language packages that the merged image shows under a name nobody saw when its layer was read.

use hashbrown::HashSet;
use plimsoll_types::{BlindSpot, EntryKind, PackageType, PathBytes};

use crate::blind_spots::unread_metadata;
use crate::records::{Live, Records, end_of};
use crate::tree::{Name, NodeId, Origin, Stop, Tree};

/// The names that may be such metadata.
///
/// A layer is analyzed alone, so nobody is asked about the names that its files get from other layers: by a
/// symbolic link there, by a hard link to a lower layer (which carries the facts of the inode to the new name and no
/// others, see `apply.rs`), or by a symlinked directory. Where such a name makes the file the metadata of a package,
/// and its own name did not, a package is hidden.
pub(crate) struct Metadata {
    names: Vec<NodeId>,
}

impl Metadata {
    /// Those among all names of the merged tree.
    pub(crate) fn among(tree: &Tree<'_>, names: &[Name]) -> Self {
        let ids = names.iter().map(|name| name.id);
        Self { names: ids.filter(|id| is_suspicious(tree, *id)).collect() }
    }

    /// The packages nobody saw: one blind spot for each ecosystem that has any.
    pub(crate) fn unread<'a>(
        self,
        tree: &mut Tree<'a>,
        records: &Records<'a>,
        live: &[Live],
    ) -> Vec<BlindSpot> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let groups = || live.iter().map(|file| &records.groups[file.group as usize]);
        let read = Read {
            links: live.iter().map(|file| file.node).collect(),
            files: groups().filter_map(|group| Some((group.layer, group.read_from?))).collect(),
        };
        let mut found: [(PackageType, Vec<(PathBytes, u32)>); 2] =
            [(PackageType::Npm, Vec::new()), (PackageType::Pypi, Vec::new())];
        for id in self.names {
            let layer = tree.node(id).by_layer;
            for (path, end) in places(tree, id) {
                let Some(ecosystem) = of_a_package(&path) else { continue };
                if read.is_unread(tree, id, ecosystem, end)
                    && let Some((_, unread)) = found.iter_mut().find(|(other, _)| *other == ecosystem)
                {
                    unread.push((path, layer));
                }
            }
        }
        found.iter().filter_map(|(ecosystem, unread)| unread_metadata(ecosystem.as_str(), unread)).collect()
    }
}

fn is_suspicious(tree: &Tree<'_>, id: NodeId) -> bool {
    let node = tree.node(id);
    let name = node.name;
    let is_python = || ends_with(name, b"-info") || matches!(name, b"METADATA" | b"PKG-INFO");
    if (name != b"package.json" && !is_python()) || tree.is_dir(id) {
        return false;
    }
    let Some(entry) = node.origin.map(|origin| tree.entry(origin)) else { return false };
    // Nearly all are files that were read under their own names.
    entry.kind == EntryKind::Symlink || (entry.kind == EntryKind::File && ecosystem(&entry.path).is_none())
}

/// What was read through symbolic links.
struct Read<'a> {
    links: HashSet<NodeId>,
    /// By layer and path in it.
    files: HashSet<(u32, &'a PathBytes)>,
}

impl<'a> Read<'a> {
    fn is_unread(
        &self,
        tree: &Tree<'a>,
        link: NodeId,
        ecosystem: PackageType,
        end: Result<NodeId, Stop>,
    ) -> bool {
        let end = match end {
            Ok(end) => end,
            // Where it leads, nobody can tell any more; elsewhere nothing is there.
            Err(stop) => return stop == Stop::Budget,
        };
        let Some(Origin { layer, entry }) = tree.node(end).origin else { return false };
        let file = tree.entry(Origin { layer, entry });
        file.kind == EntryKind::File
            && self::ecosystem(&file.path) != Some(ecosystem)
            && !(tree.is_symlink(link) && self.links.contains(&link))
            && !self.files.contains(&(layer, &file.path))
    }
}

/// The paths a name gives to metadata, and where each leads: its own, or for a symlink to a directory those in it.
fn places(tree: &mut Tree<'_>, id: NodeId) -> Vec<(PathBytes, Result<NodeId, Stop>)> {
    let path = tree.path_of(id);
    let end = end_of(tree, id);
    let Some(directory) = end.ok().filter(|end| tree.is_dir(*end)) else { return vec![(path, end)] };
    let mut places = Vec::new();
    for name in [&b"METADATA"[..], b"PKG-INFO"] {
        if let Some(child) = tree.child(directory, name) {
            places.push((path.join(name), end_of(tree, child)));
        }
    }
    places
}

/// The ecosystem whose analyzer reads the file at `path` for metadata, by its name.
///
/// The analyzers' own `wants` decides this when a layer is read; a test of the workspace holds the two against each
/// other.
fn ecosystem(path: &PathBytes) -> Option<PackageType> {
    let parent = path.parent_bytes();
    match path.file_name() {
        b"package.json" => Some(PackageType::Npm),
        b"METADATA" if ends_with(parent, b"dist-info") => Some(PackageType::Pypi),
        b"PKG-INFO" if ends_with(parent, b"egg-info") => Some(PackageType::Pypi),
        name if ends_with(name, b".egg-info") => Some(PackageType::Pypi),
        _ => None,
    }
}

/// As [`ecosystem`], where the place says that this is the metadata of an installed package: many a
/// `package.json` describes none.
fn of_a_package(path: &PathBytes) -> Option<PackageType> {
    let ecosystem = ecosystem(path)?;
    if ecosystem != PackageType::Npm {
        return Some(ecosystem);
    }
    let mut above = path.components().rev().skip(2);
    let is_installed = match above.next()? {
        b"node_modules" => true,
        scope => scope.starts_with(b"@") && above.next() == Some(b"node_modules"),
    };
    is_installed.then_some(ecosystem)
}

fn ends_with(text: &[u8], suffix: &[u8]) -> bool {
    text.len() >= suffix.len() && text[text.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_by_their_places() {
        for (path, expected) in [
            ("srv/node_modules/a/package.json", Some(PackageType::Npm)),
            ("node_modules/@scope/a/package.json", Some(PackageType::Npm)),
            ("node_modules/a/lib/package.json", None),
            ("srv/package.json", None),
            ("package.json", None),
            ("lib/a-1.dist-info/METADATA", Some(PackageType::Pypi)),
            ("lib/a.egg/EGG-INFO/PKG-INFO", Some(PackageType::Pypi)),
            ("lib/a-1.egg-info", Some(PackageType::Pypi)),
            ("lib/a-1.dist-info/PKG-INFO", None),
            ("METADATA", None),
        ] {
            assert_eq!(of_a_package(&path.into()), expected, "{path}");
        }
    }
}
