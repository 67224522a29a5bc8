//! `Packages.db`: rpm's own database format, used by SUSE.
//!
//! Layout (rpm, `lib/backend/ndb/rpmpkg.c`; little endian): a header of 32 bytes, then slots of 16 bytes up to
//! the end of the slot pages, each naming blocks of 16 bytes; there a blob stands between a head of 16 and a
//! tail of 12 bytes, which repeat its number and length.

use std::io::{Read, Seek, SeekFrom};

use plimsoll_types::{DatabaseState, Payload, Record, Section};

use super::number::le32;
use super::package;
use crate::budget::Budget;
use crate::lines::reason;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

const MAGIC: &[u8] = b"RpmP";
const HEADER_BYTES: usize = 32;
const PAGE_BYTES: u64 = 4096;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: u64 = 16;
const HEAD_BYTES: usize = 16;
const TAIL_BYTES: usize = 12;

/// The largest blob read. The largest headers have a few megabytes.
const MAX_BLOB_BYTES: u64 = 64 << 20;

/// More slots than any system has packages, by a factor of a hundred.
const MAX_SLOT_PAGES: u32 = 4096;

/// Reads rpm's NDB database.
pub(crate) struct RpmNdb;

impl Analyzer for RpmNdb {
    fn id(&self) -> &'static str {
        "rpm/ndb"
    }

    fn version(&self) -> u32 {
        2
    }

    /// Elsewhere than below a directory named `rpm` the content must look like one.
    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if file.path.file_name() != b"Packages.db" {
            return Interest::None;
        }
        let is_at_home = file.path.parent_bytes().ends_with(b"/rpm");
        let could_be = file.head.is_empty() || file.head.starts_with(MAGIC);
        if is_at_home || could_be { Interest::Whole } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let format = "rpm".to_owned();
        let mut packages = 0;
        let mut broken = None;
        let mut budget = Budget::default();
        if content.size() > 0 {
            let size = content.size();
            let outcome = blobs(content, size, &mut |blob| {
                match package::add(blob, file.path, section, &mut budget) {
                    Ok(()) => packages += 1,
                    Err(error) => broken = broken.take().or(Some(reason(error)?)),
                }
                Ok(())
            });
            if let Err(error) = outcome {
                broken = Some(reason(error)?);
            }
        }
        let state = match broken {
            None => DatabaseState::Read { format, packages },
            Some(message) => DatabaseState::Unreadable { format, message },
        };
        section.records.push(Record { path: file.path.clone(), payload: Payload::Database(state) });
        Ok(())
    }

    fn depends_on_name(&self) -> bool {
        false
    }
}

fn malformed(message: impl Into<String>) -> ReadError {
    ReadError::Malformed(format!("NDB: {}", message.into()))
}

struct Slot {
    number: u32,
    offset: u64,
    bytes: u64,
}

