//! The facts of all layers, by the file they were read from, and which of those files were live when.

use plimsoll_types::{FileEntry, PackageRecord, PackagesEvidence, PathBytes, Payload};

use crate::path_map::PathMap;
use crate::tree::{Name, NodeId, Origin, ROOT, Stop, Tree};

/// Index of a [`Group`].
pub(crate) type GroupId = u32;

/// Everything read from one file of one layer.
pub(crate) struct Group<'a> {
    pub(crate) layer: u32,
    pub(crate) path: &'a PathBytes,
    /// Analyzer id and fact.
    pub(crate) facts: Vec<(&'a str, &'a Payload)>,
    /// The path is a symbolic link, and its facts were read from this file of the layer.
    pub(crate) read_from: Option<&'a PathBytes>,
    /// The name that showed the file when its layer had been applied.
    node: Option<NodeId>,
    /// The file this one took the place of.
    pub(crate) previous: Option<GroupId>,
}

impl<'a> Group<'a> {
    /// The packages read from the file.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&'a str, &'a PackageRecord)> + '_ {
        self.facts.iter().filter_map(|(analyzer, payload)| match payload {
            Payload::Package(package) => Some((*analyzer, &**package)),
            _ => None,
        })
    }

    /// True if the file is (a part of) an OS package database.
    pub(crate) fn is_database(&self) -> bool {
        self.facts.iter().any(|(_, payload)| match payload {
            Payload::Database(_) => true,
            Payload::Package(package) => package.package_type.is_os(),
            _ => false,
        })
    }
}

/// All groups.
pub(crate) struct Records<'a> {
    pub(crate) groups: Vec<Group<'a>>,
    by_path: Vec<PathMap<'a, GroupId>>,
    /// After each layer: the database files that were live, by group.
    databases: Vec<GroupId>,
    pub(crate) live_databases: Vec<Vec<(GroupId, NodeId)>>,
}

/// A file with facts that the merged image shows.
pub(crate) struct Live {
    pub(crate) group: GroupId,
    pub(crate) node: NodeId,
    pub(crate) path: PathBytes,
    /// The layer that wrote the name.
    pub(crate) layer: u32,
}

impl<'a> Records<'a> {
    /// Sorts the facts of all layers by file.
    pub(crate) fn new(layers: impl ExactSizeIterator<Item = &'a PackagesEvidence>) -> Self {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut by_path = Vec::with_capacity(layers.len());
        for (layer, evidence) in layers.enumerate() {
            let mut paths: PathMap<'a, GroupId> = PathMap::default();
            for section in &evidence.sections {
                for record in &section.records {
                    let group = *paths.or_insert_with(&record.path, || {
                        groups.push(Group {
                            layer: layer as u32,
                            path: &record.path,
                            facts: Vec::new(),
                            read_from: None,
                            node: None,
                            previous: None,
                        });
                        groups.len() as GroupId - 1
                    });
                    let group = &mut groups[group as usize];
                    match &record.payload {
                        Payload::ReadFrom(file) => group.read_from = Some(file),
                        payload => group.facts.push((&section.analyzer, payload)),
                    }
                }
            }
            by_path.push(paths);
        }
        Self { groups, by_path, databases: Vec::new(), live_databases: Vec::new() }
    }

    /// The facts read from the entry behind an origin.
    fn of(&self, origin: Origin, entry: &FileEntry) -> Option<GroupId> {
        self.by_path.get(origin.layer as usize)?.get(&entry.path).copied()
    }

    /// The facts of the file a node shows. Those that were read through a symbolic link belong to the link, and
    /// count as long as it leads to the file they were read from: both have to be there.
    pub(crate) fn of_node(&self, tree: &mut Tree<'a>, node: NodeId) -> Option<GroupId> {
        let origin = tree.node(node).origin?;
        let id = self.of(origin, tree.entry(origin))?;
        let group = &self.groups[id as usize];
        let Some(file) = group.read_from else { return Some(id) };
        let found = end_of(tree, node).ok().and_then(|end| tree.node(end).origin)?;
        (found.layer == group.layer && tree.entry(found).path == *file).then_some(id)
    }

    /// The facts of the file `path` leads to from `base`, and those that were read through `path` itself.
    pub(crate) fn at(&self, tree: &mut Tree<'a>, base: NodeId, path: &PathBytes) -> Vec<&Group<'a>> {
        let nodes = [tree.resolve(base, path.as_bytes()), tree.lookup(base, path)];
        let ids = nodes.into_iter().flatten().filter_map(|node| self.of_node(tree, node));
        ids.map(|id| &self.groups[id as usize]).collect()
    }

    /// Before `layer` is applied: what each of its files takes the place of.
    pub(crate) fn before_layer(&mut self, tree: &mut Tree<'a>, layer: usize) {
        for id in self.ids_of_layer(layer) {
            let path = self.groups[id as usize].path;
            let previous = tree.lookup(ROOT, path).ok().and_then(|node| self.of_node(tree, node));
            self.groups[id as usize].previous = previous;
        }
    }

    /// After `layer` was applied: where its files are, and which databases are live.
    pub(crate) fn after_layer(&mut self, tree: &mut Tree<'a>, layer: usize) {
        for id in self.ids_of_layer(layer) {
            let path = self.groups[id as usize].path;
            let found = tree.lookup(ROOT, path).ok();
            let node = found.filter(|node| self.of_node(tree, *node) == Some(id));
            self.groups[id as usize].node = node;
            if node.is_some() && self.groups[id as usize].is_database() {
                self.databases.push(id);
            }
        }
        let mut live = Vec::new();
        for id in &self.databases {
            if let Some(node) = self.groups[*id as usize].node
                && tree.is_attached(node)
                && self.of_node(tree, node) == Some(*id)
            {
                live.push((*id, node));
            }
        }
        self.live_databases.push(live);
    }

    fn ids_of_layer(&self, layer: usize) -> Vec<GroupId> {
        let mut ids: Vec<GroupId> = self.by_path[layer].values().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The files of the merged image that have facts, of all its `names`, in the order of their paths.
    pub(crate) fn live(&self, tree: &mut Tree<'a>, names: &[Name]) -> Vec<Live> {
        let mut live = Vec::new();
        for name in names {
            let node = tree.node(name.id);
            if let Some(origin) = node.origin
                && let Some(group) = self.of(origin, tree.entry(origin))
            {
                live.push(Live { group, node: name.id, path: name.path(tree).clone(), layer: node.by_layer });
            }
        }
        live.retain(|file| self.of_node(tree, file.node) == Some(file.group));
        live
    }
}

/// The node that a node leads to: itself, unless it is a symbolic link.
pub(crate) fn end_of(tree: &mut Tree<'_>, node: NodeId) -> Result<NodeId, Stop> {
    if tree.is_symlink(node) {
        let path = tree.path_of(node);
        return tree.resolve(ROOT, path.as_bytes());
    }
    Ok(node)
}
