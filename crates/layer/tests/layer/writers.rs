//! What other programs write.

use std::io::Read;
use std::path::Path;
use std::process::Command;

use plimsoll_layer::{Limits, read_layer};
use plimsoll_types::{EntryKind, PathBytes};
use proptest::prelude::*;

use crate::support::{Kept, expected, gzip, read, zstd};

/// One entry as drawn: where, what, and its numbers.
#[derive(Clone, Debug)]
struct Drawn {
    path: String,
    what: What,
    mode: u32,
    owner: (u64, u64),
    mtime: u64,
}

#[derive(Clone, Debug)]
enum What {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    HardLink(String),
    Device(u32, u32),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z]{1,12}", 1 => "[a-z\u{e0}-\u{ff}]{60,120}", 1 => "[ -.0-~]{1,8}"]
        .prop_filter("dots climb and whiteouts mean something else", |name| {
            !matches!(name.as_str(), "." | "..") && !name.starts_with(".wh.")
        })
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..5).prop_map(|parts| parts.join("/"))
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let what = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..3000).prop_map(What::File),
        2 => Just(What::Directory),
        1 => path().prop_map(What::Symlink),
        1 => path().prop_map(What::HardLink),
        1 => (0..4096_u32, 0..65_536_u32).prop_map(|(major, minor)| What::Device(major, minor)),
    ];
    let owner = (0..u64::from(u32::MAX), 0..u64::from(u32::MAX));
    (path(), what, 0..0o10_000_u32, owner, 0..1_u64 << 33)
        .prop_map(|(path, what, mode, owner, mtime)| Drawn { path, what, mode, owner, mtime })
        .prop_filter(
            "a link to itself is no link",
            |drawn| !matches!(&drawn.what, What::HardLink(target) if *target == drawn.path),
        )
}

/// The archive the `tar` crate writes of `entries`.
fn written(entries: &[Drawn]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for drawn in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(drawn.mode);
        header.set_uid(drawn.owner.0);
        header.set_gid(drawn.owner.1);
        header.set_mtime(drawn.mtime);
        header.set_size(0);
        let path = &drawn.path;
        match &drawn.what {
            What::File(data) => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_size(data.len() as u64);
                builder.append_data(&mut header, path, &data[..]).unwrap();
            }
            What::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                builder.append_data(&mut header, path, &[][..]).unwrap();
            }
            What::Symlink(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, path, target).unwrap();
            }
            What::HardLink(target) => {
                header.set_entry_type(tar::EntryType::Link);
                builder.append_link(&mut header, path, target).unwrap();
            }
            What::Device(major, minor) => {
                header.set_entry_type(tar::EntryType::Char);
                header.set_device_major(*major).unwrap();
                header.set_device_minor(*minor).unwrap();
                builder.append_data(&mut header, path, &[][..]).unwrap();
            }
        }
    }
    builder.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_the_tar_crate_writes_is_read_as_it_was_meant(entries in prop::collection::vec(drawn(), 0..12)) {
        let tar = written(&entries);
        for blob in [tar.clone(), gzip(&tar), zstd(&tar)] {
            let kept = read(&blob);
            prop_assert_eq!(kept.entries.len(), entries.len());
            for (drawn, (entry, content)) in entries.iter().zip(&kept.entries) {
                prop_assert_eq!(&entry.path, &PathBytes::from(drawn.path.as_str()));
                prop_assert_eq!((u32::from(entry.mode), entry.mtime), (drawn.mode, drawn.mtime as i64));
                prop_assert_eq!((u64::from(entry.uid), u64::from(entry.gid)), drawn.owner);
                match &drawn.what {
                    What::File(data) => {
                        prop_assert_eq!((entry.kind, entry.size), (EntryKind::File, data.len() as u64));
                        prop_assert_eq!(content, data);
                    }
                    What::Directory => prop_assert_eq!(entry.kind, EntryKind::Directory),
                    What::Symlink(target) => {
                        prop_assert_eq!(entry.kind, EntryKind::Symlink);
                        prop_assert_eq!(&*entry.link_target, target.as_bytes());
                    }
                    What::HardLink(target) => {
                        prop_assert_eq!(entry.kind, EntryKind::HardLink);
                        let target = PathBytes::from(target.as_str());
                        prop_assert_eq!(&*entry.link_target, target.as_bytes());
                    }
                    What::Device(major, minor) => {
                        prop_assert_eq!(entry.kind, EntryKind::CharDevice);
                        prop_assert_eq!(entry.rdev, Some((*major, *minor)));
                    }
                }
            }
        }
    }

    #[test]
    fn how_a_reader_slices_the_blob_does_not_matter(entries in prop::collection::vec(drawn(), 0..12), step in 1..700_usize) {
        struct Sliced<'a>(&'a [u8], usize);
        impl Read for Sliced<'_> {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                let n = self.1.min(out.len());
                self.0.read(&mut out[..n])
            }
        }
        let blob = gzip(&written(&entries));
        let mut kept = Kept::default();
        let layer =
            read_layer(Sliced(&blob, step), &expected(&blob), &Limits::default(), &mut kept).unwrap();
        prop_assert_eq!(layer.entries, entries.len() as u64);
        prop_assert_eq!(kept.entries, read(&blob).entries);
    }
}

