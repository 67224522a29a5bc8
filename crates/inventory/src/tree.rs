//! The merged tree: an arena of names, and the one way paths are resolved in it.

mod hiding;
mod listing;

use std::hash::BuildHasher as _;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use plimsoll_types::{EntryKind, FileEntry, PathBytes};

pub(crate) use listing::Name;

/// Index of a node in the arena.
pub(crate) type NodeId = u32;

/// The root of the image.
pub(crate) const ROOT: NodeId = 0;

/// As containerd's path resolution.
const MAX_LINKS: u32 = 255;

/// A longer path cannot be created on Linux (PATH_MAX).
const MAX_PATH: u32 = 4096;

/// Steps of symlink expansion a whole image may cost, beyond a share per entry: an image of links to links is
/// a bomb.
const LINK_BUDGET: u64 = 20_000_000;

/// The entry a node shows: an index into the layers and into that layer's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) layer: u32,
    pub(crate) entry: u32,
}

/// One name.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) parent: NodeId,
    pub(crate) name: &'a [u8],
    /// The entry it shows; none for a directory nobody described.
    pub(crate) origin: Option<Origin>,
    /// The layer that wrote the name last (for a hard link: the layer of the link).
    pub(crate) by_layer: u32,
    /// The latest layer that wrote anything at or below it.
    touched: u32,
    /// Length of its path.
    path_len: u32,
    is_dir: bool,
    /// False once something took its place or hid it. What lies below it keeps its own.
    attached: bool,
    /// The last name put into the directory; [`ROOT`], which nobody holds, for none.
    last_child: NodeId,
    /// The name put into the same directory before this one. Detached ones are among them for a while.
    sibling: NodeId,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A name on the way is not there, or is no directory.
    Missing,
    /// Too many symlinks.
    Loop,
    /// The path would be longer than a file system allows.
    TooLong,
    /// The image has used up what its symlinks may cost.
    Budget,
}

/// Says where a walk goes when a name is not there, or is neither directory nor symlink (then it is given).
type Missing<'f, 'a, 'p> =
    dyn FnMut(&mut Tree<'a>, NodeId, &'p [u8], Option<NodeId>) -> Result<NodeId, Stop> + 'f;

fn nowhere(_: &mut Tree<'_>, _: NodeId, _: &[u8], _: Option<NodeId>) -> Result<NodeId, Stop> {
    Err(Stop::Missing)
}

