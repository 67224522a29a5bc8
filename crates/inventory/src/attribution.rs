//! Which layer brought a package: the first from which every later layer holds it unbroken.

use hashbrown::{HashMap, HashSet};
use plimsoll_types::{PackageRecord, PathBytes};

use crate::records::{GroupId, Live, Records};
use crate::roots::Homes;
use crate::tree::Tree;

/// What makes an OS package the same package in another layer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity<'a> {
    root: PathBytes,
    package_type: &'static str,
    name: &'a str,
    version: &'a str,
    arch: Option<&'a str>,
}

impl<'a> Identity<'a> {
    fn new(root: &PathBytes, record: &'a PackageRecord) -> Self {
        Self {
            root: root.clone(),
            package_type: record.package_type.as_str(),
            name: &record.name,
            version: &record.version,
            arch: record.arch.as_deref(),
        }
    }
}

/// The packages the image's databases held after each layer.
pub(crate) struct Holdings<'a> {
    /// Roots of the database files, by group.
    roots: HashMap<GroupId, PathBytes>,
    /// First layer of each identity that the last layer holds.
    since: HashMap<Identity<'a>, u32>,
    /// Databases of the image's own root that held packages in some layer and are gone: layer that removed
    /// the last one.
    pub(crate) vanished: Option<u32>,
}

impl<'a> Holdings<'a> {
    /// Works backwards from the last layer. `roots` of database files are told by `root_by_layer`, noted while
    /// the layers were applied.
    pub(crate) fn new(records: &Records<'a>, roots: HashMap<GroupId, PathBytes>) -> Self {
        let mut since: HashMap<Identity<'a>, u32> = HashMap::new();
        let mut unbroken: HashSet<Identity<'a>> = HashSet::new();
        let mut later: Option<&Vec<(GroupId, u32)>> = None;
        for (layer, live) in records.live_databases.iter().enumerate().rev() {
            let layer = layer as u32;
            match later {
                None => {
                    unbroken = identities(records, &roots, live).collect();
                    since = unbroken.iter().map(|identity| (identity.clone(), layer)).collect();
                }
                Some(later) if later == live => {
                    for identity in &unbroken {
                        since.insert(identity.clone(), layer);
                    }
                }
                Some(_) => {
                    let held: HashSet<Identity<'a>> = identities(records, &roots, live).collect();
                    unbroken.retain(|identity| held.contains(identity));
                    for identity in &unbroken {
                        since.insert(identity.clone(), layer);
                    }
                }
            }
            if unbroken.is_empty() && later.is_some() {
                break;
            }
            later = Some(live);
        }
        let vanished = vanished(records, &roots);
        Self { roots, since, vanished }
    }

    /// The root a database file describes.
    pub(crate) fn root(&self, group: GroupId) -> Option<&PathBytes> {
        self.roots.get(&group)
    }

    /// The layer that brought an OS package.
    pub(crate) fn layer(&self, root: &PathBytes, record: &'a PackageRecord) -> Option<u32> {
        self.since.get(&Identity::new(root, record)).copied()
    }
}

fn identities<'r, 'a>(
    records: &'r Records<'a>,
    roots: &'r HashMap<GroupId, PathBytes>,
    live: &'r [(GroupId, u32)],
) -> impl Iterator<Item = Identity<'a>> + use<'r, 'a> {
    live.iter().flat_map(|(group, _)| {
        let root = roots.get(group).cloned().unwrap_or_default();
        let packages = records.groups[*group as usize].packages();
        packages.map(move |(_, record)| Identity::new(&root, record)).collect::<Vec<_>>()
    })
}

/// The layer after which the image's own databases held no package any more, if an earlier one did.
fn vanished(records: &Records<'_>, roots: &HashMap<GroupId, PathBytes>) -> Option<u32> {
    let holds = |live: &Vec<(GroupId, u32)>| {
        live.iter().any(|(group, _)| {
            roots.get(group).is_some_and(PathBytes::is_root)
                && records.groups[*group as usize].packages().any(|(_, record)| record.package_type.is_os())
        })
    };
    let last_with = records.live_databases.iter().rposition(holds)?;
    (last_with + 1 < records.live_databases.len()).then_some(last_with as u32 + 1)
}

/// Notes the root of each database file that is live at this moment.
pub(crate) fn note_roots(
    tree: &mut Tree<'_>,
    records: &Records<'_>,
    roots: &mut HashMap<GroupId, PathBytes>,
) {
    let live = records.live_databases.last().into_iter().flatten();
    let mut new = live.filter(|(group, _)| !roots.contains_key(group)).peekable();
    if new.peek().is_none() {
        return;
    }
    let homes = Homes::of(tree);
    let new: Vec<_> = new
        .map(|(group, node)| {
            let path = tree.path_of(*node);
            (*group, homes.root_of(tree, *node, &path))
        })
        .collect();
    roots.extend(new);
}

/// The layer that brought a package read from a file of its own: as long as the file that was there before
/// said the same, that one did.
pub(crate) fn layer_of_file_package(records: &Records<'_>, live: &Live, record: &PackageRecord) -> u32 {
    let mut layer = live.layer;
    let mut group = &records.groups[live.group as usize];
    if group.layer != layer {
        // A later layer's hard link: the name is as old as the link.
        return layer;
    }
    while let Some(previous) = group.previous {
        group = &records.groups[previous as usize];
        let same = |other: &PackageRecord| {
            other.package_type == record.package_type
                && other.name == record.name
                && other.version == record.version
                && other.arch == record.arch
                && other.nested_in == record.nested_in
        };
        if group.layer >= layer || !group.packages().any(|(_, other)| same(other)) {
            break;
        }
        layer = group.layer;
    }
    layer
}
