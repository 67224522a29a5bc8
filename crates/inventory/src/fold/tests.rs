//! Small layer stacks and what must come out of them.

use plimsoll_types::{
    BlindKind, ContentKind, DatabaseState, Digest, IndexEvidence, LicenseClaim, OsRelease, OwnedPaths,
    PackageRecord, PackageType, PackagesEvidence, Record, Section,
};

use super::*;

mod links;

/// One layer under construction.
#[derive(Default)]
struct Layer {
    entries: Vec<FileEntry>,
    records: Vec<Record>,
}

impl Layer {
    fn entry(mut self, path: &str, kind: EntryKind, target: &str) -> Self {
        let mut entry = undescribed_directory(&path.into());
        entry.kind = kind;
        entry.link_target = target.as_bytes().into();
        entry.mode = 0o644;
        entry.content = ContentKind::Text;
        self.entries.push(entry);
        self
    }

    fn file(self, path: &str) -> Self {
        self.entry(path, EntryKind::File, "")
    }

    fn dir(self, path: &str) -> Self {
        self.entry(path, EntryKind::Directory, "")
    }

    fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryKind::Symlink, target)
    }

    fn hard(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryKind::HardLink, target)
    }

    fn gone(self, path: &str) -> Self {
        self.entry(path, EntryKind::Whiteout, "")
    }

    fn fact(mut self, path: &str, payload: Payload) -> Self {
        self.records.push(Record { path: path.into(), payload });
        self
    }

    /// A dpkg status file listing `packages` as `name=version`.
    fn dpkg(self, path: &str, packages: &[&str]) -> Self {
        let mut layer = self.file(path);
        for package in packages {
            layer = layer.fact(path, record(PackageType::Deb, package));
        }
        let state = DatabaseState::Read { format: "deb".into(), packages: packages.len() as u64 };
        layer.fact(path, Payload::Database(state))
    }

    fn node(self, path: &str, package: &str) -> Self {
        self.file(path).fact(path, record(PackageType::Npm, package))
    }

    fn os_release(self, path: &str, id: &str) -> Self {
        let release = OsRelease { id: id.into(), version_id: Some("12".into()), ..OsRelease::default() };
        self.file(path).fact(path, Payload::OsRelease(release))
    }
}

fn record(package_type: PackageType, package: &str) -> Payload {
    let (name, version) = package.split_once('=').unwrap();
    Payload::Package(Box::new(PackageRecord::new(package_type, name, version)))
}

fn fold_layers(layers: Vec<Layer>) -> Inventory {
    let diff_id = Digest::from_bytes([0; 32]);
    let layers: Vec<_> = layers
        .into_iter()
        .map(|layer| Evidence {
            index: IndexEvidence {
                diff_id,
                uncompressed_size: 0,
                entries: layer.entries,
                kept: Vec::new(),
                ambiguities: Vec::new(),
            },
            packages: PackagesEvidence {
                diff_id,
                sections: vec![Section { records: layer.records, ..Section::new("test/all", 1) }],
            },
        })
        .collect();
    let shared: Vec<_> = layers.iter().cloned().map(Arc::new).collect();
    let inventory = fold(layers);
    assert_eq!(fold_shared(&shared), inventory, "whoever owns the evidence");
    inventory
}

fn l() -> Layer {
    Layer::default()
}

fn names(inventory: &Inventory) -> Vec<String> {
    inventory.files.iter().map(|file| file.path().to_string()).collect()
}

fn packages(inventory: &Inventory) -> Vec<(String, Option<u32>)> {
    inventory.packages.iter().map(|p| (format!("{}={}", p.name, p.version), p.layer)).collect()
}

#[test]
fn an_upgrade_moves_a_package_and_a_rewritten_database_moves_nothing() {
    let status = "var/lib/dpkg/status";
    let inventory = fold_layers(vec![
        l().dpkg(status, &["a=1", "b=1"]),
        l().dpkg(status, &["a=1", "b=2"]),
        l().file("unrelated"),
        l().dpkg(status, &["a=1", "b=2", "c=1"]),
    ]);
    let expected = [("a=1", 0), ("b=2", 1), ("c=1", 3)].map(|(p, layer)| (p.to_owned(), Some(layer)));
    assert_eq!(packages(&inventory), expected);
}

#[test]
fn a_package_removed_and_installed_again_comes_from_the_later_layer() {
    let status = "var/lib/dpkg/status";
    let inventory = fold_layers(vec![
        l().dpkg(status, &["a=1", "b=1"]),
        l().dpkg(status, &["b=1"]),
        l().dpkg(status, &["a=1", "b=1"]),
    ]);
    assert_eq!(packages(&inventory), [("a=1".to_owned(), Some(2)), ("b=1".to_owned(), Some(0))]);
}

#[test]
fn a_touched_language_package_stays_with_its_layer_and_an_upgraded_one_moves() {
    let inventory = fold_layers(vec![
        l().node("app/node_modules/x/package.json", "x=1").node("app/node_modules/y/package.json", "y=1"),
        l().node("app/node_modules/x/package.json", "x=1").node("app/node_modules/y/package.json", "y=2"),
    ]);
    assert_eq!(packages(&inventory), [("x=1".to_owned(), Some(0)), ("y=2".to_owned(), Some(1))]);
}

