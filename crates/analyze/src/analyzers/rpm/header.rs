//! The header of one package, as the databases store it: an index of typed tags over a data area.
//!
//! Layout (rpm, "RPM package file format", Header): two big-endian counts, `il` index entries of 16 bytes
//! (tag, type, offset, count), `dl` bytes of data. Databases leave out the magic that files have before it.

use super::number::be32;
use crate::ReadError;

/// rpm's own bound on index entries.
const MAX_ENTRIES: usize = 0xffff;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// The tags read, by their numbers in rpm.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Tag {
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Vendor = 1011,
    License = 1014,
    Packager = 1015,
    Arch = 1022,
    OldFileNames = 1027,
    FileStates = 1029,
    SourceRpm = 1044,
    DirIndexes = 1116,
    BaseNames = 1117,
    DirNames = 1118,
    ModularityLabel = 5096,
}

/// A header over its bytes.
pub(super) struct Header<'b> {
    index: &'b [u8],
    data: &'b [u8],
}

struct Entry {
    kind: u32,
    offset: usize,
    count: usize,
}

impl<'b> Header<'b> {
    /// Checks the frame; single tags are checked when asked for.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, ReadError> {
        let malformed = |what: &str| ReadError::Malformed(format!("package header: {what}"));
        let (counts, rest) = bytes.split_at_checked(8).ok_or_else(|| malformed("shorter than its counts"))?;
        let entries = be32(counts, 0).unwrap_or(0) as usize;
        let size = be32(counts, 4).unwrap_or(0) as usize;
        if entries == 0 || entries > MAX_ENTRIES {
            return Err(malformed(&format!("{entries} tags, expected 1 to {MAX_ENTRIES}")));
        }
        let (index, data) =
            rest.split_at_checked(entries * 16).ok_or_else(|| malformed("index is cut off"))?;
        let data = data.get(..size).ok_or_else(|| malformed("data is cut off"))?;
        Ok(Self { index, data })
    }

    /// A string, or the first of several.
    pub(super) fn string(&self, tag: Tag) -> Option<String> {
        let entry = self.entry(tag)?;
        if !matches!(entry.kind, STRING | STRING_ARRAY | I18N_STRING) {
            return None;
        }
        let text = self.data.get(entry.offset..)?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty() && text != "(none)")
    }

    /// Every string of an array, as bytes.
    pub(super) fn strings(&self, tag: Tag) -> Vec<&'b [u8]> {
        let Some(entry) = self.entry(tag).filter(|entry| matches!(entry.kind, STRING_ARRAY | I18N_STRING))
        else {
            return Vec::new();
        };
        let data: &'b [u8] = self.data;
        let Some(data) = data.get(entry.offset..) else { return Vec::new() };
        // What follows the last end is no string.
        let Some(end) = data.iter().rposition(|byte| *byte == 0) else { return Vec::new() };
        data[..end].split(|byte| *byte == 0).take(entry.count).collect()
    }

    /// The first 32-bit number.
    pub(super) fn number(&self, tag: Tag) -> Option<u32> {
        self.numbers(tag).next()
    }

    /// Every 32-bit number of an array.
    pub(super) fn numbers(&self, tag: Tag) -> impl Iterator<Item = u32> + use<'b> {
        let entry = self.entry(tag).filter(|entry| entry.kind == INT32);
        let data: &'b [u8] = self.data;
        let bytes = entry.and_then(|entry| data.get(entry.offset..)?.get(..entry.count.checked_mul(4)?));
        bytes.unwrap_or_default().chunks_exact(4).filter_map(|bytes| be32(bytes, 0))
    }

    /// The bytes of an array of characters or 8-bit numbers.
    pub(super) fn bytes(&self, tag: Tag) -> &'b [u8] {
        let data: &'b [u8] = self.data;
        let entry = self.entry(tag).filter(|entry| matches!(entry.kind, 1 | 2 | 7));
        entry.and_then(|entry| data.get(entry.offset..)?.get(..entry.count)).unwrap_or_default()
    }

    fn entry(&self, tag: Tag) -> Option<Entry> {
        let bytes = self.index.chunks_exact(16).find(|entry| be32(entry, 0) == Some(tag as u32))?;
        Some(Entry {
            kind: be32(bytes, 4)?,
            offset: be32(bytes, 8)? as usize,
            count: be32(bytes, 12)? as usize,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a test header holds.
    pub(in super::super) enum Value<'v> {
        Text(&'v str),
        Texts(&'v [&'v str]),
        Numbers(&'v [u32]),
        Bytes(&'v [u8]),
    }

    /// The bytes of a header with these tags.
    pub(in super::super) fn header(tags: &[(Tag, Value<'_>)]) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, value) in tags {
            let offset = data.len();
            let (kind, count) = match value {
                Value::Text(text) => {
                    data.extend([text.as_bytes(), b"\0"].concat());
                    (STRING, 1)
                }
                Value::Texts(texts) => {
                    texts.iter().for_each(|text| data.extend([text.as_bytes(), b"\0"].concat()));
                    (STRING_ARRAY, texts.len())
                }
                Value::Numbers(numbers) => {
                    data.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
                    (INT32, numbers.len())
                }
                Value::Bytes(bytes) => {
                    data.extend_from_slice(bytes);
                    (1, bytes.len())
                }
            };
            for number in [*tag as u32, kind, offset as u32, count as u32] {
                index.extend(number.to_be_bytes());
            }
        }
        let counts = [(tags.len() as u32).to_be_bytes(), (data.len() as u32).to_be_bytes()].concat();
        [counts, index, data].concat()
    }

    #[test]
    fn tags_are_read_by_type() {
        let bytes = header(&[
            (Tag::Name, Value::Text("bash")),
            (Tag::BaseNames, Value::Texts(&["a", "", "c"])),
            (Tag::DirIndexes, Value::Numbers(&[1, 2])),
            (Tag::FileStates, Value::Bytes(&[0, 1])),
            (Tag::Vendor, Value::Text("(none)")),
        ]);
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.string(Tag::Name).as_deref(), Some("bash"));
        assert_eq!(header.strings(Tag::BaseNames), [&b"a"[..], b"", b"c"]);
        assert_eq!(header.numbers(Tag::DirIndexes).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(header.bytes(Tag::FileStates), [0, 1]);
        assert_eq!(header.string(Tag::Vendor), None);
        assert_eq!(header.number(Tag::Name), None);
        assert_eq!(header.string(Tag::Version), None);
    }

    #[test]
    fn a_header_cut_anywhere_is_refused() {
        let bytes = header(&[(Tag::Name, Value::Text("bash"))]);
        for length in 0..bytes.len() {
            assert!(Header::parse(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn offsets_and_counts_beyond_the_data_give_nothing() {
        for (at, value) in [(16, u32::MAX), (20, u32::MAX)] {
            let mut bytes = header(&[(Tag::DirIndexes, Value::Numbers(&[1]))]);
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
            assert_eq!(Header::parse(&bytes).unwrap().number(Tag::DirIndexes), None);
        }
        let mut bytes = header(&[(Tag::BaseNames, Value::Texts(&["a", "b"]))]);
        bytes[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(Header::parse(&bytes).unwrap().strings(Tag::BaseNames), [b"a", b"b"]);
    }

    #[test]
    fn the_number_of_tags_is_bounded() {
        for (count, message) in
            [(MAX_ENTRIES as u32, "index is cut off"), (MAX_ENTRIES as u32 + 1, "expected 1 to")]
        {
            let bytes = [count.to_be_bytes(), 0_u32.to_be_bytes()].concat();
            let error = Header::parse(&bytes).err().unwrap().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