/// The tree over the entries of `layers`.
pub(crate) struct Tree<'a> {
    layers: Vec<&'a [FileEntry]>,
    nodes: Vec<Node<'a>>,
    /// The attached nodes by parent and name: one table for the whole tree, in which a name costs one look.
    names: HashTable<NodeId>,
    hasher: DefaultHashBuilder,
    /// What whiteouts of the layer being applied have hidden.
    hidden: HashMap<(NodeId, &'a [u8]), NodeId>,
    /// Whether walks see it.
    behind_whiteouts: bool,
    /// The directory the previous entry lay in; valid while nothing was detached.
    last_parent: Option<(&'a [u8], NodeId)>,
    budget: u64,
    /// Non-directories that had to give way to the directory of a deeper name.
    pub(crate) trampled: Vec<NodeId>,
}

impl<'a> Tree<'a> {
    /// An empty tree.
    pub(crate) fn new(layers: Vec<&'a [FileEntry]>) -> Self {
        let entries: usize = layers.iter().map(|layer| layer.len()).sum();
        let root = Node {
            parent: ROOT,
            name: b"",
            origin: None,
            by_layer: 0,
            touched: 0,
            path_len: 0,
            is_dir: true,
            attached: true,
            last_child: ROOT,
            sibling: ROOT,
        };
        let mut nodes = Vec::with_capacity(entries + 1);
        nodes.push(root);
        Self {
            layers,
            nodes,
            names: HashTable::with_capacity(entries),
            hasher: DefaultHashBuilder::default(),
            hidden: HashMap::new(),
            behind_whiteouts: false,
            last_parent: None,
            budget: LINK_BUDGET + 64 * entries as u64,
            trampled: Vec::new(),
        }
    }

    /// The entry behind an origin.
    pub(crate) fn entry(&self, origin: Origin) -> &'a FileEntry {
        &self.layers[origin.layer as usize][origin.entry as usize]
    }

    /// A node.
    pub(crate) fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    /// The child of a directory.
    pub(crate) fn child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        self.names.find(self.hash(parent, name), |id| self.is_named(*id, parent, name)).copied()
    }

    fn hash(&self, parent: NodeId, name: &[u8]) -> u64 {
        self.hasher.hash_one((parent, name))
    }

    fn is_named(&self, id: NodeId, parent: NodeId, name: &[u8]) -> bool {
        let node = self.node(id);
        node.parent == parent && node.name == name
    }

    /// True for directories.
    pub(crate) fn is_dir(&self, id: NodeId) -> bool {
        self.node(id).is_dir
    }

    /// True for symbolic links.
    pub(crate) fn is_symlink(&self, id: NodeId) -> bool {
        self.link_target(id).is_some()
    }

    fn link_target(&self, id: NodeId) -> Option<&'a [u8]> {
        let entry = self.entry(self.node(id).origin?);
        (entry.kind == EntryKind::Symlink).then_some(&entry.link_target)
    }

    /// True if the node can still be reached from the root.
    pub(crate) fn is_attached(&self, mut id: NodeId) -> bool {
        while id != ROOT {
            let node = self.node(id);
            if !node.attached {
                return false;
            }
            id = node.parent;
        }
        true
    }

    /// The path of a node.
    pub(crate) fn path_of(&self, mut id: NodeId) -> PathBytes {
        let mut names = Vec::new();
        while id != ROOT {
            names.push(self.node(id).name);
            id = self.node(id).parent;
        }
        names.reverse();
        PathBytes::clean(&names.join(&b'/'))
    }

    /// The directory `path` leads to from `base`, through symlinks, with `base` as the root nothing escapes.
    pub(crate) fn dir<'p>(&mut self, base: NodeId, path: &'p [u8]) -> Result<NodeId, Stop>
    where
        'a: 'p,
    {
        self.walk(base, base, path, &mut nowhere)
    }

    /// As [`Tree::dir`] from the root, but sees what this layer's whiteouts have hidden.
    pub(crate) fn dir_behind_whiteouts(&mut self, path: &'a [u8]) -> Result<NodeId, Stop> {
        self.behind_whiteouts = true;
        let found = self.walk(ROOT, ROOT, path, &mut nowhere);
        self.behind_whiteouts = false;
        found
    }

    /// As [`Tree::dir`] from the root, creating what is missing on behalf of `layer`.
    pub(crate) fn make_dir(&mut self, path: &'a [u8], layer: u32) -> Result<NodeId, Stop> {
        if let Some((last, id)) = self.last_parent
            && last == path
        {
            return Ok(id);
        }
        let id = self.walk(ROOT, ROOT, path, &mut |tree, at, name, in_the_way| {
            tree.trampled.extend(in_the_way);
            tree.put_dir(at, name, None, layer)
        })?;
        self.last_parent = Some((path, id));
        Ok(id)
    }

    /// The walk itself; `missing` is asked where a name is not there or is neither directory nor symlink.
    fn walk<'p>(
        &mut self,
        base: NodeId,
        start: NodeId,
        path: &'p [u8],
        missing: &mut Missing<'_, 'a, 'p>,
    ) -> Result<NodeId, Stop>
    where
        'a: 'p,
    {
        let mut at = start;
        let mut links = 0;
        let mut path = path;
        // What remains after the targets of the links on the way.
        let mut rests: Vec<&'p [u8]> = Vec::new();
        loop {
            let (name, mut rest) = match path.iter().position(|byte| *byte == b'/') {
                Some(slash) => (&path[..slash], &path[slash + 1..]),
                None => (path, &path[..0]),
            };
            if links > 0 {
                self.budget = self.budget.checked_sub(1).ok_or(Stop::Budget)?;
            }
            match name {
                b"" | b"." => {}
                b".." => at = if at == base { base } else { self.node(at).parent },
                name => {
                    let mut next = self.child(at, name);
                    if next.is_none() && self.behind_whiteouts {
                        next = self.hidden.get(&(at, name)).copied();
                    }
                    match next {
                        Some(next) if self.is_dir(next) => at = next,
                        Some(next) if self.is_symlink(next) => {
                            links += 1;
                            if links > MAX_LINKS {
                                return Err(Stop::Loop);
                            }
                            let target = self.link_target(next).unwrap_or_default();
                            if target.starts_with(b"/") {
                                at = base;
                            }
                            if !rest.is_empty() {
                                rests.push(rest);
                            }
                            rest = target;
                        }
                        next => at = missing(self, at, name, next)?,
                    }
                }
            }
            path = match rest {
                [] => match rests.pop() {
                    Some(rest) => rest,
                    None => return Ok(at),
                },
                rest => rest,
            };
        }
    }

    /// What is at `path` (not following a symlink there), seen from `base`.
    pub(crate) fn lookup<'p>(&mut self, base: NodeId, path: &'p PathBytes) -> Result<NodeId, Stop>
    where
        'a: 'p,
    {
        if path.is_root() {
            return Ok(base);
        }
        let parent = self.dir(base, path.parent_bytes())?;
        self.child(parent, path.file_name()).ok_or(Stop::Missing)
    }

    /// What a whiteout of the layer being applied has hidden under a name.
    pub(crate) fn hidden_child(&self, parent: NodeId, name: &'a [u8]) -> Option<NodeId> {
        self.hidden.get(&(parent, name)).copied()
    }

    /// What `path` leads to, following a symlink there too.
    pub(crate) fn resolve<'p>(&mut self, base: NodeId, path: &'p [u8]) -> Result<NodeId, Stop>
    where
        'a: 'p,
    {
        let mut at = base;
        let mut rest: &'p [u8] = path;
        for _ in 0..=MAX_LINKS {
            let cut = rest.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
            let (dir, name) = rest.split_at(cut);
            at = self.walk(base, if dir.starts_with(b"/") { base } else { at }, dir, &mut nowhere)?;
            let found = match name {
                b"" | b"." => return Ok(at),
                b".." => return Ok(if at == base { base } else { self.node(at).parent }),
                name => self.child(at, name).ok_or(Stop::Missing)?,
            };
            match self.link_target(found) {
                Some(target) => rest = target,
                None => return Ok(found),
            }
        }
        Err(Stop::Loop)
    }

    /// Puts a directory at a name: over a directory it renews the description, anything else it replaces.
    pub(crate) fn put_dir(
        &mut self,
        parent: NodeId,
        name: &'a [u8],
        origin: Option<Origin>,
        layer: u32,
    ) -> Result<NodeId, Stop> {
        if let Some(existing) = self.child(parent, name)
            && self.is_dir(existing)
        {
            let node = &mut self.nodes[existing as usize];
            node.origin = origin;
            node.by_layer = layer;
            self.touch(existing, layer);
            return Ok(existing);
        }
        self.put(parent, name, origin, layer, true)
    }

    /// Puts a non-directory at a name, replacing whatever is there.
    pub(crate) fn put_leaf(
        &mut self,
        parent: NodeId,
        name: &'a [u8],
        origin: Origin,
        layer: u32,
    ) -> Result<NodeId, Stop> {
        self.put(parent, name, Some(origin), layer, false)
    }

    fn put(
        &mut self,
        parent: NodeId,
        name: &'a [u8],
        origin: Option<Origin>,
        layer: u32,
        is_dir: bool,
    ) -> Result<NodeId, Stop> {
        let holder = self.node(parent);
        let path_len = holder.path_len + name.len() as u32 + 1;
        if path_len > MAX_PATH {
            return Err(Stop::TooLong);
        }
        let id = self.nodes.len() as NodeId;
        let sibling = holder.last_child;
        let hash = self.hash(parent, name);
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        let is_it = |other: &NodeId| {
            let node = &nodes[*other as usize];
            node.parent == parent && node.name == name
        };
        let rehash = |other: &NodeId| {
            let node = &nodes[*other as usize];
            hasher.hash_one((node.parent, node.name))
        };
        let in_the_way = match self.names.entry(hash, is_it, rehash) {
            Entry::Occupied(mut entry) => Some(std::mem::replace(entry.get_mut(), id)),
            Entry::Vacant(entry) => {
                entry.insert(id);
                None
            }
        };
        if let Some(replaced) = in_the_way {
            self.nodes[replaced as usize].attached = false;
            self.last_parent = None;
        }
        self.nodes.push(Node {
            parent,
            name,
            origin,
            by_layer: layer,
            touched: layer,
            path_len,
            is_dir,
            attached: true,
            last_child: ROOT,
            sibling,
        });
        let holder = &mut self.nodes[parent as usize];
        holder.is_dir = true;
        holder.last_child = id;
        self.touch(parent, layer);
        Ok(id)
    }

    fn touch(&mut self, mut id: NodeId, layer: u32) {
        loop {
            let node = &mut self.nodes[id as usize];
            if node.touched == layer && id != ROOT {
                return;
            }
            node.touched = layer;
            if id == ROOT {
                return;
            }
            id = node.parent;
        }
    }
}
