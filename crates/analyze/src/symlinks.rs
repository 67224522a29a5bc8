//! Symbolic links that an analyzer wants by their name, to files of the same layer that it did not want by theirs.

use std::collections::HashMap;

use plimsoll_types::EntryKind;

use crate::Interest;
use crate::intake::Described;
use crate::links::Links;
use crate::run::State;
use crate::second_run::{Missed, Who};

/// What the analyzers have not seen of the layer because only a symbolic link has a name they want. Asked when
/// the layer has ended: a symbolic link is a path, and what that means is settled by the last entry.
///
/// Symbolic links resolve in the merged image, so this is a guess from one layer alone. It is written down with
/// the records (`Payload::ReadFrom`), and merging holds it against where the link leads there.
pub(crate) fn missed(state: &mut State<'_>, links: &Links) -> Vec<Missed> {
    let State { limits, trays, entries, names, .. } = state;
    let mut missed = Vec::new();
    let mut names_of: HashMap<u32, u32> = HashMap::new();
    for (at, link) in entries.iter().enumerate() {
        let at = at as u32;
        if link.kind != EntryKind::Symlink || !names.is_latest(entries, at) {
            continue;
        }
        let Some(target) = names.follow(entries, at) else { continue };
        let end = &entries[target as usize];
        if end.kind != EntryKind::File {
            continue;
        }
        let file = Described { mode: end.mode, size: end.size, content: end.content };
        for (tray, one) in trays.iter_mut().enumerate() {
            let meta = file.meta(&link.path, &[]);
            if one.wants(&meta) == Interest::None || one.wants(&file.meta(&end.path, &[])) != Interest::None {
                continue;
            }
            let origin = links.origin(target);
            let names = names_of.entry(origin).or_default();
            *names += 1;
            if *names <= limits.names_per_inode {
                missed.push(Missed { origin, link: at, target: Some(target), who: Who::Tray(tray) });
            } else {
                let limit = limits.names_per_inode;
                one.refuse(&meta, at, &format!("a file that more than {limit} symbolic links name"), limits);
            }
        }
    }
    missed
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{Digest, EntryKind, FileEntry, PackagesEvidence, Payload, Record};

    use crate::analyzers::ALL;
    use crate::testing::{entry, feed, file, run, symlink};
    use crate::{Finished, LayerRun, Limits};

    const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: quay\nVersion: 1.0\nLicense: MIT\n";
    const MANIFEST: &[u8] = br#"{"name": "ship", "version": "2.0.0"}"#;

    fn text(path: &str, content: &[u8]) -> (FileEntry, Vec<u8>) {
        (file(path, content.len()), content.to_vec())
    }

    fn link(path: &str, target: &str) -> (FileEntry, Vec<u8>) {
        (symlink(path, target), Vec::new())
    }

    fn facts(layer: &[(FileEntry, Vec<u8>)]) -> Vec<String> {
        facts_within(layer, &Limits::default())
    }

    fn facts_within(layer: &[(FileEntry, Vec<u8>)], limits: &Limits) -> Vec<String> {
        let PackagesEvidence { sections, .. } = run(ALL, layer, limits).packages;
        let fact = |record: Record| match record.payload {
            Payload::Package(package) => format!("{} {}@{}", record.path, package.name, package.version),
            Payload::ReadFrom(file) => format!("{} from {file}", record.path),
            Payload::Owned(owned) => format!("{} {} owns {:?}", record.path, owned.package, owned.paths),
            Payload::Unreadable { message, .. } => format!("{} {message}", record.path),
            other => format!("{} {other:?}", record.path),
        };
        sections.into_iter().flat_map(|section| section.records).map(fact).collect()
    }

    fn is_read_again(layer: &[(FileEntry, Vec<u8>)]) -> bool {
        let limits = Limits::default();
        let mut run = LayerRun::new(ALL, &limits);
        feed(&mut run, layer).unwrap();
        matches!(run.finish(Digest::from_bytes([0; 32]), 0), Finished::Reread(_))
    }

    #[test]
    fn metadata_that_only_a_link_names_is_read_under_the_name_of_the_link() {
        let layer = [
            link("srv/node_modules/ship/package.json", "../../../store/abc123"),
            text("store/abc123", MANIFEST),
            text("opt/lib/.cache/9f", METADATA),
            text("opt/lib/.cache/77", b"quay/__init__.py,,\n"),
            link("opt/lib/quay-1.0.dist-info/METADATA", "/opt/lib/.cache/9f"),
            link("opt/lib/quay-1.0.dist-info/RECORD", "../.cache/77"),
        ];
        assert_eq!(
            facts(&layer),
            [
                "/srv/node_modules/ship/package.json ship@2.0.0",
                "/srv/node_modules/ship/package.json from /store/abc123",
                "/opt/lib/quay-1.0.dist-info/METADATA quay@1.0",
                "/opt/lib/quay-1.0.dist-info/METADATA from /opt/lib/.cache/9f",
                "/opt/lib/quay-1.0.dist-info/RECORD quay owns [/opt/lib/quay/__init__.py]",
                "/opt/lib/quay-1.0.dist-info/RECORD from /opt/lib/.cache/77",
            ]
        );
    }

    #[test]
    fn a_link_through_links_and_hard_links_names_the_file_it_ends_at() {
        let layer = [
            text("store/data", MANIFEST),
            (entry("store/name", EntryKind::HardLink, "store/data"), Vec::new()),
            link("current", "store"),
            link("hop", "current/name"),
            link("node_modules/ship/package.json", "../../hop"),
        ];
        assert_eq!(
            facts(&layer),
            [
                "/node_modules/ship/package.json ship@2.0.0",
                "/node_modules/ship/package.json from /store/name"
            ]
        );
    }

    #[test]
    fn links_to_what_was_read_to_what_is_elsewhere_and_of_no_interest_cost_no_second_run() {
        let layer = [
            text("node_modules/ship/package.json", MANIFEST),
            link("node_modules/boat/package.json", "../ship/package.json"),
            link("node_modules/raft/package.json", "../../lower/abc"),
            link("node_modules/self/package.json", "package.json"),
            link("node_modules/directory/package.json", "../ship"),
            (entry("node_modules/ship", EntryKind::Directory, ""), Vec::new()),
            link("bin/ship", "../node_modules/ship/package.json"),
            text("usr/lib/os-release", b"ID=debian\n"),
            link("etc/os-release", "../usr/lib/os-release"),
        ];
        assert!(!is_read_again(&layer));
    }

    #[test]
    fn the_last_entry_of_a_name_says_where_it_leads() {
        let mut layer = vec![
            link("node_modules/ship/package.json", "../../one"),
            text("one", MANIFEST),
            text("two", br#"{"name": "ship", "version": "3.0.0"}"#),
            link("node_modules/ship/package.json", "../../two"),
        ];
        assert_eq!(facts(&layer)[0], "/node_modules/ship/package.json ship@3.0.0");
        layer.push(text("node_modules/ship/package.json", b"{}"));
        assert!(!is_read_again(&layer));
    }

    #[test]
    fn a_file_is_read_under_a_bounded_number_of_links() {
        let mut layer = vec![text("store", MANIFEST)];
        layer.extend((0..3).map(|at| link(&format!("node_modules/{at}/package.json"), "/store")));
        let limits = Limits { names_per_inode: 2, ..Limits::default() };
        let facts = facts_within(&layer, &limits);
        assert_eq!(facts.iter().filter(|fact| fact.ends_with("ship@2.0.0")).count(), 2, "{facts:?}");
        assert!(facts.contains(
            &"/node_modules/2/package.json a file that more than 2 symbolic links name".to_owned()
        ));
    }
}
