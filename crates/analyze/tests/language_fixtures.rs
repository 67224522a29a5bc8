//! The language analyzers over collected fixtures of other scanners, where `PLIMSOLL_TEST_DATA` has them.

use std::{
    env, fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use plimsoll_analyze::{
    Content, FileMeta, HEAD_BYTES, HEAD_INTEREST_BYTES, Interest, ReadError, Scratch, analyzers,
};
use plimsoll_types::{ContentKind, PathBytes, Payload, Record, Section};

const LANGUAGES: &[&str] = &["golang/", "java/", "javascript/", "python/", "rust/"];

fn fixtures() -> Option<PathBuf> {
    let Some(data) = env::var_os("PLIMSOLL_TEST_DATA") else {
        eprintln!("skipped: PLIMSOLL_TEST_DATA does not name a directory of test data");
        return None;
    };
    Some(Path::new(&data).join("packages/lang"))
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(directory).expect("a readable directory").flatten().collect();
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

fn content_kind(bytes: &[u8]) -> ContentKind {
    match bytes {
        [b'P', b'K', ..] => ContentKind::Zip,
        [b'#', b'!', ..] => ContentKind::Script,
        [0x7f, b'E', b'L', b'F', ..] => ContentKind::Elf,
        _ => ContentKind::Text,
    }
}

/// What all language analyzers say of one file.
fn read(path: &str, bytes: &[u8]) -> Vec<Record> {
    let path = PathBytes::from(path);
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let meta =
        FileMeta { path: &path, mode: 0o644, size: bytes.len() as u64, content: content_kind(bytes), head };
    let mut records = Vec::new();
    for analyzer in analyzers::ALL {
        if !LANGUAGES.iter().any(|language| analyzer.id().starts_with(language)) {
            continue;
        }
        let size = match analyzer.wants(&meta) {
            Interest::None => continue,
            Interest::Head(size) => meta.size.min(size).min(HEAD_INTEREST_BYTES),
            Interest::Stream | Interest::Whole => meta.size,
        };
        let mut section = Section::new(analyzer.id(), analyzer.version());
        let mut cursor = Cursor::new(bytes);
        let mut content = Content::new(&mut cursor, size);
        let result = analyzer.read(&meta, &mut content, &mut section, &mut Scratch::new());
        assert!(!matches!(result, Err(ReadError::Io(_))), "{path}: {result:?}");
        records.append(&mut section.records);
    }
    records
}

fn packages(records: &[Record]) -> Vec<String> {
    let describe = |record: &Record| match &record.payload {
        Payload::Package(package) => Some(format!("{}@{}", package.name, package.version)),
        _ => None,
    };
    records.iter().filter_map(describe).collect()
}

#[test]
fn known_fixtures_give_known_packages() {
    let Some(root) = fixtures() else { return };
    for (path, expected) in [
        (
            "osv-scalibr/language/java/archive/testdata/simple.jar",
            &["com.some.package:package-name@1.2.3"][..],
        ),
        (
            "osv-scalibr/language/java/archive/testdata/nested_at_100.jar",
            &["com.some.package:package-name@1.2.3"],
        ),
        ("osv-scalibr/language/java/archive/testdata/empty.jar", &[]),
        ("syft/python/testdata/Python-2.7.egg-info", &[]),
        ("syft/python/testdata/site-packages/nested/dist-name/dist-info/METADATA", &["Pygments@2.6.1"]),
        ("syft/python/testdata/site-packages/uppercase/egg-name/EGG-INFO/PKG-INFO", &["requests@2.22.0"]),
        (
            "syft/javascript/testdata/pkg-lock/node_modules/@actions/core/package.json",
            &["@actions/core@1.6.0"],
        ),
        ("syft/javascript/testdata/corrupt/package.json", &[]),
    ] {
        let found = packages(&read(path, &fs::read(root.join(path)).unwrap()));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn the_deepest_package_says_where_it_is() {
    let Some(root) = fixtures() else { return };
    let path = "osv-scalibr/language/java/archive/testdata/nested_at_100.jar";
    let records = read(path, &fs::read(root.join(path)).unwrap());
    let Payload::Package(package) = &records[0].payload else { panic!("{records:?}") };
    // A hundred archives: the file, and 99 in it.
    assert_eq!(package.nested_in.split("!/").count(), 99);
}

#[test]
fn every_fixture_is_survived_whole_and_truncated() {
    let Some(root) = fixtures() else { return };
    let mut paths = Vec::new();
    files(&root, &mut paths);
    assert!(paths.len() > 500, "{} fixtures", paths.len());
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        read(name, &bytes);
        for length in (0..bytes.len()).step_by(61) {
            read(name, &bytes[..length]);
        }
    }
}
