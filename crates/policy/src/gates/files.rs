//! Gate `files`: names, modes and contents of the merged image's files.

use std::sync::Arc;

use globset::GlobSet;
use plimsoll_types::{ContentKind, EntryKind, InventoryFile};

use crate::gate::{Check, Constraint, Gate, Trigger};
use crate::param::{Param, ParamKind, Values, glob_matches};

pub(crate) struct Files;

impl Gate for Files {
    fn id(&self) -> &'static str {
        "files"
    }

    fn summary(&self) -> &'static str {
        "Names, modes and contents of the files of the merged image."
    }

    fn triggers(&self) -> &'static [Trigger] {
        &[CONTENT, NAME, PERMISSIONS]
    }
}

const DIGESTS: Param = Param {
    name: "sha256",
    kind: ParamKind::Digests,
    required: true,
    summary: "Digests of contents no file may have.",
    example: "[e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855]",
};
const PATHS: Param = Param {
    name: "paths",
    kind: ParamKind::Globs,
    required: false,
    summary: "Only files under names that fit one of these globs; without it, all.",
    example: "['/root/**', '/**/id_rsa']",
};
const IGNORE_PATHS: Param = Param {
    name: "ignore_paths",
    kind: ParamKind::Globs,
    required: false,
    summary: "Not the files under names that fit one of these globs.",
    example: "[/usr/bin/sudo]",
};
const REGEX: Param = Param {
    name: "regex",
    kind: ParamKind::Regexes,
    required: false,
    summary: "Only files whose absolute path fits one of these regular expressions; without it, all.",
    example: "['\\.(pem|p12)$']",
};
const KINDS: Param = Param {
    name: "kinds",
    kind: ParamKind::Choices(&[
        "binary",
        "compressed",
        "elf",
        "empty",
        "macho",
        "pe",
        "script",
        "sqlite",
        "text",
        "zip",
    ]),
    required: false,
    summary: "Only regular files with content of these kinds; without it, any name.",
    example: "[elf, pe]",
};
const BITS: Param = Param {
    name: "bits",
    kind: ParamKind::Choices(&["setgid", "setuid", "world_writable"]),
    required: true,
    summary: "Any of these: setuid and setgid on regular files, world_writable on anything but links, devices \
              and sticky directories.",
    example: "[setuid, setgid]",
};

const CONTENT: Trigger = Trigger {
    id: "content",
    summary: "Fires for every regular file with one of these contents.",
    trigger_id: "the absolute path",
    params: &[IGNORE_PATHS, DIGESTS],
    constraints: &[],
    compile: content,
};
const NAME: Trigger = Trigger {
    id: "name",
    summary: "Fires for every name that fits all parameters; paths or regex must be given.",
    trigger_id: "the absolute path",
    params: &[IGNORE_PATHS, KINDS, PATHS, REGEX],
    constraints: &[Constraint::AtLeastOne(&[PATHS.name, REGEX.name])],
    compile: name,
};
const PERMISSIONS: Trigger = Trigger {
    id: "permissions",
    summary: "Fires for every file with one of these mode bits.",
    trigger_id: "the absolute path",
    params: &[BITS, IGNORE_PATHS, PATHS],
    constraints: &[],
    compile: permissions,
};

fn fits(set: Option<&GlobSet>, file: &InventoryFile) -> bool {
    set.is_some_and(|set| glob_matches(set, file.path()))
}

fn content(values: &Values) -> Check {
    let mut digests = values.digests(&DIGESTS).unwrap_or_default();
    digests.sort_unstable();
    let ignored = values.globs(&IGNORE_PATHS);
    Arc::new(move |facts, matches| {
        for file in &facts.inventory.files {
            if let Some(sha256) = file.entry().sha256
                && digests.binary_search(&sha256).is_ok()
                && !fits(ignored.as_ref(), file)
            {
                let path = file.path().to_string();
                let digest = plimsoll_types::Digest::from_bytes(sha256);
                matches.add(0, path.as_str(), format!("{path} has the denied content {digest}"));
            }
        }
    })
}

fn name(values: &Values) -> Check {
    let (paths, regex) = (values.globs(&PATHS), values.regexes(&REGEX));
    let kinds = values.choices(&KINDS);
    let ignored = values.globs(&IGNORE_PATHS);
    Arc::new(move |facts, matches| {
        let mut absolute = Vec::new();
        for file in &facts.inventory.files {
            if kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind_name(file.entry().content)))
                || (paths.is_some() && !fits(paths.as_ref(), file))
                || fits(ignored.as_ref(), file)
            {
                continue;
            }
            if let Some(regex) = &regex {
                absolute.clear();
                absolute.push(b'/');
                absolute.extend_from_slice(file.path().as_bytes());
                if !regex.is_match(&absolute) {
                    continue;
                }
            }
            let path = file.path().to_string();
            matches.add(0, path.as_str(), format!("{path} is in the image"));
        }
    })
}

fn permissions(values: &Values) -> Check {
    let bits = values.choices(&BITS).unwrap_or_default();
    let paths = values.globs(&PATHS);
    let ignored = values.globs(&IGNORE_PATHS);
    Arc::new(move |facts, matches| {
        for file in &facts.inventory.files {
            // Nearly every file of an image ends here.
            if file.entry().mode & (SETUID | SETGID | WORLD_WRITABLE) == 0 {
                continue;
            }
            let set: Vec<&str> = bits.iter().copied().filter(|bit| has_bit(file, bit)).collect();
            if set.is_empty()
                || (paths.is_some() && !fits(paths.as_ref(), file))
                || fits(ignored.as_ref(), file)
            {
                continue;
            }
            let path = file.path().to_string();
            let set = set.join(" and ").replace('_', " ");
            let message =
                format!("{path} is {set} (mode {:04o}, owner {})", file.entry().mode, file.entry().uid);
            matches.add(0, path.as_str(), message);
        }
    })
}

