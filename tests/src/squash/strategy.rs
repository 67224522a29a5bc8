//! Small and nasty layer stacks: few names, so that everything happens to everything.

use plimsoll_types::{ContentKind, EntryKind, FileEntry, PathBytes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const NAMES: &[&str] = &["a", "b", "c", "lib"];

/// Raw names; `..` and `.` among them, to be cleaned as the layer reader cleans them.
fn path() -> impl Strategy<Value = PathBytes> {
    let part = prop_oneof![8 => select(NAMES), 1 => Just(".."), 1 => Just(".")];
    vec(part, 1..4).prop_map(|parts| PathBytes::clean(parts.join("/").as_bytes()))
}

/// Symlink texts: relative and absolute, up and down, to nothing, to themselves, in circles.
fn link_text() -> impl Strategy<Value = Vec<u8>> {
    let up = prop_oneof![3 => Just(""), 2 => Just("/"), 2 => Just("../"), 1 => Just("../../../")];
    (up, vec(select(NAMES), 0..3)).prop_map(|(up, parts)| {
        // Linux makes no symlink without a text.
        let text = format!("{up}{}", parts.join("/"));
        if text.is_empty() { b".".to_vec() } else { text.into_bytes() }
    })
}

fn kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        5 => Just(EntryKind::File),
        4 => Just(EntryKind::Directory),
        3 => Just(EntryKind::Symlink),
        2 => Just(EntryKind::HardLink),
        1 => Just(EntryKind::Fifo),
        1 => Just(EntryKind::CharDevice),
        3 => Just(EntryKind::Whiteout),
        2 => Just(EntryKind::Opaque),
    ]
}

prop_compose! {
    /// One entry, as the layer reader hands it on: a hard link only where its data is not in the same layer.
    fn entry()(
        path in path(),
        kind in kind(),
        text in link_text(),
        target in path(),
        (mode, uid, mtime) in (0_u16..=0o7777, 0_u32..3, 0_i64..100),
        content in any::<u8>(),
        xattr in proptest::option::weighted(0.2, any::<u8>()),
    ) -> FileEntry {
        let described = !matches!(kind, EntryKind::Whiteout | EntryKind::Opaque | EntryKind::HardLink);
        let attribute = |value: u8| (Box::from(&b"user.a"[..]), Box::from([value]));
        FileEntry {
            path,
            kind,
            link_target: match kind {
                EntryKind::Symlink => text.into(),
                EntryKind::HardLink => target.as_bytes().into(),
                _ => Box::default(),
            },
            mode: if described { mode } else { 0 },
            uid,
            gid: uid,
            mtime,
            rdev: (kind == EntryKind::CharDevice).then_some((1, 3)),
            size: if kind == EntryKind::File { u64::from(content) } else { 0 },
            xattrs: if described { xattr.map(attribute).into_iter().collect() } else { Vec::new() },
            link_group: 0,
            content: if kind == EntryKind::File { ContentKind::Binary } else { ContentKind::None },
            sha256: (kind == EntryKind::File).then_some([content; 32]),
        }
    }
}

/// Up to four layers of up to eight entries. Some whiteouts get a file of the very name they hide put beside them.
pub fn layers() -> impl Strategy<Value = Vec<Vec<FileEntry>>> {
    let layer = (vec(entry(), 0..8), any::<proptest::sample::Index>(), any::<bool>()).prop_map(
        |(mut entries, at, beside)| {
            if beside && !entries.is_empty() {
                let at = at.index(entries.len());
                let whiteout = FileEntry {
                    kind: EntryKind::Whiteout,
                    link_target: Box::default(),
                    sha256: None,
                    size: 0,
                    ..entries[at].clone()
                };
                entries.insert(at + usize::from(entries[at].mode % 2 == 0), whiteout);
            }
            entries.retain(|entry| {
                !entry.path.is_root() || matches!(entry.kind, EntryKind::Directory | EntryKind::Opaque)
            });
            entries
        },
    );
    vec(layer, 1..5)
}