#[test]
fn a_whited_out_database_is_a_blind_spot_that_hides() {
    let inventory = fold_layers(vec![l().dpkg("var/lib/dpkg/status", &["a=1"]), l().gone("var/lib/dpkg")]);
    assert!(inventory.packages.is_empty());
    assert_eq!(inventory.blind_spots[0].kind, BlindKind::DatabaseEmpty);
    assert_eq!(inventory.blind_spots[0].layer, Some(1));
}

#[test]
fn a_path_through_a_lower_layers_symlink_lands_in_its_target() {
    let inventory =
        fold_layers(vec![l().dir("usr").dir("usr/lib").link("lib", "usr/lib"), l().file("lib/b")]);
    assert_eq!(names(&inventory), ["/lib", "/usr", "/usr/lib", "/usr/lib/b"]);
}

#[test]
fn a_licence_is_stated_where_its_file_lies_in_the_image() {
    let mut npm = PackageRecord::new(PackageType::Npm, "b", "1");
    npm.licenses = ["/lib/package.json", "/lib/package.json!/LICENSE", "/lib/package.json.bak"]
        .map(|source| LicenseClaim { value: "MIT".into(), spdx: None, source: source.into() })
        .to_vec();
    let inventory = fold_layers(vec![
        l().dir("usr").dir("usr/lib").link("lib", "usr/lib"),
        l().file("lib/package.json").fact("lib/package.json", Payload::Package(Box::new(npm))),
    ]);
    let sources: Vec<_> = inventory.packages[0].licenses.iter().map(|claim| claim.source.as_str()).collect();
    assert_eq!(sources, ["/usr/lib/package.json", "/usr/lib/package.json!/LICENSE", "/lib/package.json.bak"]);
}

#[test]
fn os_release_is_found_through_symlinks_of_other_layers() {
    let inventory = fold_layers(vec![
        l().os_release("usr/lib/os-release", "debian"),
        l().link("etc/os-release", "../usr/lib/os-release"),
    ]);
    assert_eq!(inventory.distro.unwrap().id, "debian");
}

#[test]
fn a_directory_replaces_a_symlink_and_back() {
    let stack = || vec![l().dir("a").file("a/x").link("d", "a"), l().dir("d").file("d/y")];
    assert_eq!(names(&fold_layers(stack())), ["/a", "/a/x", "/d", "/d/y"]);
    let mut back = stack();
    back.push(l().link("d", "a"));
    assert_eq!(names(&fold_layers(back)), ["/a", "/a/x", "/d"]);
}

#[test]
fn whiteouts_hide_lower_layers_only_wherever_they_stand() {
    for whiteout_first in [true, false] {
        let upper = if whiteout_first { l().gone("d").file("d/new") } else { l().file("d/new").gone("d") };
        let inventory = fold_layers(vec![l().dir("d").file("d/old").file("e"), upper]);
        assert_eq!(names(&inventory), ["/d", "/d/new", "/e"]);
    }
    let inventory = fold_layers(vec![
        l().dir("d").file("d/old").dir("d/sub").file("d/sub/old"),
        l().file("d/new").entry("d", EntryKind::Opaque, "").file("d/sub/new"),
    ]);
    assert_eq!(names(&inventory), ["/d", "/d/new", "/d/sub", "/d/sub/new"]);
}

#[test]
fn a_hard_link_into_a_lower_layer_is_a_second_name_of_its_facts() {
    let inventory = fold_layers(vec![
        l().node("a/package.json", "x=1"),
        l().hard("b/package.json", "a/package.json").gone("a/package.json"),
    ]);
    assert_eq!(names(&inventory), ["/a", "/b", "/b/package.json"]);
    assert_eq!(packages(&inventory), [("x=1".to_owned(), Some(1))]);
    assert_eq!(inventory.packages[0].locations, ["/b/package.json"]);
    assert_eq!(inventory.files[2].entry().kind, EntryKind::File);
}

#[test]
fn a_hard_link_binds_to_what_a_whiteout_of_its_layer_hides() {
    let inventory = fold_layers(vec![l().file("d/a"), l().gone("d").hard("b", "d/a")]);
    assert_eq!(names(&inventory), ["/b"]);
}

#[test]
fn links_that_lead_nowhere_are_left_out_and_said() {
    let inventory =
        fold_layers(vec![l().hard("b", "nowhere").link("x", "y").link("y", "x").file("x/f").hard("x", "x")]);
    assert_eq!(names(&inventory), ["/x", "/y"]);
    assert!(inventory.blind_spots.iter().all(|spot| spot.kind == BlindKind::AmbiguousLayer));
    assert_eq!(inventory.blind_spots.len(), 3);
}

