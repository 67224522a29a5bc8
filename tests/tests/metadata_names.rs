//! Merging knows the names under which analyzers read the metadata of language packages: it asks nobody, and has to say
//! what was not read.

use plimsoll_analyze::analyzers::ALL;
use plimsoll_analyze::{FileMeta, Interest};
use plimsoll_inventory::fold;
use plimsoll_types::{
    BlindKind, ContentKind, Digest, EntryKind, Evidence, FileEntry, IndexEvidence, PackagesEvidence,
    PathBytes,
};

const READERS: &[&str] = &["javascript/package_json", "python/dist_info"];

fn is_wanted(path: &PathBytes) -> bool {
    let file = FileMeta { path, mode: 0o644, size: 1, content: ContentKind::Text, head: b"" };
    ALL.iter().any(|one| READERS.contains(&one.id()) && one.wants(&file) != Interest::None)
}

fn entry(path: &PathBytes, kind: EntryKind, target: &str) -> FileEntry {
    FileEntry {
        path: path.clone(),
        kind,
        link_target: target.as_bytes().into(),
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 0,
        rdev: None,
        size: 1,
        xattrs: Vec::new(),
        link_group: 0,
        content: ContentKind::Text,
        sha256: None,
    }
}

fn evidence(entry: FileEntry) -> Evidence {
    let diff_id = Digest::from_bytes([0; 32]);
    let index = IndexEvidence {
        diff_id,
        uncompressed_size: 0,
        entries: vec![entry],
        kept: Vec::new(),
        ambiguities: Vec::new(),
    };
    Evidence { index, packages: PackagesEvidence { diff_id, sections: Vec::new() } }
}

/// Whether a link into a lower layer that gives a file this name is said to hide a package.
fn is_blind(path: &PathBytes, kind: EntryKind, lower: &PathBytes) -> bool {
    let link = entry(path, kind, &format!("/{}", lower.to_str().expect("a path of ours")));
    let inventory = fold(vec![evidence(entry(lower, EntryKind::File, "")), evidence(link)]);
    inventory.blind_spots.iter().any(|spot| spot.kind == BlindKind::MetadataUnread)
}

#[test]
fn the_names_merging_asks_about_are_those_analyzers_read() {
    let mut wanted = 0;
    for path in [
        "node_modules/a/package.json",
        "node_modules/@scope/a/package.json",
        "node_modules/a/Package.json",
        "node_modules/a/package.json5",
        "lib/a-1.dist-info/METADATA",
        "lib/A-1.DIST-INFO/METADATA",
        "lib/dist-info/METADATA",
        "lib/a-1.dist-info/metadata",
        "lib/a-1.dist-info/PKG-INFO",
        "lib/a.egg/EGG-INFO/PKG-INFO",
        "lib/a.egg-info/PKG-INFO",
        "lib/a.egg-info/METADATA",
        "lib/a-1-py3.egg-info",
        "lib/a-1-py3.EGG-INFO",
        "lib/a.egg-info.txt",
        "METADATA",
        "PKG-INFO",
    ] {
        let path = PathBytes::from(path);
        wanted += usize::from(is_wanted(&path));
        for kind in [EntryKind::HardLink, EntryKind::Symlink] {
            assert_eq!(is_blind(&path, kind, &"store/abc".into()), is_wanted(&path), "{path} {kind:?}");
            // Whatever was read under its own name is no blind spot under another.
            assert!(
                !is_wanted(&path) || !is_blind(&path, kind, &PathBytes::from("store").join(path.as_bytes()))
            );
        }
    }
    assert!(wanted > 5, "{wanted}");
}
