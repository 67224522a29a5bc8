//! The entries of a zip file that matter, read under limits.
//!
//! Written here because the usual libraries keep the whole central directory in memory, which a hostile archive
//! of a few hundred megabytes turns into gigabytes. Like the JVM, it finds everything from the end, so that bytes
//! before the archive (a shell script that starts it) do no harm.

use std::io::{self, BufReader, Read};

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

use crate::{ReadError, executable::Fields, extent::Extent};

const END: &[u8] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_SIZE: u64 = 20;
const END_64: &[u8] = b"PK\x06\x06";
const END_64_SIZE: u64 = 56;
const HEADER: &[u8] = b"PK\x01\x02";
const HEADER_SIZE: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_SIZE: usize = 30;
const ZIP64_EXTRA: u64 = 1;
const ENCRYPTED: u64 = 1;

/// The largest central directory that is read; one of a million entries has about 100 MB.
const DIRECTORY_LIMIT: u64 = 256 << 20;
/// How many entries, and bytes of their names, are kept.
const KEPT_LIMIT: usize = 65_536;
const NAMES_LIMIT: usize = 8 << 20;

/// One entry that is worth reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name, as it stands.
    pub(super) name: String,
    encrypted: bool,
    method: u64,
    compressed: u64,
    size: u64,
    /// Where its local header is, in the window the directory was read from.
    header: u64,
}

impl Entry {
    /// Whether the content stands in the archive as it is.
    pub(super) fn is_stored(&self) -> bool {
        self.method == 0
    }
}

/// Where the content of an entry is, if it needs no decompression.
pub(super) enum Body {
    /// Stored as it is: offset and size.
    Stored(u64, u64),
    /// Decompressed.
    Bytes(Vec<u8>),
}

/// The entries whose name `keep` approves of, in the order of the archive.
pub(super) fn entries(extent: &mut Extent<'_>, keep: impl Fn(&str) -> bool) -> Result<Vec<Entry>, ReadError> {
    let directory = Directory::find(extent)?;
    if directory.size > DIRECTORY_LIMIT {
        return Err(ReadError::Limit(format!(
            "a central directory of {} bytes, more than the {DIRECTORY_LIMIT} that are read",
            directory.size
        )));
    }
    let mut reader = BufReader::new(extent.reader_at(directory.start, directory.size)?);
    let (mut kept, mut names) = (Vec::new(), 0);
    let (mut header, mut tail) = ([0; HEADER_SIZE], Vec::new());
    while read_whole(&mut reader, &mut header)? && header.starts_with(HEADER) {
        let fields = little(&header);
        let length = |at| fields.uint(at, 2).unwrap_or_default() as usize;
        let (name, extra, comment) = (length(28), length(30), length(32));
        tail.resize(name + extra + comment, 0);
        if !read_whole(&mut reader, &mut tail)? {
            return Err(ReadError::Malformed("the central directory is cut off".into()));
        }
        let text = String::from_utf8_lossy(&tail[..name]);
        if !keep(&text) {
            continue;
        }
        names += name;
        if kept.len() >= KEPT_LIMIT || names > NAMES_LIMIT {
            return Err(ReadError::Limit(format!(
                "more than {KEPT_LIMIT} entries that would have to be read"
            )));
        }
        let entry = entry(fields, text.into_owned(), &tail[name..name + extra], directory.prefix);
        kept.extend(entry);
    }
    Ok(kept)
}

/// The content of `entry`, at most `limit` bytes of it.
pub(super) fn read(extent: &mut Extent<'_>, entry: &Entry, limit: u64) -> Result<Body, ReadError> {
    let malformed = |what: &str| ReadError::Malformed(format!("{}: {what}", entry.name));
    if entry.encrypted {
        return Err(malformed("the entry is encrypted"));
    }
    let over =
        || ReadError::Limit(format!("{}: more than the {limit} bytes that are left to read", entry.name));
    let local = extent.read_at(entry.header, LOCAL_SIZE)?;
    let fields = little(&local);
    let (Some(name), Some(extra), true) = (fields.uint(26, 2), fields.uint(28, 2), local.starts_with(LOCAL))
    else {
        return Err(malformed("the entry is not where the directory says"));
    };
    let start = entry.header + LOCAL_SIZE as u64 + name + extra;
    match entry.method {
        0 if entry.size > limit => Err(over()),
        0 => Ok(Body::Stored(start, entry.size)),
        8 if entry.size > limit || entry.compressed > limit => Err(over()),
        8 => {
            let compressed = extent.read_at(start, entry.compressed as usize)?;
            // One byte more than stated tells a lie about the size from the truth.
            match decompress_to_vec_with_limit(&compressed, entry.size as usize + 1) {
                Ok(bytes) if bytes.len() as u64 == entry.size => Ok(Body::Bytes(bytes)),
                Err(error) if error.status != TINFLStatus::HasMoreOutput => {
                    Err(malformed("cannot be decompressed"))
                }
                _ => Err(malformed("is not of the size the directory says")),
            }
        }
        method => Err(malformed(&format!("compression method {method} is not used by Java"))),
    }
}

