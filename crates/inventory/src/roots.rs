//! Which tree a package database describes: the image itself, or a root file system inside it.

use std::collections::BTreeMap;

use plimsoll_types::{Distro, OsRelease, PackageType, PathBytes, Payload};

use crate::records::{Records, end_of};
use crate::tree::{NodeId, ROOT, Stop, Tree};

/// Where each format keeps its database below a root. A directory stands for every file in it.
const HOMES: &[(PackageType, &str)] = &[
    (PackageType::Deb, "var/lib/dpkg/status"),
    (PackageType::Deb, "var/lib/dpkg/status.d"),
    (PackageType::Deb, "var/lib/dpkg/info"),
    (PackageType::Deb, "var/lib/dpkg/diversions"),
    (PackageType::Apk, "lib/apk/db/installed"),
    (PackageType::Apk, "usr/lib/apk/db/installed"),
    (PackageType::Rpm, "var/lib/rpm"),
    (PackageType::Rpm, "usr/lib/sysimage/rpm"),
    (PackageType::Rpm, "usr/share/rpm"),
];

/// Where a distribution names itself below a root, in the order of os-release(5).
const OS_RELEASE: &[&str] = &["etc/os-release", "usr/lib/os-release"];

/// Where the homes of the image's own databases lead, while the tree stays as it is.
pub(crate) struct Homes(Vec<NodeId>);

impl Homes {
    /// Resolves each once.
    pub(crate) fn of(tree: &mut Tree<'_>) -> Self {
        Self(HOMES.iter().filter_map(|(_, home)| tree.resolve(ROOT, home.as_bytes()).ok()).collect())
    }

    /// The root a database file at `path` describes, as a path of the merged image.
    ///
    /// A database that one of the image's own homes leads to (through whatever symlinks) is the image's own;
    /// another is told by its path; one in no known home describes the directory it lies in.
    pub(crate) fn root_of(&self, tree: &mut Tree<'_>, node: NodeId, path: &PathBytes) -> PathBytes {
        let end = end_of(tree, node).unwrap_or(node);
        let parent = tree.node(node).parent;
        if self.0.iter().any(|home| *home == end || (*home == parent && tree.is_dir(parent))) {
            return PathBytes::root();
        }
        root_by_path(path).unwrap_or_else(|| path.parent())
    }
}

fn root_by_path(path: &PathBytes) -> Option<PathBytes> {
    let bytes = path.as_bytes();
    HOMES.iter().find_map(|(_, home)| {
        let home = home.as_bytes();
        [bytes, path.parent_bytes()].into_iter().find_map(|candidate| {
            let root = candidate.strip_suffix(home)?;
            (root.is_empty() || root.ends_with(b"/")).then(|| PathBytes::clean(root))
        })
    })
}

/// Single files that are the image's own package database when they are there.
const DATABASE_FILES: &[&str] = &[
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
];

/// Databases nobody read: a link leads from where one belongs to a file of a name no analyzer asks for.
pub(crate) fn unread_databases<'a>(tree: &mut Tree<'a>, records: &Records<'a>) -> Vec<&'static str> {
    let mut unread = Vec::new();
    for home in DATABASE_FILES {
        match tree.resolve(ROOT, home.as_bytes()) {
            Ok(node) if !tree.is_dir(node) => {}
            Err(Stop::Budget) => {}
            _ => continue,
        }
        let refused = |(_, payload): &(&str, &Payload)| matches!(payload, Payload::Unreadable { .. });
        let groups = records.at(tree, ROOT, &PathBytes::clean(home.as_bytes()));
        let known = groups.iter().any(|group| group.is_database() || group.facts.iter().any(refused));
        if !known {
            unread.push(*home);
        }
    }
    unread
}

/// The distribution of a root.
pub(crate) fn distro_of<'a>(tree: &mut Tree<'a>, records: &Records<'a>, root: &PathBytes) -> Option<Distro> {
    let base = tree.lookup(ROOT, root).ok().filter(|id| tree.is_dir(*id))?;
    for home in OS_RELEASE {
        let groups = records.at(tree, base, &PathBytes::clean(home.as_bytes()));
        let release = groups.iter().flat_map(|group| &group.facts).find_map(|(_, payload)| match payload {
            Payload::OsRelease(release) if !release.id.is_empty() => Some(release),
            _ => None,
        });
        if let Some(release) = release {
            return Some(distro(release));
        }
    }
    None
}

fn distro(release: &OsRelease) -> Distro {
    Distro {
        id: release.id.clone(),
        id_like: release.id_like.clone(),
        version_id: release.version_id.clone(),
        codename: release.codename.clone(),
        pretty_name: release.pretty_name.clone(),
    }
}

/// The roots of an image: paths and distributions, the image's own among them.
#[derive(Default)]
pub(crate) struct Roots {
    distros: BTreeMap<PathBytes, Option<Distro>>,
}

impl Roots {
    /// The distribution of `root`, looked up once.
    pub(crate) fn distro<'a>(
        &mut self,
        tree: &mut Tree<'a>,
        records: &Records<'a>,
        root: &PathBytes,
    ) -> Option<&Distro> {
        if !self.distros.contains_key(root) {
            let distro = distro_of(tree, records, root);
            self.distros.insert(root.clone(), distro);
        }
        self.distros.get(root).and_then(Option::as_ref)
    }

    /// Every root looked up, by path.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (PathBytes, Option<Distro>)> {
        self.distros.into_iter()
    }
}
