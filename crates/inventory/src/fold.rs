//! The fold itself: layers in, inventory out.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use plimsoll_types::{
    EntryKind, Evidence, FileEntry, Inventory, InventoryFile, KeptFile, NestedRoot, Package, PathBytes,
    Payload,
};

use crate::apply::apply;
use crate::attribution::{self, Holdings, layer_of_file_package};
use crate::blind_spots::{self, LiveDatabase};
use crate::metadata::Metadata;
use crate::ownership::{Claim, Diversions, owners, speaks_of};
use crate::package::{package, text_of};
use crate::path_map::PathMap;
use crate::records::{Live, Records};
use crate::roots::{Homes, Roots, unread_databases};
use crate::tree::{Name, NodeId, Origin, ROOT, Tree};

/// Merges the evidence of an image's layers, lowest first.
///
/// Pure and total: whatever the layers say, there is an inventory; what could not be made sense of is a blind
/// spot in it.
pub fn fold(layers: Vec<Evidence>) -> Inventory {
    fold_shared(&layers.into_iter().map(Arc::new).collect::<Vec<_>>())
}

/// The same of evidence that others use, too. What the image shows is shared with it.
pub fn fold_shared(layers: &[Arc<Evidence>]) -> Inventory {
    let Merged { inventory, shown } = merge(&layers.iter().map(Arc::as_ref).collect::<Vec<_>>());
    let file = |Shown { path, layer, origin }| {
        if let Some(Origin { layer: of, entry }) = origin {
            return InventoryFile::of_layer(layer, &layers[of as usize], entry as usize, path);
        }
        let path = path.unwrap_or_default();
        let entry = undescribed_directory(&path);
        InventoryFile::new(path, layer, entry)
    };
    Inventory { files: shown.into_iter().map(file).collect(), ..inventory }
}

struct Merged {
    /// All of it but the files.
    inventory: Inventory,
    shown: Vec<Shown>,
}

/// A name of the merged image and the entry behind it.
struct Shown {
    /// If the entry has another.
    path: Option<PathBytes>,
    layer: u32,
    origin: Option<Origin>,
}

fn merge(layers: &[&Evidence]) -> Merged {
    let mut blind_spots = Vec::new();
    for (layer, evidence) in (0..).zip(layers) {
        blind_spots.extend(evidence.index.ambiguities.iter().map(|text| blind_spots::ambiguous(layer, text)));
        blind_spots.extend(blind_spots::failed_sections(layer, &evidence.packages));
    }
    let mut tree = Tree::new(layers.iter().map(|layer| &layer.index.entries[..]).collect());
    let mut records = Records::new(layers.iter().map(|layer| &layer.packages));
    let mut database_roots = HashMap::new();
    for (layer, entries) in layers.iter().map(|layer| &layer.index.entries).enumerate() {
        records.before_layer(&mut tree, layer);
        let oddities = apply(&mut tree, layer as u32, entries);
        blind_spots.extend(oddities.iter().map(|oddity| blind_spots::odd(layer as u32, oddity)));
        records.after_layer(&mut tree, layer);
        attribution::note_roots(&mut tree, &records, &mut database_roots);
    }
    // What the finished image says of its live databases outranks what half of it said.
    for (group, _) in records.live_databases.last().into_iter().flatten() {
        database_roots.remove(group);
    }
    attribution::note_roots(&mut tree, &records, &mut database_roots);
    let holdings = Holdings::new(&records, database_roots);
    blind_spots.extend(holdings.vanished.map(blind_spots::vanished));
    blind_spots.extend(unread_databases(&mut tree, &records).into_iter().map(blind_spots::unread));

    let names = tree.list();
    let live = records.live(&mut tree, &names);
    blind_spots.extend(Metadata::among(&tree, &names).unread(&mut tree, &records, &live));
    let mut image = Image {
        homes: Homes::of(&mut tree),
        tree: &mut tree,
        records: &records,
        holdings: &holdings,
        roots: Roots::default(),
    };
    let databases = image.databases(&live);
    blind_spots.extend(live.iter().flat_map(|live| blind_spots::unreadable(live, &records)));
    blind_spots.extend(blind_spots::databases(&databases, &records));
    let packages = image.packages(&live);
    let distro = image.roots.distro(image.tree, &records, &PathBytes::root()).cloned();
    if let Some(distro) = &distro
        && databases.is_empty()
        && holdings.vanished.is_none()
    {
        blind_spots.push(blind_spots::no_database(distro.pretty_name.as_deref().unwrap_or(&distro.id)));
    }
    let mut nested_roots = Vec::new();
    for (root, distro) in image.roots.into_iter() {
        let has_packages = packages.iter().any(|p| p.package_type.is_os() && p.root == root.to_string());
        if has_packages && distro.is_none() {
            blind_spots.push(blind_spots::nameless(&root));
        }
        if has_packages && !root.is_root() {
            nested_roots.push(NestedRoot { root: root.to_string(), distro });
        }
    }
    let (shown, kept) = show(&tree, names, layers);
    blind_spots.sort();
    blind_spots.dedup();
    let inventory = Inventory { distro, packages, nested_roots, kept, blind_spots, ..Inventory::default() };
    Merged { inventory, shown }
}