#[test]
fn a_file_gives_way_to_the_directory_of_a_deeper_name() {
    let inventory = fold_layers(vec![l().file("a"), l().file("a/b")]);
    assert_eq!(names(&inventory), ["/a", "/a/b"]);
    assert_eq!(inventory.blind_spots.len(), 1);
}

#[test]
fn a_database_elsewhere_is_a_nested_root_with_its_own_distribution() {
    let inventory = fold_layers(vec![
        l().dpkg("var/lib/dpkg/status", &["a=1"])
            .os_release("etc/os-release", "debian")
            .dpkg("srv/root/var/lib/dpkg/status", &["a=1"])
            .os_release("srv/root/etc/os-release", "ubuntu"),
    ]);
    assert_eq!(inventory.packages.len(), 2);
    assert_eq!(inventory.nested_roots.len(), 1);
    assert_eq!(inventory.nested_roots[0].root, "/srv/root");
    let purls: Vec<_> = inventory.packages.iter().map(|p| p.purl.as_ref().unwrap().to_string()).collect();
    assert_eq!(purls, ["pkg:deb/debian/a@1?distro=debian-12", "pkg:deb/ubuntu/a@1?distro=ubuntu-12"]);
}

#[test]
fn a_moved_database_stays_the_images_own_and_its_packages_keep_their_layer() {
    let inventory = fold_layers(vec![
        l().dpkg("var/lib/dpkg/status", &["a=1"]),
        l().gone("var/lib/dpkg").dpkg("opt/dpkg/status", &["a=1", "b=1"]).link("var/lib/dpkg", "/opt/dpkg"),
    ]);
    assert_eq!(packages(&inventory), [("a=1".to_owned(), Some(0)), ("b=1".to_owned(), Some(1))]);
    assert!(inventory.nested_roots.is_empty());
}

#[test]
fn ownership_follows_symlinked_directories_and_diversions() {
    let list = "var/lib/dpkg/info/pkg.list";
    let owned = |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).into()).collect();
        Payload::Owned(OwnedPaths { package: "pkg".into(), arch: None, paths })
    };
    let diversion = Payload::Diversion {
        from: "usr/lib/n/z/package.json".into(),
        to: "usr/lib/n/z/package.json.real".into(),
        by: "other".into(),
    };
    let inventory = fold_layers(vec![
        l().dpkg("var/lib/dpkg/status", &["pkg=1"])
            .dir("usr/lib")
            .link("lib", "usr/lib")
            .node("usr/lib/n/x/package.json", "x=1")
            .node("usr/lib/n/y/package.json", "y=1")
            .node("usr/lib/n/z/package.json", "z=1")
            .file("var/lib/dpkg/diversions")
            .fact("var/lib/dpkg/diversions", diversion)
            .file(list)
            .fact(list, owned(&["lib/n/x/package.json", "usr/lib/n/z/package.json"])),
    ]);
    let owners: Vec<_> = inventory.packages.iter().map(|p| (p.name.as_str(), p.owned_by.is_some())).collect();
    assert_eq!(owners, [("pkg", false), ("x", true), ("y", false), ("z", false)]);
}

#[test]
fn two_architectures_are_two_packages_and_one_jar_twice_is_two() {
    let deb = |arch: &str| {
        let mut record = PackageRecord::new(PackageType::Deb, "libc6", "1");
        record.arch = Some(arch.into());
        Payload::Package(Box::new(record))
    };
    let inventory = fold_layers(vec![
        l().file("var/lib/dpkg/status")
            .fact("var/lib/dpkg/status", deb("amd64"))
            .fact("var/lib/dpkg/status", deb("i386"))
            .file("a.jar")
            .fact("a.jar", record(PackageType::Maven, "g:a=1"))
            .file("b.jar")
            .fact("b.jar", record(PackageType::Maven, "g:a=1")),
    ]);
    assert_eq!(inventory.packages.len(), 4);
}

#[test]
fn a_bomb_of_symlinks_ends() {
    let mut layer = l();
    let mut target = String::from("/");
    for i in 0..200 {
        layer = layer.link(&format!("l{i}"), &target);
        target = format!("/l{i}/l{i}/l{i}/l{i}");
    }
    for i in 0..2_000 {
        layer = layer.file(&format!("l199/f{i}"));
    }
    let inventory = fold_layers(vec![layer]);
    assert!(!inventory.blind_spots.is_empty());
}

#[test]
fn a_database_behind_a_link_that_nobody_read_is_a_blind_spot_that_hides() {
    let inventory = fold_layers(vec![l().file("x/blob").link("var/lib/dpkg/status", "/x/blob")]);
    assert_eq!(inventory.blind_spots.len(), 1);
    assert_eq!(inventory.blind_spots[0].kind, BlindKind::DatabaseUnreadable);
}

#[test]
fn a_distribution_without_any_database_is_a_blind_spot_that_hides() {
    let inventory =
        fold_layers(vec![l().os_release("etc/os-release", "debian").file("var/lib/dpkg/status-old")]);
    assert_eq!(inventory.blind_spots.len(), 1);
    assert_eq!(inventory.blind_spots[0].kind, BlindKind::DatabaseEmpty);
}