/// Calls `each` with every blob, in the order of the file.
fn blobs(
    reader: &mut (impl Read + Seek),
    size: u64,
    each: &mut dyn FnMut(&[u8]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut slots = slots(reader, size)?;
    slots.sort_unstable_by_key(|slot| slot.offset);
    let mut end = 0;
    for slot in slots {
        // Blobs that overlap would let a small file stand for endless data.
        if slot.offset < end || slot.bytes > size.saturating_sub(slot.offset) {
            return Err(malformed(format!("package {} lies outside the file or over another", slot.number)));
        }
        end = slot.offset + slot.bytes;
        let blob = blob(reader, &slot)?;
        each(&blob)?;
    }
    Ok(())
}

fn slots(reader: &mut (impl Read + Seek), size: u64) -> Result<Vec<Slot>, ReadError> {
    let mut header = [0; HEADER_BYTES];
    if size < HEADER_BYTES as u64 {
        return Err(malformed("shorter than its header"));
    }
    reader.seek(SeekFrom::Start(0))?;
    reader.read_exact(&mut header)?;
    if !header.starts_with(MAGIC) || le32(&header, 4) != Some(0) {
        return Err(malformed("not such a database, or of an unknown version"));
    }
    let pages = le32(&header, 12).unwrap_or(0);
    if pages > MAX_SLOT_PAGES {
        return Err(ReadError::Limit(format!(
            "NDB: {pages} pages of slots, more than the {MAX_SLOT_PAGES} read"
        )));
    }
    let bytes = u64::from(pages) * PAGE_BYTES;
    if bytes > size || bytes == 0 {
        return Err(malformed("its slots are cut off"));
    }
    let mut bytes = vec![0; bytes as usize - HEADER_BYTES];
    reader.read_exact(&mut bytes)?;
    let mut slots = Vec::new();
    for slot in bytes.chunks_exact(SLOT_BYTES) {
        if !slot.starts_with(b"Slot") {
            return Err(malformed("a slot has no mark"));
        }
        let word = |at| le32(slot, at).unwrap_or(0);
        let (number, offset, blocks) = (word(4), word(8), word(12));
        if number != 0 {
            let (offset, bytes) = (u64::from(offset) * BLOCK_BYTES, u64::from(blocks) * BLOCK_BYTES);
            slots.push(Slot { number, offset, bytes });
        }
    }
    Ok(slots)
}

fn blob(reader: &mut (impl Read + Seek), slot: &Slot) -> Result<Vec<u8>, ReadError> {
    if slot.bytes > MAX_BLOB_BYTES {
        return Err(ReadError::Limit(format!("NDB: a package of more than {MAX_BLOB_BYTES} bytes")));
    }
    let mut bytes = vec![0; slot.bytes as usize];
    reader.seek(SeekFrom::Start(slot.offset))?;
    reader.read_exact(&mut bytes)?;
    let broken = || malformed(format!("the data of package {} is broken", slot.number));
    let tail = bytes.len().checked_sub(TAIL_BYTES).filter(|tail| *tail >= HEAD_BYTES).ok_or_else(broken)?;
    let length = le32(&bytes, 12).ok_or_else(broken)?;
    let is_whole = bytes.starts_with(b"BlbS")
        && le32(&bytes, 4) == Some(slot.number)
        && le32(&bytes, tail + 4) == Some(length)
        && bytes.ends_with(b"BlbE")
        && length as usize <= tail - HEAD_BYTES;
    if !is_whole {
        return Err(broken());
    }
    bytes.truncate(HEAD_BYTES + length as usize);
    bytes.drain(..HEAD_BYTES);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::header::Tag;
    use super::super::header::tests::{Value, header};
    use super::*;
    use crate::testing::{analyze, databases, packages, real};

    const PATH: &str = "usr/lib/sysimage/rpm/Packages.db";

    /// A database of these blobs.
    fn database(blobs: &[Vec<u8>]) -> Vec<u8> {
        let mut slots = Vec::new();
        let mut data = Vec::new();
        for (at, blob) in blobs.iter().enumerate() {
            let number = at as u32 + 1;
            let offset = (PAGE_BYTES as usize + data.len()) as u32 / 16;
            let start = data.len();
            data.extend(b"BlbS");
            for word in [number, 0, blob.len() as u32] {
                data.extend(word.to_le_bytes());
            }
            data.extend_from_slice(blob);
            let end = (data.len() - start + TAIL_BYTES).next_multiple_of(16);
            data.resize(start + end - TAIL_BYTES, 0);
            data.extend([0; 4]);
            data.extend((blob.len() as u32).to_le_bytes());
            data.extend(b"BlbE");
            slots.extend(b"Slot");
            for word in [number, offset, end as u32 / 16] {
                slots.extend(word.to_le_bytes());
            }
        }
        let mut bytes = MAGIC.to_vec();
        for word in [0_u32, 1, 1, 0, 0, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(slots);
        while bytes.len() < PAGE_BYTES as usize {
            bytes.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
        }
        [bytes, data].concat()
    }

    fn package(name: &str) -> Vec<u8> {
        header(&[
            (Tag::Name, Value::Text(name)),
            (Tag::Version, Value::Text("1")),
            (Tag::Release, Value::Text("2")),
        ])
    }

    fn message(bytes: &[u8]) -> String {
        match databases(&analyze(&RpmNdb, &[(PATH, bytes)])).remove(0) {
            DatabaseState::Unreadable { message, .. } => message,
            state => panic!("{state:?}"),
        }
    }

    #[test]
    fn packages_are_read() {
        let section = analyze(&RpmNdb, &[(PATH, &database(&[package("a"), package("b")]))]);
        let names: Vec<_> = packages(&section).into_iter().map(|one| (one.name, one.version)).collect();
        assert_eq!(names, [("a".to_owned(), "1-2".to_owned()), ("b".to_owned(), "1-2".to_owned())]);
        assert_eq!(databases(&section), [DatabaseState::Read { format: "rpm".into(), packages: 2 }]);
    }

    #[test]
    fn a_broken_package_leaves_the_others() {
        let section = analyze(&RpmNdb, &[(PATH, &database(&[b"nonsense".to_vec(), package("b")]))]);
        assert_eq!(packages(&section).len(), 1);
        assert!(matches!(databases(&section)[..], [DatabaseState::Unreadable { .. }]));
    }

    #[test]
    fn broken_frames_are_told() {
        let whole = database(&[package("a"), package("b")]);
        let with = |at: usize, word: u32| {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            message(&bytes)
        };
        assert_eq!(with(0, 0), "NDB: not such a database, or of an unknown version");
        assert_eq!(with(12, 0), "NDB: its slots are cut off");
        assert_eq!(with(12, MAX_SLOT_PAGES), "NDB: its slots are cut off");
        assert!(with(12, MAX_SLOT_PAGES + 1).contains("more than the 4096 read"));
        assert_eq!(with(32, 0), "NDB: a slot has no mark");
        assert_eq!(with(32 + 8, u32::MAX), "NDB: package 1 lies outside the file or over another");
        assert_eq!(with(32 + 16 + 8, 256), "NDB: package 2 lies outside the file or over another");
        assert_eq!(with(4096 + 12, 5000), "NDB: the data of package 1 is broken");
        assert_eq!(message(b"bogus"), "NDB: shorter than its header");
    }

    #[test]
    fn elsewhere_only_a_real_one_counts() {
        let bytes = database(&[package("a")]);
        assert_eq!(packages(&analyze(&RpmNdb, &[("srv/x/Packages.db", &bytes)])).len(), 1);
        assert!(analyze(&RpmNdb, &[("srv/x/Packages.db", b"something")]).records.is_empty());
    }

    #[test]
    fn a_real_sle_15_database_is_read() {
        let Some(database) = real("packages/rpm/go-rpmdb/sle15-bci/Packages.db") else { return };
        let section = analyze(&RpmNdb, &[(PATH, &database)]);
        let packages = packages(&section);
        assert_eq!(
            databases(&section),
            [DatabaseState::Read { format: "rpm".into(), packages: packages.len() as u64 }]
        );
        let bash = packages.iter().find(|package| package.name == "bash").unwrap();
        assert_eq!(bash.vendor.as_deref(), Some("SUSE LLC <https://www.suse.com/>"));
        assert!(packages.len() > 30);
    }
}
