//! What an entry of a tar means in a layer (OCI image-spec, layer.md, as containerd applies it).

use plimsoll_types::{EntryKind, PathBytes};

use super::header::flag;
use crate::TarFault;

const WHITEOUT: &[u8] = b".wh.";
const WHITEOUT_META: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// The meaning of a name and a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An entry for the sink.
    Entry(EntryKind, PathBytes),
    /// Nothing; with a reason if some runtime would make something of it.
    Nothing(Option<String>),
}

/// `name` as written and the header's type flag. Reasons to doubt the reading go to `doubts`.
pub(super) fn meaning(name: &[u8], kind: u8, doubts: &mut Vec<String>) -> Result<Meaning, TarFault> {
    if name.contains(&0) {
        return Err(TarFault::Name(name.escape_ascii().to_string()));
    }
    let path = PathBytes::clean(name);
    if climbs(name) {
        doubts.push(format!("the name {} climbs with '..', read as {path}", quoted(name)));
    }
    if find(path.as_bytes(), WHITEOUT).is_some()
        && let Some(meaning) = reserved(&path, doubts)?
    {
        return Ok(meaning);
    }
    let kind = match kind {
        flag::FILE => {
            if name.ends_with(b"/") {
                doubts.push(format!("{path} is a file whose name ends with '/', read as a file"));
            }
            EntryKind::File
        }
        flag::GNU_SPARSE => EntryKind::File,
        flag::CONTIGUOUS => {
            doubts.push(format!("{path} is a contiguous file, which some runtimes refuse, read as a file"));
            EntryKind::File
        }
        flag::HARD_LINK => EntryKind::HardLink,
        flag::SYMLINK => EntryKind::Symlink,
        flag::CHAR_DEVICE => EntryKind::CharDevice,
        flag::BLOCK_DEVICE => EntryKind::BlockDevice,
        flag::DIRECTORY => EntryKind::Directory,
        flag::FIFO => EntryKind::Fifo,
        other => {
            return Ok(Meaning::Nothing(Some(format!(
                "{path} has the unknown type {:?}, which runtimes refuse or skip, skipped",
                other.escape_ascii().to_string()
            ))));
        }
    };
    if path.is_root() && kind != EntryKind::Directory {
        return Ok(Meaning::Nothing(Some(format!(
            "the name {} of something that is no directory means the root, skipped",
            quoted(name)
        ))));
    }
    Ok(Meaning::Entry(kind, path))
}

/// Names with `.wh.` in them. None if it is only a name after all.
fn reserved(path: &PathBytes, doubts: &mut Vec<String>) -> Result<Option<Meaning>, TarFault> {
    let name = path.file_name();
    if path.components().rev().skip(1).any(|part| part.starts_with(WHITEOUT_META)) {
        return Ok(Some(Meaning::Nothing(None)));
    }
    if name == OPAQUE {
        return Ok(Some(Meaning::Entry(EntryKind::Opaque, path.parent())));
    }
    if name.starts_with(WHITEOUT_META) {
        // What AUFS kept for itself.
        return Ok(Some(Meaning::Nothing(None)));
    }
    if let Some(hidden) = name.strip_prefix(WHITEOUT) {
        return match hidden {
            b"" | b"." | b".." => Err(TarFault::Whiteout(path.to_string())),
            hidden => Ok(Some(Meaning::Entry(EntryKind::Whiteout, path.parent().join(hidden)))),
        };
    }
    if path.components().any(|part| part.starts_with(WHITEOUT)) {
        doubts.push(format!("{path} lies below a whiteout's name, read as a directory of that name"));
    }
    Ok(None)
}

/// The cleaned target of the hard link at `path`; none, and a doubt, if the link is to itself.
pub(super) fn hard_link(path: &PathBytes, target: &[u8], doubts: &mut Vec<String>) -> Option<PathBytes> {
    let cleaned = PathBytes::clean(target);
    if climbs(target) {
        doubts.push(format!("the hard link {path} climbs with '..', read as a link to {cleaned}"));
    }
    if cleaned == *path || cleaned.is_root() {
        doubts.push(format!("{path} is a hard link to {cleaned}, which no runtime can make, skipped"));
        return None;
    }
    if cleaned.components().any(|part| part.starts_with(WHITEOUT)) {
        doubts.push(format!(
            "{path} is a hard link into AUFS metadata, {cleaned}, which some runtimes resolve"
        ));
    }
    Some(cleaned)
}

fn climbs(name: &[u8]) -> bool {
    find(name, b"..").is_some() && name.split(|byte| *byte == b'/').any(|part| part == b"..")
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn quoted(name: &[u8]) -> String {
    format!("\"{}\"", name.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Result<Meaning, TarFault> {
        meaning(name.as_bytes(), flag::FILE, &mut Vec::new())
    }

    #[test]
    fn whiteouts_are_decoded() {
        for (name, kind, path) in [
            (".wh.a", EntryKind::Whiteout, "/a"),
            ("./a/.wh.b", EntryKind::Whiteout, "/a/b"),
            ("a/.wh.b/", EntryKind::Whiteout, "/a/b"),
            ("a/.wh..b", EntryKind::Whiteout, "/a/.b"),
            ("a/.wh....", EntryKind::Whiteout, "/a/..."),
            ("a/.wh..wh..opq", EntryKind::Opaque, "/a"),
            (".wh..wh..opq", EntryKind::Opaque, "/"),
            ("a/b.wh.c", EntryKind::File, "/a/b.wh.c"),
            ("a/.wh", EntryKind::File, "/a/.wh"),
            (".wh.a/b", EntryKind::File, "/.wh.a/b"),
        ] {
            assert_eq!(of(name), Ok(Meaning::Entry(kind, PathBytes::from(path))), "{name}");
        }
    }

    #[test]
    fn what_aufs_kept_for_itself_is_skipped() {
        for name in [".wh..wh.aufs", ".wh..wh.plnk/12.34", "a/.wh..wh.orph", ".wh..wh..opq/x"] {
            assert_eq!(of(name), Ok(Meaning::Nothing(None)), "{name}");
        }
    }

    #[test]
    fn whiteouts_of_nothing_are_refused() {
        for name in [".wh.", "a/.wh.", "a/.wh..", "a/.wh..."] {
            assert!(matches!(of(name), Err(TarFault::Whiteout(_))), "{name}");
        }
    }

    #[test]
    fn a_hard_link_to_itself_is_no_entry() {
        let path = PathBytes::from("a/b");
        for target in ["a/b", "/a/./b", "", "/"] {
            let mut doubts = Vec::new();
            assert_eq!(hard_link(&path, target.as_bytes(), &mut doubts), None, "{target}");
            assert_eq!(doubts.len(), 1);
        }
    }
}
