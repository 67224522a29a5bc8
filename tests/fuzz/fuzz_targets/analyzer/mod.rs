//! Shows one file to one analyzer, and holds what that makes of it to the promises of the seam.

use std::io::Cursor;

use plimsoll_analyze::{Content, FileMeta, Interest, ReadError, Scratch, analyzers};
use plimsoll_types::{ContentKind, PathBytes, Payload, Record, Section};

/// The records of a file of these bytes. It is wanted, its errors are its own fault, every record belongs to it, and
/// reading it again says the same.
pub fn read(id: &str, path: &str, content: ContentKind, bytes: &[u8]) -> Vec<Record> {
    let first = read_once(id, path, content, bytes);
    assert_eq!(first, read_once(id, path, content, bytes));
    for record in &first {
        assert_eq!(record.path, PathBytes::from(path));
        if let Payload::Package(package) = &record.payload {
            assert!(!package.name.is_empty());
        }
    }
    first
}

fn read_once(id: &str, path: &str, content: ContentKind, bytes: &[u8]) -> Vec<Record> {
    let analyzer =
        analyzers::ALL.iter().find(|analyzer| analyzer.id() == id).expect("an analyzer of that id");
    let path = PathBytes::from(path);
    let head = &bytes[..bytes.len().min(plimsoll_analyze::HEAD_BYTES)];
    let meta = FileMeta { path: &path, mode: 0o755, size: bytes.len() as u64, content, head };
    let size = match analyzer.wants(&meta) {
        Interest::None => return Vec::new(),
        Interest::Head(size) => size.min(meta.size),
        Interest::Stream | Interest::Whole => meta.size,
    };
    let mut section = Section::new(analyzer.id(), analyzer.version());
    let mut scratch = Scratch::new();
    let mut cursor = Cursor::new(bytes);
    let result = analyzer.read(&meta, &mut Content::new(&mut cursor, size), &mut section, &mut scratch);
    assert!(!matches!(result, Err(ReadError::Io(_))), "memory cannot fail: {result:?}");
    analyzer.finish(scratch, &mut section);
    section.records
}
