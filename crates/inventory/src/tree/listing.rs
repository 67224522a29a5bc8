//! The names of the tree, in order.

use std::sync::LazyLock;

use plimsoll_types::PathBytes;

use super::{NodeId, ROOT, Tree};

/// A name of the merged image.
pub(crate) struct Name {
    pub(crate) id: NodeId,
    /// Its path, unless the entry behind it has the same.
    pub(crate) path: Option<PathBytes>,
}

impl Name {
    /// Its path.
    pub(crate) fn path<'n>(&'n self, tree: &Tree<'n>) -> &'n PathBytes {
        static ROOT: LazyLock<PathBytes> = LazyLock::new(PathBytes::root);
        let behind = || tree.node(self.id).origin.map_or(&*ROOT, |origin| &tree.entry(origin).path);
        self.path.as_ref().unwrap_or_else(behind)
    }
}

impl Tree<'_> {
    /// Every name but the root's, in order.
    pub(crate) fn list(&self) -> Vec<Name> {
        let mut list = Vec::with_capacity(self.names.len());
        let mut path: Vec<u8> = Vec::new();
        // The next one is the last.
        let mut todo = Vec::new();
        self.push_children(ROOT, 0, &mut todo);
        while let Some(Listed { id, length, .. }) = todo.pop() {
            let node = self.node(id);
            path.truncate(length as usize);
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(node.name);
            // Nearly every entry has the path it is shown at, and that is clean.
            let same = node.origin.is_some_and(|origin| self.entry(origin).path.as_bytes() == path);
            list.push(Name { id, path: (!same).then(|| PathBytes::clean(&path)) });
            if node.is_dir {
                self.push_children(id, path.len() as u32, &mut todo);
            }
        }
        list
    }

    fn push_children(&self, id: NodeId, length: u32, todo: &mut Vec<Listed>) {
        let start = todo.len();
        let mut child = self.node(id).last_child;
        while child != ROOT {
            let node = self.node(child);
            if node.attached {
                todo.push(Listed { id: child, length, head: head(node.name) });
            }
            child = node.sibling;
        }
        let name = |listed: &Listed| self.node(listed.id).name;
        todo[start..].sort_unstable_by(|a, b| b.head.cmp(&a.head).then_with(|| name(b).cmp(name(a))));
    }
}

/// A name that will be listed, and the length of the path of its directory.
struct Listed {
    id: NodeId,
    length: u32,
    /// What decides most comparisons without a look at the names.
    head: u64,
}

/// The first bytes of a name, in its order.
fn head(name: &[u8]) -> u64 {
    let mut head = [0; 8];
    let length = name.len().min(8);
    head[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(head)
}