struct Image<'i, 'a> {
    tree: &'i mut Tree<'a>,
    records: &'i Records<'a>,
    holdings: &'i Holdings<'a>,
    roots: Roots,
    homes: Homes,
}

impl<'a> Image<'_, 'a> {
    fn root(&mut self, live: &Live) -> PathBytes {
        match self.holdings.root(live.group) {
            Some(root) => root.clone(),
            None => self.homes.root_of(self.tree, live.node, &live.path),
        }
    }

    fn databases<'l>(&mut self, live: &'l [Live]) -> Vec<LiveDatabase<'l>> {
        let mut databases = Vec::new();
        for live in live {
            if self.records.groups[live.group as usize].is_database() {
                let root = self.root(live);
                databases.push(LiveDatabase { live, root });
            }
        }
        databases
    }

    fn packages(&mut self, live: &[Live]) -> Vec<Package> {
        let mut packages = Vec::new();
        let mut sites = Vec::new();
        for (index, file) in live.iter().enumerate() {
            let group = &self.records.groups[file.group as usize];
            for (analyzer, record) in group.packages() {
                let os = record.package_type.is_os();
                let root = if os { self.root(file) } else { PathBytes::root() };
                let distro = if os { self.roots.distro(self.tree, self.records, &root) } else { None };
                let mut package = package(record, analyzer, &root, distro, &file.path);
                place_licences(&mut package, group.path, &file.path);
                package.layer = if os {
                    self.holdings.layer(&root, record).or(Some(file.layer))
                } else {
                    Some(layer_of_file_package(self.records, file, record))
                };
                packages.push(package);
                sites.push((index, root, record));
            }
        }
        let claims = self.claims(live, &mut packages, &sites);
        self.add_licences(&mut packages, live);
        self.add_owners(&mut packages, live, &sites, &claims);
        packages.sort_by(|a, b| order(a).cmp(&order(b)));
        packages.dedup_by(|b, a| {
            let same = a.id == b.id;
            if same {
                // One database in two files (or one line twice): one package, seen in both.
                a.locations.append(&mut b.locations);
                a.layer = a.layer.min(b.layer);
            }
            same
        });
        for package in &mut packages {
            package.locations.sort();
            package.locations.dedup();
        }
        packages
    }

    /// Which paths the OS packages own; file lists become further locations of their packages.
    fn claims(
        &mut self,
        live: &[Live],
        packages: &mut [Package],
        sites: &[(usize, PathBytes, &'a plimsoll_types::PackageRecord)],
    ) -> Vec<Claim<'a>> {
        let mut by_name: HashMap<(&PathBytes, &str), Vec<usize>> = HashMap::new();
        for (index, (_, root, record)) in sites.iter().enumerate() {
            if record.package_type.is_os() {
                by_name.entry((root, &record.name)).or_default().push(index);
            }
        }
        let mut claims = Vec::new();
        for (index, (_, root, record)) in sites.iter().enumerate() {
            if record.package_type.is_os() && !record.owned_paths.is_empty() {
                let (root, owner) = (root.clone(), packages[index].id.clone());
                claims.push(Claim { root, owner, name: &record.name, paths: &record.owned_paths });
            }
        }
        for file in live {
            for (_, payload) in &self.records.groups[file.group as usize].facts {
                let Payload::Owned(owned) = payload else { continue };
                if !is_dpkg_file(&file.path) {
                    continue;
                }
                let root = self.homes.root_of(self.tree, file.node, &file.path);
                for index in by_name.get(&(&root, owned.package.as_str())).into_iter().flatten() {
                    let (_, root, record) = &sites[*index];
                    if speaks_of(owned, &record.name, record.arch.as_deref()) {
                        packages[*index].locations.push(text_of(&file.path));
                        let owner = packages[*index].id.clone();
                        claims.push(Claim {
                            root: root.clone(),
                            owner,
                            name: &record.name,
                            paths: &owned.paths,
                        });
                    }
                }
            }
        }
        claims.sort_by(|a, b| a.owner.cmp(&b.owner));
        claims
    }

    fn add_owners(
        &mut self,
        packages: &mut [Package],
        live: &[Live],
        sites: &[(usize, PathBytes, &'a plimsoll_types::PackageRecord)],
        claims: &[Claim<'a>],
    ) {
        let mut diversions = Diversions::default();
        for file in live {
            for (_, payload) in &self.records.groups[file.group as usize].facts {
                if let Payload::Diversion { from, to, by } = payload {
                    let root = self.homes.root_of(self.tree, file.node, &file.path);
                    diversions.add(root, from, to, by);
                }
            }
        }
        let wanted: BTreeMap<PathBytes, NodeId> = sites
            .iter()
            .filter(|(_, _, record)| !record.package_type.is_os())
            .map(|(file, _, _)| (live[*file].path.clone(), live[*file].node))
            .collect();
        let owners = owners(self.tree, &wanted, claims, &diversions);
        for (package, (file, _, record)) in packages.iter_mut().zip(sites) {
            if !record.package_type.is_os() {
                package.owned_by = owners.get(&live[*file].path).cloned();
            }
        }
    }

    /// Debian states licences in `usr/share/doc/PACKAGE/copyright`; the directory may be a link to another's.
    fn add_licences(&mut self, packages: &mut [Package], live: &[Live]) {
        let by_node: HashMap<NodeId, &Live> = live.iter().map(|file| (file.node, file)).collect();
        for package in packages.iter_mut().filter(|p| p.package_type == plimsoll_types::PackageType::Deb) {
            let root = PathBytes::clean(package.root.as_bytes());
            let Ok(base) = self.tree.lookup(ROOT, &root) else { continue };
            let path = PathBytes::clean(format!("usr/share/doc/{}/copyright", package.name).as_bytes());
            // The file there, or the link it was read through.
            let nodes = [self.tree.resolve(base, path.as_bytes()), self.tree.lookup(base, &path)];
            let Some(file) = nodes.into_iter().flatten().find_map(|node| by_node.get(&node)) else {
                continue;
            };
            for (_, payload) in &self.records.groups[file.group as usize].facts {
                if let Payload::Licenses { licenses, .. } = payload {
                    let source = text_of(&file.path);
                    package.licenses.extend(licenses.iter().cloned().map(|mut claim| {
                        claim.source.clone_from(&source);
                        claim
                    }));
                    package.locations.push(source);
                }
            }
        }
    }
}

/// Claims name the file as its layer does; what is shown is where it lies in the image.
fn place_licences(package: &mut Package, in_layer: &PathBytes, in_image: &PathBytes) {
    if in_layer == in_image {
        return;
    }
    let (from, to) = (text_of(in_layer), text_of(in_image));
    for claim in &mut package.licenses {
        let within = claim.source.strip_prefix(&from).filter(|rest| rest.is_empty() || rest.starts_with('!'));
        if let Some(rest) = within {
            claim.source = format!("{to}{rest}");
        }
    }
}

fn order(package: &Package) -> impl Ord + '_ {
    (
        package.package_type,
        &package.name,
        &package.version,
        &package.arch,
        &package.root,
        &package.locations,
        &package.id,
    )
}

fn is_dpkg_file(path: &PathBytes) -> bool {
    let parent = path.parent_bytes();
    parent.ends_with(b"/dpkg/info") || parent.ends_with(b"/dpkg/status.d")
}

/// The names of the merged image with what is behind them, and the kept files among them.
fn show(tree: &Tree<'_>, names: Vec<Name>, layers: &[&Evidence]) -> (Vec<Shown>, Vec<KeptFile>) {
    let kept: Vec<PathMap<'_, &KeptFile>> = layers.iter().map(|layer| by_path(&layer.index.kept)).collect();
    let mut shown_kept = Vec::new();
    let show = |name: Name| {
        let node = tree.node(name.id);
        if let Some(origin) = node.origin
            && let Some(file) = kept[origin.layer as usize].get(&tree.entry(origin).path)
        {
            shown_kept.push(KeptFile { path: name.path(tree).clone(), bytes: file.bytes.clone() });
        }
        Shown { path: name.path, layer: node.by_layer, origin: node.origin }
    };
    (names.into_iter().map(show).collect(), shown_kept)
}

/// By path; of several with one path the last.
fn by_path(files: &[KeptFile]) -> PathMap<'_, &KeptFile> {
    let mut kept = PathMap::default();
    for file in files {
        *kept.or_insert_with(&file.path, || file) = file;
    }
    kept
}

/// A directory no layer describes: what runtimes create for the names below it.
fn undescribed_directory(path: &PathBytes) -> FileEntry {
    FileEntry {
        path: path.clone(),
        kind: EntryKind::Directory,
        link_target: Box::default(),
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: 0,
        rdev: None,
        size: 0,
        xattrs: Vec::new(),
        link_group: 0,
        content: plimsoll_types::ContentKind::None,
        sha256: None,
    }
}

#[cfg(test)]
mod tests;