impl Body {
    /// The bytes, read where they are if need be.
    pub(super) fn into_bytes(self, extent: &mut Extent<'_>) -> io::Result<Vec<u8>> {
        match self {
            Self::Stored(start, size) => extent.read_at(start, size as usize),
            Self::Bytes(bytes) => Ok(bytes),
        }
    }
}

struct Directory {
    start: u64,
    size: u64,
    /// Bytes before the archive, which its offsets do not count.
    prefix: u64,
}

impl Directory {
    fn find(extent: &mut Extent<'_>) -> Result<Self, ReadError> {
        let tail_start = extent.size().saturating_sub(END_SIZE as u64 + u64::from(u16::MAX));
        let tail = extent.read_at(tail_start, END_SIZE + usize::from(u16::MAX))?;
        let at = (0..=tail.len().saturating_sub(END_SIZE)).rev().find(|at| is_end(&tail[*at..]));
        let Some(at) = at else {
            return Err(ReadError::Malformed("this is no zip file: it has no central directory".into()));
        };
        let end = tail_start + at as u64;
        let fields = little(&tail[at..]);
        let narrow = (fields.uint(12, 4), fields.uint(16, 4));
        let wide = Self::find_wide(extent, end)?;
        let located = match (wide, narrow) {
            (Some(found), _) => Some(found),
            (None, (Some(size), Some(offset))) => Some((end, size, offset)),
            _ => None,
        };
        located
            .and_then(|(end, size, offset)| {
                let start = end.checked_sub(size)?;
                Some(Self { start, size, prefix: start.checked_sub(offset)? })
            })
            .ok_or_else(|| ReadError::Malformed("the central directory is not where the archive says".into()))
    }

    /// End, size and offset of the directory by the zip64 record, if there is one.
    fn find_wide(extent: &mut Extent<'_>, end: u64) -> Result<Option<(u64, u64, u64)>, ReadError> {
        let Some(locator) = end.checked_sub(LOCATOR_SIZE) else { return Ok(None) };
        let bytes = extent.read_at(locator, LOCATOR_SIZE as usize)?;
        if !bytes.starts_with(LOCATOR) {
            return Ok(None);
        }
        // The record is right before the locator unless it has extensions, which nobody writes; its stated
        // offset knows nothing of bytes before the archive.
        let stated = little(&bytes).uint(8, 8);
        for at in [locator.checked_sub(END_64_SIZE), stated].into_iter().flatten() {
            let record = extent.read_at(at, END_64_SIZE as usize)?;
            let fields = little(&record);
            if let (true, Some(size), Some(offset)) =
                (record.starts_with(END_64), fields.uint(40, 8), fields.uint(48, 8))
            {
                return Ok(Some((at, size, offset)));
            }
        }
        Ok(None)
    }
}

/// Whether an end record starts here whose comment fits.
fn is_end(bytes: &[u8]) -> bool {
    let comment = little(bytes).uint(20, 2).unwrap_or(u64::MAX);
    bytes.starts_with(END) && bytes.len().checked_sub(END_SIZE).is_some_and(|room| comment <= room as u64)
}

fn little(bytes: &[u8]) -> Fields<'_> {
    Fields { bytes, big_endian: false }
}

/// Fills the buffer; false if there is nothing more, or not enough.
fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn entry(header: Fields<'_>, name: String, extra: &[u8], prefix: u64) -> Option<Entry> {
    let mut wide = wide_fields(extra);
    let mut widened = |value: u64| if value == u64::from(u32::MAX) { wide.next() } else { Some(value) };
    let size = widened(header.uint(24, 4)?)?;
    let compressed = widened(header.uint(20, 4)?)?;
    let offset = widened(header.uint(42, 4)?)?;
    Some(Entry {
        name,
        encrypted: header.uint(8, 2)? & ENCRYPTED != 0,
        method: header.uint(10, 2)?,
        compressed,
        size,
        header: offset.checked_add(prefix)?,
    })
}

