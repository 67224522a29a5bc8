//! Which OS package owns the file a language package was read from.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use plimsoll_types::{OwnedPaths, PathBytes};

use crate::tree::{NodeId, ROOT, Tree};

/// A claim of one OS package on paths below its root.
pub(crate) struct Claim<'a> {
    pub(crate) root: PathBytes,
    /// Package id.
    pub(crate) owner: String,
    /// Package name, as diversions name it.
    pub(crate) name: &'a str,
    pub(crate) paths: &'a [PathBytes],
}

/// dpkg diversions of one root.
#[derive(Default)]
pub(crate) struct Diversions<'a> {
    moved: HashMap<(PathBytes, &'a PathBytes), (&'a PathBytes, &'a str)>,
}

impl<'a> Diversions<'a> {
    /// Adds one.
    pub(crate) fn add(&mut self, root: PathBytes, from: &'a PathBytes, to: &'a PathBytes, by: &'a str) {
        self.moved.insert((root, from), (to, by));
    }

    /// Where the package `name` really has `path`.
    fn real<'p>(&self, root: &PathBytes, name: &str, path: &'p PathBytes) -> &'p PathBytes
    where
        'a: 'p,
    {
        if self.moved.is_empty() {
            return path;
        }
        match self.moved.get(&(root.clone(), path)) {
            Some((to, by)) if *by != name || by.is_empty() => to,
            _ => path,
        }
    }
}

/// For each of the `wanted` files, the id of the package that owns it.
///
/// Most claims name a file by the very path the merged image has; the others pass through a symlinked
/// directory, and are resolved only if the last component is one that is wanted.
pub(crate) fn owners(
    tree: &mut Tree<'_>,
    wanted: &BTreeMap<PathBytes, NodeId>,
    claims: &[Claim<'_>],
    diversions: &Diversions<'_>,
) -> HashMap<PathBytes, String> {
    let names: HashSet<&[u8]> = wanted.keys().map(PathBytes::file_name).collect();
    let nodes: HashMap<NodeId, &PathBytes> = wanted.iter().map(|(path, node)| (*node, path)).collect();
    let mut owners: HashMap<PathBytes, String> = HashMap::new();
    for claim in claims {
        for path in claim.paths {
            let path = diversions.real(&claim.root, claim.name, path);
            if !names.contains(path.file_name()) {
                continue;
            }
            let full = if claim.root.is_root() { path.clone() } else { claim.root.join(path.as_bytes()) };
            let owned = if wanted.contains_key(&full) {
                Some(&full)
            } else {
                tree.lookup(ROOT, &full).ok().and_then(|node| nodes.get(&node).copied())
            };
            if let Some(owned) = owned {
                owners.entry(owned.clone()).or_insert_with(|| claim.owner.clone());
            }
        }
    }
    owners
}

/// True if `owned` speaks of the package `name` of architecture `arch`.
pub(crate) fn speaks_of(owned: &OwnedPaths, name: &str, arch: Option<&str>) -> bool {
    owned.package == name && (owned.arch.is_none() || arch.is_none() || owned.arch.as_deref() == arch)
}
