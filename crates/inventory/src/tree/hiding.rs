//! What whiteouts do to the tree.

use super::{NodeId, ROOT, Tree};

impl<'a> Tree<'a> {
    /// Forgets what the whiteouts of the previous layer have hidden.
    pub(crate) fn begin_layer(&mut self) {
        self.hidden.clear();
        self.last_parent = None;
    }

    /// Hides what layers below `layer` have at `parent/name` and below; what `layer` itself has written there
    /// stays, below directories nobody describes any more.
    pub(crate) fn hide(&mut self, parent: NodeId, name: &'a [u8], layer: u32) {
        self.last_parent = None;
        let Some(id) = self.child(parent, name) else { return };
        if self.node(id).touched != layer {
            self.detach(parent, name, id);
            return;
        }
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let node = &mut self.nodes[id as usize];
            if node.by_layer != layer {
                node.origin = None;
                node.by_layer = layer;
            }
            todo.extend(self.hide_children_once(id, layer));
        }
    }

    /// Hides what layers below `layer` have inside a directory.
    pub(crate) fn hide_children(&mut self, id: NodeId, layer: u32) {
        self.last_parent = None;
        for child in self.children(id) {
            let name = self.node(child).name;
            self.hide(id, name, layer);
        }
    }

    /// Detaches children that hold nothing of `layer`; the others are returned.
    fn hide_children_once(&mut self, id: NodeId, layer: u32) -> Vec<NodeId> {
        let (keep, drop): (Vec<_>, Vec<_>) =
            self.children(id).into_iter().partition(|child| self.node(*child).touched == layer);
        for child in drop {
            let name = self.node(child).name;
            self.detach(id, name, child);
        }
        keep
    }

    /// The names in a directory, in no order. Those that were detached are looked at for the last time: else a layer
    /// that says the same of one directory over and over would cost its names every time.
    fn children(&mut self, id: NodeId) -> Vec<NodeId> {
        let mut children = Vec::new();
        let mut next = std::mem::replace(&mut self.nodes[id as usize].last_child, ROOT);
        while next != ROOT {
            let child = next;
            next = self.node(child).sibling;
            if self.node(child).attached {
                self.nodes[child as usize].sibling =
                    std::mem::replace(&mut self.nodes[id as usize].last_child, child);
                children.push(child);
            }
        }
        children
    }

    fn detach(&mut self, parent: NodeId, name: &'a [u8], id: NodeId) {
        let hash = self.hash(parent, name);
        if let Ok(entry) = self.names.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
        self.nodes[id as usize].attached = false;
        self.hidden.insert((parent, name), id);
    }
}
