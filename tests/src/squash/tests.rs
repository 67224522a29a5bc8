use plimsoll_types::{ContentKind, PathBytes};

use super::*;

fn entry(kind: EntryKind, path: &str, link: &str) -> FileEntry {
    FileEntry {
        path: PathBytes::from(path),
        kind,
        link_target: link.as_bytes().into(),
        mode: 0o700,
        uid: 1,
        gid: 1,
        mtime: 1,
        rdev: None,
        size: 0,
        xattrs: Vec::new(),
        link_group: 0,
        content: ContentKind::None,
        sha256: None,
    }
}

fn file(path: &str) -> FileEntry {
    entry(EntryKind::File, path, "")
}

fn directory(path: &str) -> FileEntry {
    entry(EntryKind::Directory, path, "")
}

fn symlink(path: &str, text: &str) -> FileEntry {
    entry(EntryKind::Symlink, path, text)
}

fn whiteout(path: &str) -> FileEntry {
    entry(EntryKind::Whiteout, path, "")
}

/// Names with the layer each is of; directories end in a slash.
fn names(layers: &[Vec<FileEntry>]) -> String {
    let name = |(path, node): (Vec<u8>, Node)| {
        let slash = if node.kind == EntryKind::Directory { "/" } else { "" };
        format!("{}{slash}@{}", String::from_utf8_lossy(&path), node.layer)
    };
    apply(layers).into_iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_name_below_a_lower_symlink_lands_behind_it() {
    let lower = vec![directory("usr"), directory("usr/lib"), symlink("lib", "usr/lib")];
    assert_eq!(names(&[lower.clone(), vec![file("lib/b")]]), "lib@0 usr/@0 usr/lib/@0 usr/lib/b@1");
    assert_eq!(names(&[lower.clone(), vec![file("lib/b")], vec![whiteout("lib/b")]]), names(&[lower]));
}

#[test]
fn a_directory_replaces_a_symlink_and_back() {
    let layers = [
        vec![directory("d"), file("d/x"), symlink("s", "d")],
        vec![directory("s"), file("s/y")],
        vec![symlink("s", "d")],
    ];
    assert_eq!(names(&layers[..2]), "d/@0 d/x@0 s/@1 s/y@1");
    assert_eq!(names(&layers), "d/@0 d/x@0 s@2");
}

#[test]
fn whiteouts_hide_lower_layers_only_wherever_they_stand() {
    let lower = vec![directory("d"), file("d/x"), file("d/y")];
    for upper in [vec![whiteout("d/x"), file("d/x")], vec![file("d/x"), whiteout("d/x")]] {
        assert_eq!(names(&[lower.clone(), upper]), "d/@0 d/x@1 d/y@0");
    }
    let opaque = vec![file("d/x"), entry(EntryKind::Opaque, "d", ""), file("d/z")];
    assert_eq!(names(&[lower, opaque]), "d/@0 d/x@1 d/z@1");
}

#[test]
fn a_whited_out_directory_this_layer_writes_into_is_a_new_one() {
    let layers = [vec![directory("d"), file("d/x")], vec![file("d/y"), whiteout("d")]];
    assert_eq!(names(&layers), "d/@1 d/y@1");
    assert_eq!(apply(&layers)[&b"d"[..]].mode, 0o755);
}

#[test]
fn a_hard_link_binds_the_inode_also_behind_a_whiteout() {
    let link = entry(EntryKind::HardLink, "l", "d/x");
    let lower = vec![directory("d"), file("d/x")];
    assert_eq!(names(&[lower.clone(), vec![whiteout("d"), link.clone()]]), "l@0");
    assert_eq!(names(&[lower.clone(), vec![link.clone()], vec![whiteout("d")]]), "l@0");
    let squashed = squash(&[lower, vec![whiteout("d")], vec![link]]);
    assert_eq!((squashed.files.len(), squashed.refused), (0, vec![(2, b"l".to_vec())]));
}

#[test]
fn symlink_loops_and_names_below_files_are_refused_and_read_kindly() {
    let squashed = squash(&[vec![symlink("a", "b"), symlink("b", "a"), file("a/x"), file("f"), file("f/x")]]);
    assert_eq!(squashed.refused, [(0, b"a/x".to_vec()), (0, b"f".to_vec())]);
    assert!(squashed.files.contains_key(&b"f/x"[..]) && !squashed.files.contains_key(&b"a/x"[..]));
}

proptest::proptest! {
    #[test]
    fn what_comes_out_is_a_tree(layers in strategy::layers()) {
        let files = apply(&layers);
        for (path, node) in &files {
            proptest::prop_assert!(!matches!(node.kind, EntryKind::Whiteout | EntryKind::Opaque | EntryKind::HardLink));
            let parent = split(path).0;
            proptest::prop_assert!(parent.is_empty() || files[parent].kind == EntryKind::Directory);
        }
    }
}
