//! The facts of all layers, by the file they were read from, and which of those files were live when.

use hashbrown::HashMap;
use plimsoll_types::{FileEntry, PackageRecord, PackagesEvidence, PathBytes, Payload};

use crate::tree::{NodeId, Origin, ROOT, Tree};

/// Index of a [`Group`].
pub(crate) type GroupId = u32;

/// Everything read from one file of one layer.
pub(crate) struct Group<'a> {
    pub(crate) layer: u32,
    pub(crate) path: &'a PathBytes,
    /// Analyzer id and fact.
    pub(crate) facts: Vec<(&'a str, &'a Payload)>,
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
    by_path: Vec<HashMap<&'a PathBytes, GroupId>>,
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
    pub(crate) fn new(layers: &'a [PackagesEvidence]) -> Self {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut by_path = Vec::with_capacity(layers.len());
        for (layer, evidence) in layers.iter().enumerate() {
            let mut paths: HashMap<&'a PathBytes, GroupId> = HashMap::new();
            for section in &evidence.sections {
                for record in &section.records {
                    let group = *paths.entry(&record.path).or_insert_with(|| {
                        groups.push(Group {
                            layer: layer as u32,
                            path: &record.path,
                            facts: Vec::new(),
                            node: None,
                            previous: None,
                        });
                        groups.len() as GroupId - 1
                    });
                    groups[group as usize].facts.push((&section.analyzer, &record.payload));
                }
            }
            by_path.push(paths);
        }
        Self { groups, by_path, databases: Vec::new(), live_databases: Vec::new() }
    }

    /// The facts read from the entry behind an origin.
    pub(crate) fn of(&self, origin: Origin, entry: &FileEntry) -> Option<GroupId> {
        self.by_path.get(origin.layer as usize)?.get(&entry.path).copied()
    }

    /// The facts of the file a node shows.
    pub(crate) fn of_node(&self, tree: &Tree<'a>, node: NodeId) -> Option<GroupId> {
        let origin = tree.node(node).origin?;
        self.of(origin, tree.entry(origin))
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
            let node = tree.lookup(ROOT, path).ok().filter(|node| self.of_node(tree, *node) == Some(id));
            self.groups[id as usize].node = node;
            if node.is_some() && self.groups[id as usize].is_database() {
                self.databases.push(id);
            }
        }
        let live = |id: &GroupId| {
            let node = self.groups[*id as usize].node?;
            (tree.is_attached(node) && self.of_node(tree, node) == Some(*id)).then_some((*id, node))
        };
        self.live_databases.push(self.databases.iter().filter_map(live).collect());
    }

    fn ids_of_layer(&self, layer: usize) -> Vec<GroupId> {
        let mut ids: Vec<GroupId> = self.by_path[layer].values().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The files of the merged image that have facts, in the order of their paths.
    pub(crate) fn live(&self, tree: &Tree<'a>) -> Vec<Live> {
        let mut live = Vec::new();
        tree.for_each(|path, id, node| {
            if let Some(origin) = node.origin
                && let Some(group) = self.of(origin, tree.entry(origin))
            {
                live.push(Live { group, node: id, path: PathBytes::clean(path), layer: node.by_layer });
            }
        });
        live
    }
}