/// The 64-bit numbers of the extra field, in the order of the 32-bit ones they stand in for.
fn wide_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut found = &extra[..0];
    loop {
        let fields = little(extra);
        let (Some(id), Some(size)) = (fields.uint(0, 2), fields.uint(2, 2)) else { break };
        let Some((body, rest)) = extra[4..].split_at_checked(size as usize) else { break };
        if id == ZIP64_EXTRA {
            found = body;
            break;
        }
        extra = rest;
    }
    found.chunks_exact(8).filter_map(|bytes| little(bytes).uint(0, 8))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Cursor;

    use miniz_oxide::deflate::compress_to_vec;

    use super::*;

    /// An archive of these entries, compressed where that is asked for.
    pub(in crate::analyzers::java) fn archive(entries: &[(&str, &[u8])], compress: bool) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in entries {
            let packed = if compress { compress_to_vec(content, 6) } else { content.to_vec() };
            let method = if compress { 8_u16 } else { 0 };
            let mut common = [0; 26];
            common[4..6].copy_from_slice(&method.to_le_bytes());
            common[14..18].copy_from_slice(&(packed.len() as u32).to_le_bytes());
            common[18..22].copy_from_slice(&(content.len() as u32).to_le_bytes());
            common[22..24].copy_from_slice(&(name.len() as u16).to_le_bytes());
            directory.extend_from_slice(HEADER);
            directory.extend_from_slice(&[0; 2]);
            directory.extend_from_slice(&common);
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            directory.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(LOCAL);
            bytes.extend_from_slice(&common);
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&packed);
        }
        let offset = bytes.len() as u32;
        bytes.extend_from_slice(&directory);
        bytes.extend_from_slice(END);
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&(directory.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes
    }

    fn contents(bytes: &[u8], limit: u64) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
        let mut cursor = Cursor::new(bytes);
        let mut extent = Extent::new(&mut cursor, bytes.len() as u64);
        let entries = entries(&mut extent, |name| name != "b.class")?;
        entries
            .into_iter()
            .map(|entry| Ok((entry.name.clone(), read(&mut extent, &entry, limit)?.into_bytes(&mut extent)?)))
            .collect()
    }

    const FILES: &[(&str, &[u8])] = &[("a.txt", b"aaaa aaaa aaaa"), ("b.class", b"x"), ("c/d", b"")];

    #[test]
    fn kept_entries_are_read_whether_compressed_or_not() {
        for compress in [true, false] {
            let found = contents(&archive(FILES, compress), 100).unwrap();
            assert_eq!(found, [("a.txt".into(), FILES[0].1.to_vec()), ("c/d".into(), Vec::new())]);
        }
    }

    #[test]
    fn a_script_before_and_a_comment_after_do_no_harm() {
        let mut bytes = archive(FILES, true);
        let comment = bytes.len() - 2;
        bytes[comment] = 5;
        let bytes = [b"#!/bin/sh\nexec java -jar $0\n", &bytes[..], b"hello"].concat();
        assert_eq!(contents(&bytes, 100).unwrap().len(), 2);
    }

    #[test]
    fn zip64_records_are_followed() {
        let bytes = archive(&FILES[..1], false);
        let end = bytes.len() - END_SIZE;
        let directory = end - HEADER_SIZE - 5;
        let mut wide = bytes[..end].to_vec();
        wide[directory + 20..directory + 28].fill(0xff);
        wide[directory + 30] = 20;
        wide.extend_from_slice(&[1, 0, 16, 0]);
        wide.extend_from_slice(&14_u64.to_le_bytes());
        wide.extend_from_slice(&14_u64.to_le_bytes());
        let mut record = END_64.to_vec();
        record.resize(40, 0);
        record.extend_from_slice(&((wide.len() - directory) as u64).to_le_bytes());
        record.extend_from_slice(&(directory as u64).to_le_bytes());
        wide.extend_from_slice(&record);
        wide.extend_from_slice(LOCATOR);
        wide.extend_from_slice(&[0; 16]);
        wide.extend_from_slice(END);
        wide.extend_from_slice(&[0xff; 16]);
        wide.extend_from_slice(&[0; 2]);
        assert_eq!(contents(&wide, 100).unwrap(), [("a.txt".into(), FILES[0].1.to_vec())]);
    }

    #[test]
    fn content_beyond_the_limit_is_not_expanded() {
        let bytes = archive(&[("zeros", &vec![0; 100_000])], true);
        assert!(contents(&bytes, 100_000).is_ok());
        assert!(matches!(contents(&bytes, 99_999), Err(ReadError::Limit(_))));
    }

    #[test]
    fn a_size_that_lies_is_found_out() {
        let mut bytes = archive(&[("zeros", &vec![0; 100_000])], true);
        let end = bytes.len() - END_SIZE;
        let size = end - HEADER_SIZE - 5 + 24;
        bytes[size..size + 4].copy_from_slice(&10_u32.to_le_bytes());
        assert!(matches!(contents(&bytes, 1 << 20), Err(ReadError::Malformed(_))));
    }

    #[test]
    fn truncation_anywhere_is_an_error() {
        for bytes in [archive(FILES, true), archive(&[], true)] {
            for length in 0..bytes.len() {
                assert!(matches!(contents(&bytes[..length], 100), Err(ReadError::Malformed(_))), "{length}");
            }
        }
    }
}
