//! Files with facts that only a link names as what they are.

use super::*;

const SHIP: &str = "srv/node_modules/ship/package.json";

/// A layer with a link, its file, and what was read through it.
fn linked() -> Layer {
    through(l().link(SHIP, "../../../store/abc").file("store/abc"), SHIP, "/store/abc", "ship=1")
}

fn through(layer: Layer, link: &str, file: &str, package: &str) -> Layer {
    let file = PathBytes::clean(file.as_bytes());
    layer.fact(link, record(PackageType::Npm, package)).fact(link, Payload::ReadFrom(file))
}

/// Subject, layer and message of the blind spots that unread metadata made.
fn unread(inventory: &Inventory) -> Vec<(String, Option<u32>, String)> {
    let spots = inventory.blind_spots.iter().filter(|spot| spot.kind == BlindKind::MetadataUnread);
    spots.map(|spot| (spot.subject.clone(), spot.layer, spot.message.clone())).collect()
}

fn only_unread(layers: Vec<Layer>) -> (String, Option<u32>, String) {
    let inventory = fold_layers(layers);
    assert_eq!(packages(&inventory), []);
    let mut spots = unread(&inventory);
    assert_eq!(spots.len(), 1, "{spots:?}");
    spots.remove(0)
}

#[test]
fn a_package_read_through_a_link_lies_where_the_link_is() {
    let inventory = fold_layers(vec![l().file("a"), linked(), l().file("b")]);
    assert_eq!(packages(&inventory), [("ship=1".to_owned(), Some(1))]);
    assert_eq!(inventory.packages[0].locations, [format!("/{SHIP}")]);
    assert_eq!(unread(&inventory), []);
}

#[test]
fn it_goes_with_the_link_or_with_the_file() {
    for gone in [SHIP, "srv/node_modules/ship", "store/abc", "store"] {
        let inventory = fold_layers(vec![linked(), l().gone(gone)]);
        assert_eq!((packages(&inventory), unread(&inventory)), (Vec::new(), Vec::new()), "{gone}");
    }
    let replaced = fold_layers(vec![linked(), l().node(SHIP, "ship=2")]);
    assert_eq!(packages(&replaced), [("ship=2".to_owned(), Some(1))]);
    assert_eq!(unread(&replaced), []);
}

#[test]
fn another_file_behind_the_link_is_another_package_nobody_saw() {
    for later in [l().file("store/abc"), l().link("store", "other").file("other/abc")] {
        let (subject, layer, message) = only_unread(vec![linked(), later]);
        assert_eq!((subject.as_str(), layer), ("npm", Some(0)));
        assert!(message.starts_with(&format!("/{SHIP} is a link to a file of another name")), "{message}");
    }
}

#[test]
fn what_was_read_through_a_link_moves_with_directories_that_become_links() {
    let moved = l().hard("moved/abc", "store/abc").gone("store").link("store", "moved");
    let inventory = fold_layers(vec![linked(), moved]);
    assert_eq!(packages(&inventory), [("ship=1".to_owned(), Some(0))]);
}

#[test]
fn metadata_in_another_layer_than_its_link_is_a_blind_spot() {
    let python = "opt/quay-1.0.dist-info/METADATA";
    let link_above = vec![l().file("store/abc"), l().link(SHIP, "/store/abc")];
    assert_eq!(only_unread(link_above).1, Some(1));
    let link_below = vec![l().link(python, "/store/abc"), l().file("store/abc")];
    assert_eq!(only_unread(link_below).0, "pypi");
    let directory = vec![l().link("opt/quay-1.0.dist-info", "/store").file("store/METADATA")];
    assert!(only_unread(directory).2.starts_with("/opt/quay-1.0.dist-info/METADATA "));
    let renamed = vec![l().link("opt/x", "quay-1.0.dist-info"), l().file("opt/x/METADATA")];
    assert!(only_unread(renamed).2.starts_with("/opt/quay-1.0.dist-info/METADATA "));
}