/// GNU tar with `arguments` over a tree of `directory`; none, with the reason printed, where there is none.
fn gnu_tar(directory: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let version = Command::new("tar").arg("--version").output().ok();
    if !version.is_some_and(|output| String::from_utf8_lossy(&output.stdout).contains("GNU tar")) {
        println!("skipped: GNU tar is not installed");
        return None;
    }
    let output = Command::new("tar")
        .args(["-C"])
        .arg(directory)
        .args(arguments)
        .args(["-cf", "-", "."])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn every_format_of_gnu_tar_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let long = "a-long-directory-name-of-some-forty-characters/".repeat(5);
    std::fs::create_dir_all(directory.path().join(&long)).unwrap();
    std::fs::write(directory.path().join(&long).join("file"), b"content").unwrap();
    std::fs::hard_link(directory.path().join(&long).join("file"), directory.path().join("linked")).unwrap();
    for format in ["gnu", "oldgnu", "pax", "posix"] {
        let Some(tar) = gnu_tar(directory.path(), &[&format!("--format={format}"), "--sort=name"]) else {
            return;
        };
        let kept = read(&tar);
        let file = kept.entries.iter().find(|(entry, _)| entry.path.file_name() == b"file").unwrap();
        assert_eq!(file.0.path.to_string(), format!("/{long}file"), "{format}");
        let link = kept.entries.iter().find(|(entry, _)| entry.path.file_name() == b"linked").unwrap();
        assert_eq!(
            (link.0.kind, &*link.0.link_target),
            (EntryKind::HardLink, file.0.path.as_bytes()),
            "{format}"
        );
        assert_eq!(file.1, b"content");
        assert_eq!(kept.ambiguities, Vec::<String>::new(), "{format}");
    }
}

#[test]
fn every_sparse_format_of_gnu_tar_expands_to_the_file() {
    use std::io::{Seek, SeekFrom, Write};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sparse");
    let mut file = std::fs::File::create(&path).unwrap();
    for n in 0..60_u64 {
        file.seek(SeekFrom::Start(n * 65_536)).unwrap();
        file.write_all(&[n as u8 + 1; 5000]).unwrap();
    }
    file.set_len(60 * 65_536 + 1234).unwrap();
    drop(file);
    let content = std::fs::read(&path).unwrap();
    for arguments in [
        &["--sparse", "--format=gnu"][..],
        &["--sparse", "--format=pax", "--sparse-version=0.0"],
        &["--sparse", "--format=pax", "--sparse-version=0.1"],
        &["--sparse", "--format=pax", "--sparse-version=1.0"],
        &["--format=pax"],
    ] {
        let Some(tar) = gnu_tar(directory.path(), arguments) else { return };
        let sparse = arguments[0] == "--sparse";
        if sparse && tar.len() > content.len() {
            println!("skipped: the file system of {} keeps no holes", directory.path().display());
            return;
        }
        let kept = read(&tar);
        let (entry, expanded) = kept.entries.iter().find(|(entry, _)| entry.kind == EntryKind::File).unwrap();
        assert_eq!((entry.path.to_string().as_str(), entry.size), ("/sparse", content.len() as u64));
        assert!(*expanded == content, "{arguments:?}");
    }
}