const SETUID: u16 = 0o4000;
const SETGID: u16 = 0o2000;
const STICKY: u16 = 0o1000;
const WORLD_WRITABLE: u16 = 0o0002;

fn has_bit(file: &InventoryFile, bit: &str) -> bool {
    let entry = file.entry();
    let has = |mask| entry.mode & mask != 0;
    match (bit, entry.kind) {
        ("setuid", EntryKind::File) => has(SETUID),
        ("setgid", EntryKind::File) => has(SETGID),
        ("world_writable", EntryKind::File | EntryKind::Fifo) => has(WORLD_WRITABLE),
        // In a sticky directory nobody can replace what another owns; that is how /tmp is meant.
        ("world_writable", EntryKind::Directory) => has(WORLD_WRITABLE) && !has(STICKY),
        _ => false,
    }
}

fn kind_name(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::None => "none",
        ContentKind::Empty => "empty",
        ContentKind::Elf => "elf",
        ContentKind::Pe => "pe",
        ContentKind::MachO => "macho",
        ContentKind::Zip => "zip",
        ContentKind::Compressed => "compressed",
        ContentKind::Sqlite => "sqlite",
        ContentKind::Script => "script",
        ContentKind::Text => "text",
        ContentKind::Binary => "binary",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::testing::{Image, file, judge, mistakes};

    fn image() -> Image {
        Image::default().files([
            file("/etc/key.pem", 0o600).content(ContentKind::Text).done(),
            file("/root/.ssh/id_rsa", 0o600).content(ContentKind::Text).done(),
            file("/tmp", 0o1777).kind(EntryKind::Directory).done(),
            file("/usr/bin/su", 0o4755).content(ContentKind::Elf).sha256([7; 32]).done(),
            file("/usr/bin/wall", 0o2755).content(ContentKind::Elf).done(),
            file("/usr/lib/x", 0o777).kind(EntryKind::Symlink).done(),
            file("/var/drop", 0o777).kind(EntryKind::Directory).done(),
        ])
    }

    fn rule(trigger: &str, params: &str) -> String {
        format!("[{{gate: files, trigger: {trigger}, action: warn, params: {params}}}]")
    }

    #[test]
    fn permissions_name_the_bits_and_spare_links_and_sticky_directories() {
        assert_eq!(
            judge(&rule("permissions", "{bits: [setuid, setgid, world_writable]}"), &image()),
            [
                "warn files.permissions /usr/bin/su: /usr/bin/su is setuid (mode 4755, owner 0)",
                "warn files.permissions /usr/bin/wall: /usr/bin/wall is setgid (mode 2755, owner 0)",
                "warn files.permissions /var/drop: /var/drop is world writable (mode 0777, owner 0)",
            ]
        );
        let narrowed = "{bits: [setuid, setgid], paths: ['/usr/**'], ignore_paths: [/usr/bin/su]}";
        assert_eq!(judge(&rule("permissions", narrowed), &image()).len(), 1);
    }

    #[test]
    fn names_fit_globs_and_expressions_and_kinds_together() {
        let found = |params: &str| judge(&rule("name", params), &image());
        assert_eq!(
            found("{paths: ['/**/id_rsa']}"),
            ["warn files.name /root/.ssh/id_rsa: /root/.ssh/id_rsa is in the image"]
        );
        assert_eq!(found(r"{regex: ['^/etc/.*\.pem$', '/su$']}").len(), 2);
        assert_eq!(found(r"{regex: ['^/etc/.*\.pem$', '/su$'], kinds: elf}").len(), 1);
        assert_eq!(found("{paths: ['/usr/**'], ignore_paths: ['/usr/lib/**', '/usr/bin/su']}").len(), 1);
    }

    #[test]
    fn a_name_rule_without_a_name_is_a_mistake() {
        assert!(mistakes(&rule("name", "{kinds: elf}")).contains("give paths or regex"));
    }

    #[test]
    fn denied_contents_are_found_under_any_name() {
        let params = format!("{{sha256: [{}, {}]}}", "07".repeat(32), "0a".repeat(32));
        let found = judge(&rule("content", &params), &image());
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("/usr/bin/su has the denied content sha256:0707"), "{found:?}");
    }

    #[test]
    fn paths_that_are_not_text_are_matched_as_bytes() {
        let image = Image::default().files([file("x", 0o4755).path(b"opt/\xff\xfe").done()]);
        assert_eq!(judge(&rule("name", "{paths: ['/opt/*']}"), &image).len(), 1);
        assert_eq!(judge(&rule("name", r"{regex: ['^/opt/(?-u:\xff)']}"), &image).len(), 1);
    }

    #[test]
    fn more_matches_than_a_report_can_hold_are_counted() {
        let files = (0..6_000).map(|n| file(&format!("/f{n:05}"), 0o644).done());
        let found = judge(&rule("name", "{paths: ['/**']}"), &Image::default().files(files));
        assert_eq!(found.len(), 5_001);
        assert!(found.iter().any(|reason| {
            reason == "warn files.name name:more: 1000 more matches of this rule are not listed"
        }));
    }
}