#[test]
fn metadata_that_a_hard_link_into_a_lower_layer_names_is_a_blind_spot() {
    let layers = vec![l().file("store/abc"), l().hard(SHIP, "store/abc").gone("store/abc")];
    assert_eq!(only_unread(layers).1, Some(1));
    let read = vec![l().node("srv/package.json", "ship=1"), l().hard(SHIP, "srv/package.json")];
    let inventory = fold_layers(read);
    assert_eq!(inventory.packages.len(), 2);
    assert_eq!(unread(&inventory), []);
}

#[test]
fn links_that_hide_no_package_are_no_blind_spot() {
    let lower = || linked().file("store/other").node("srv/package.json", "srv=1");
    let raft = "srv/node_modules/raft/package.json";
    for (name, link, target) in [
        ("nothing is there", raft, "/no/where"),
        ("a loop", raft, "package.json"),
        ("a directory", raft, "/store"),
        ("no place of an installed package", "srv/raft/package.json", "/store/other"),
        ("read under its own name", raft, "/srv/package.json"),
        ("read under the name of another link", raft, "/store/abc"),
    ] {
        let inventory = fold_layers(vec![lower(), l().link(link, target)]);
        assert_eq!(unread(&inventory), [], "{name}");
    }
    let upper = l().link(raft, "/store/other");
    assert_eq!(unread(&fold_layers(vec![lower(), upper])).len(), 1, "the place and the file do matter");
}

#[test]
fn many_unread_names_are_one_blind_spot_that_counts_them() {
    let link = |layer: Layer, at: u32| layer.link(&format!("node_modules/p{at}/package.json"), "/store");
    let upper = (0..9).fold(l(), link);
    let (_, layer, message) = only_unread(vec![l().file("store"), upper]);
    assert_eq!(layer, Some(1));
    assert!(message.starts_with(
        "/node_modules/p0/package.json, /node_modules/p1/package.json, /node_modules/p2/package.json and 6 more are"
    ));
}

#[test]
fn a_database_an_os_release_and_licences_read_through_links_count() {
    let copyright = "usr/share/doc/a/copyright";
    let claim = LicenseClaim { value: "MIT".into(), spdx: Some("MIT".into()), source: String::new() };
    let layer = |root: &str| {
        let at = |path: &str| format!("{root}{path}");
        let release = OsRelease { id: "nixos".into(), version_id: Some("24".into()), ..OsRelease::default() };
        let status = at("var/lib/dpkg/status");
        let state = DatabaseState::Read { format: "deb".into(), packages: 1 };
        l().link(&status, "db")
            .file(&at("var/lib/dpkg/db"))
            .fact(&status, record(PackageType::Deb, "a=1"))
            .fact(&status, Payload::Database(state))
            .fact(&status, Payload::ReadFrom(at("var/lib/dpkg/db").as_str().into()))
            .link(&at("etc/os-release"), "release")
            .file(&at("etc/release"))
            .fact(&at("etc/os-release"), Payload::OsRelease(release))
            .fact(&at("etc/os-release"), Payload::ReadFrom(at("etc/release").as_str().into()))
            .link(&at(copyright), "COPYING")
            .file(&at("usr/share/doc/a/COPYING"))
            .fact(&at(copyright), Payload::Licenses { package: "a".into(), licenses: vec![claim.clone()] })
            .fact(&at(copyright), Payload::ReadFrom(at("usr/share/doc/a/COPYING").as_str().into()))
    };
    for root in ["", "srv/root/"] {
        let inventory = fold_layers(vec![layer(root), l().file("other")]);
        assert_eq!(packages(&inventory), [("a=1".to_owned(), Some(0))], "{root}");
        assert_eq!(inventory.blind_spots, [], "{root}");
        let package = &inventory.packages[0];
        assert_eq!(package.root, format!("/{}", root.trim_end_matches('/')));
        assert_eq!(package.purl.as_ref().unwrap().to_string(), "pkg:deb/nixos/a@1?distro=nixos-24");
        assert_eq!(package.licenses[0].source, format!("/{root}{copyright}"));
    }
    let replaced = fold_layers(vec![layer(""), l().file("var/lib/dpkg/db")]);
    assert_eq!(packages(&replaced), []);
    let kinds: Vec<_> = replaced.blind_spots.iter().map(|spot| spot.kind).collect();
    assert!(kinds.contains(&BlindKind::DatabaseUnreadable), "{kinds:?}");
}
