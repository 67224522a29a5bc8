//! A reader of SQLite database files, just able to give every row of one table.
//!
//! It follows "Database File Format" chapters 1 and 2 and trusts nothing: a page is walked once at most, so
//! that loops end, and no length is believed before it was compared with what there is.

use std::io::{Read, Seek, SeekFrom};

use super::number::{be16, be32};
use super::wal::Wal;
use crate::ReadError;

const FILE_HEADER_BYTES: usize = 100;
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;

/// Columns read of a row. The tables looked at have two and five.
const MAX_COLUMNS: usize = 8;

/// The largest row read. The largest rpm headers have a few megabytes.
pub(super) const MAX_ROW_BYTES: usize = 64 << 20;

fn malformed(message: impl Into<String>) -> ReadError {
    ReadError::Malformed(format!("SQLite: {}", message.into()))
}

fn cut_cell() -> ReadError {
    malformed("cell beyond its page")
}

/// A database file, seen through its log.
pub(super) struct File<'w, R> {
    reader: R,
    wal: Option<&'w Wal<'w>>,
    page_size: usize,
    /// Page size without the reserved end.
    usable: usize,
    pages: u32,
}

/// Which pages have been walked.
struct Walked(Vec<u64>);

impl Walked {
    fn new(pages: u32) -> Self {
        Self(vec![0; pages as usize / 64 + 1])
    }

    fn first_time(&mut self, page: u32) -> Result<(), ReadError> {
        let (word, bit) = (page as usize / 64, 1 << (page % 64));
        let word = self.0.get_mut(word).ok_or_else(|| malformed(format!("no page {page}")))?;
        if *word & bit != 0 {
            return Err(malformed(format!("page {page} is used twice")));
        }
        *word |= bit;
        Ok(())
    }
}

impl<'w, R: Read + Seek> File<'w, R> {
    /// Opens the `size` bytes of `reader`.
    pub(super) fn open(mut reader: R, size: u64, wal: Option<&'w Wal<'w>>) -> Result<Self, ReadError> {
        let mut header = [0; FILE_HEADER_BYTES];
        match wal.and_then(|wal| wal.page(1)) {
            Some(page) => header.copy_from_slice(&page[..FILE_HEADER_BYTES]),
            None if size < FILE_HEADER_BYTES as u64 => return Err(malformed("shorter than its header")),
            None => {
                reader.seek(SeekFrom::Start(0))?;
                reader.read_exact(&mut header)?;
            }
        }
        if !header.starts_with(b"SQLite format 3\0") {
            return Err(malformed("not such a database"));
        }
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page_size.saturating_sub(usize::from(header[20]));
        if !page_size.is_power_of_two() || page_size < 512 || usable < 480 {
            return Err(malformed(format!("pages of {page_size} bytes")));
        }
        if wal.is_some_and(|wal| wal.page_size != page_size) {
            return Err(malformed("its log has pages of another size"));
        }
        let stored = u32::try_from(size / page_size as u64).unwrap_or(u32::MAX);
        // A log cannot make the file much larger than what is there.
        let pages = wal.map_or(stored, |wal| wal.pages.min(stored.saturating_add(wal.count())));
        Ok(Self { reader, wal, page_size, usable, pages })
    }

    /// Calls `row` with the column values of every row of the table `name`, by row id.
    pub(super) fn rows(
        &mut self,
        name: &str,
        mut row: impl FnMut(&[Value<'_>]) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut root = None;
        self.walk(1, &mut |columns| {
            if let [Value::Bytes(b"table"), Value::Bytes(found), _, Value::Integer(page), ..] = columns
                && *found == name.as_bytes()
            {
                root = u32::try_from(*page).ok();
            }
            Ok(())
        })?;
        let root = root.ok_or_else(|| malformed(format!("no table {name}")))?;
        self.walk(root, &mut row)
    }

    fn walk(
        &mut self,
        root: u32,
        row: &mut dyn FnMut(&[Value<'_>]) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut walked = Walked::new(self.pages);
        let mut ahead = vec![root];
        while let Some(number) = ahead.pop() {
            walked.first_time(number)?;
            let page = self.page(number)?;
            let header = if number == 1 { FILE_HEADER_BYTES } else { 0 };
            match page[header] {
                INTERIOR => {
                    let mut children = Vec::new();
                    for cell in cells(&page, header, 12)? {
                        children.push(be32(&page, cell).ok_or_else(cut_cell)?);
                    }
                    children.extend(be32(&page, header + 8));
                    ahead.extend(children.into_iter().rev());
                    if ahead.len() > self.pages as usize {
                        return Err(malformed(format!(
                            "page {number} has more children than there are pages"
                        )));
                    }
                }
                LEAF => {
                    // Cells over one another would let a small page stand for endless rows.
                    let mut room = self.usable;
                    for cell in cells(&page, header, 8)? {
                        let taken = self.cell_bytes(&page, cell)?;
                        room = room
                            .checked_sub(taken)
                            .ok_or_else(|| malformed(format!("cells of page {number} overlap")))?;
                        let payload = self.payload(&page, cell, &mut walked)?;
                        row(&columns(&payload)?)?;
                    }
                }
                kind => return Err(malformed(format!("page {number} is of kind {kind}, not of a table"))),
            }
        }
        Ok(())
    }

    fn page(&mut self, number: u32) -> Result<Vec<u8>, ReadError> {
        if number == 0 || number > self.pages {
            return Err(malformed(format!("page {number} of {}", self.pages)));
        }
        if let Some(page) = self.wal.and_then(|wal| wal.page(number)) {
            return Ok(page.to_vec());
        }
        let mut page = vec![0; self.page_size];
        self.reader.seek(SeekFrom::Start(u64::from(number - 1) * self.page_size as u64))?;
        self.reader.read_exact(&mut page)?;
        Ok(page)
    }

    /// How many bytes a table leaf cell takes of its page.
    fn cell_bytes(&self, page: &[u8], cell: usize) -> Result<usize, ReadError> {
        let (length, rest) = page.get(cell..self.usable).and_then(varint).ok_or_else(cut_cell)?;
        let (_row_id, rest) = varint(rest).ok_or_else(cut_cell)?;
        let local = local_bytes(usize::try_from(length).unwrap_or(usize::MAX), self.usable);
        Ok(self.usable - cell - rest.len() + local)
    }

    /// The content of a table leaf cell, gathered from its overflow pages.
    fn payload(&mut self, page: &[u8], cell: usize, walked: &mut Walked) -> Result<Vec<u8>, ReadError> {
        let rest = page.get(cell..self.usable).ok_or_else(cut_cell)?;
        let (length, rest) = varint(rest).ok_or_else(cut_cell)?;
        let (_row_id, rest) = varint(rest).ok_or_else(cut_cell)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_ROW_BYTES {
            return Err(ReadError::Limit(format!("SQLite: a row has more than {MAX_ROW_BYTES} bytes")));
        }
        let local = local_bytes(length, self.usable);
        let mut payload = rest.get(..local).ok_or_else(cut_cell)?.to_vec();
        let mut next = if local < length { be32(rest, local).ok_or_else(cut_cell)? } else { 0 };
        while payload.len() < length {
            walked.first_time(next)?;
            let page = self.page(next)?;
            let wanted = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(&page[4..4 + wanted]);
            next = be32(&page, 0).unwrap_or(0);
        }
        Ok(payload)
    }
}

/// How much of a payload a leaf keeps before it overflows.
fn local_bytes(length: usize, usable: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fitting = least + (length - least) % (usable - 4);
    if fitting <= most { fitting } else { least }
}

/// Offsets of the cells of a page whose header has `header_bytes`.
fn cells(page: &[u8], header: usize, header_bytes: usize) -> Result<Vec<usize>, ReadError> {
    let count = be16(page, header + 3).unwrap_or(0);
    let first = header + header_bytes;
    let cell = |at: usize| be16(page, first + at * 2).map(usize::from).filter(|offset| *offset >= first);
    (0..usize::from(count))
        .map(|at| cell(at).ok_or_else(|| malformed("cell index beyond its page")))
        .collect()
}

/// A column of a row, as far as rpm's tables need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'p> {
    /// NULL, or a floating-point number.
    Other,
    /// An integer.
    Integer(i64),
    /// Text or a blob.
    Bytes(&'p [u8]),
}

/// Splits a record into its columns, as far as somebody looks at them.
fn columns(record: &[u8]) -> Result<Vec<Value<'_>>, ReadError> {
    let cut = || malformed("row is cut off");
    let (header_bytes, _) = varint(record).ok_or_else(cut)?;
    let header_bytes =
        usize::try_from(header_bytes).ok().filter(|bytes| *bytes <= record.len()).ok_or_else(cut)?;
    let (mut types, mut body) = record.split_at(header_bytes);
    types = varint(types).ok_or_else(cut)?.1;
    let mut columns = Vec::new();
    while !types.is_empty() && columns.len() < MAX_COLUMNS {
        let (kind, rest) = varint(types).ok_or_else(cut)?;
        types = rest;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err(malformed("row with a reserved type")),
            kind => (kind - 12) / 2,
        };
        let size = usize::try_from(size).map_err(|_| cut())?;
        let (value, rest) = body.split_at_checked(size).ok_or_else(cut)?;
        body = rest;
        columns.push(match kind {
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(integer(value)),
            0 | 7 => Value::Other,
            _ => Value::Bytes(value),
        });
    }
    Ok(columns)
}

fn integer(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte))
}

/// A big-endian number of up to nine bytes, seven bits each, the ninth whole.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        if at == 8 {
            return Some((value << 8 | u64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::wal::tests::log;
    use super::*;

    const PAGE: usize = 512;

    /// A varint of any value below 2^28.
    fn number(value: usize) -> Vec<u8> {
        let mut bytes = vec![(value & 0x7f) as u8];
        let mut rest = value >> 7;
        while rest > 0 {
            bytes.insert(0, (rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        bytes
    }

    /// A leaf cell of these columns, without overflow.
    fn cell(columns: &[&[u8]]) -> Vec<u8> {
        let types: Vec<u8> = columns.iter().flat_map(|column| number(column.len() * 2 + 13)).collect();
        let record = [number(types.len() + 1), types, columns.concat()].concat();
        [number(record.len()), number(1), record].concat()
    }

    fn page(start: &[u8], kind: u8, cells: &[Vec<u8>]) -> Vec<u8> {
        let mut page = start.to_vec();
        page.extend([kind, 0, 0, 0, cells.len() as u8, 0, 0, 0]);
        if kind == INTERIOR {
            page.extend([0; 4]);
        }
        let mut end = PAGE;
        for cell in cells {
            end -= cell.len();
            page.extend((end as u16).to_be_bytes());
        }
        page.resize(end, 0);
        cells.iter().rev().for_each(|cell| page.extend_from_slice(cell));
        page
    }

    fn file_header() -> Vec<u8> {
        let mut header = b"SQLite format 3\0".to_vec();
        header.extend([2, 0]);
        header.resize(FILE_HEADER_BYTES, 0);
        header
    }

    /// A file whose table `T` has its root on page 2.
    fn database(pages: &[Vec<u8>]) -> Vec<u8> {
        let mut schema = cell(&[b"table", b"T", b"T", b"", b""]);
        // The root page is an integer of one byte: type 1, value 2, in place of the two empty texts.
        let types = schema.len() - b"tableTT".len() - 2;
        schema[types] = 1;
        schema[types + 1] = 13;
        schema.push(2);
        schema[0] += 1;
        [page(&file_header(), LEAF, &[schema]), pages.concat()].concat()
    }

    fn rows(bytes: &[u8], wal: Option<&Wal<'_>>) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut rows = Vec::new();
        File::open(Cursor::new(bytes), bytes.len() as u64, wal)?.rows("T", |columns| {
            if let Some(Value::Bytes(bytes)) = columns.first() {
                rows.push(bytes.to_vec());
            }
            Ok(())
        })?;
        Ok(rows)
    }

    fn child(page: u32) -> Vec<u8> {
        [page.to_be_bytes().to_vec(), number(1)].concat()
    }

    fn interior(children: &[u32], last: u32) -> Vec<u8> {
        let cells: Vec<_> = children.iter().map(|page| child(*page)).collect();
        let mut page = page(&[], INTERIOR, &cells);
        page[8..12].copy_from_slice(&last.to_be_bytes());
        page
    }

    #[test]
    fn rows_come_in_order_over_interior_pages() {
        let leaf = |text: &[u8]| page(&[], LEAF, &[cell(&[text])]);
        let bytes = database(&[interior(&[4, 5], 3), leaf(b"c"), leaf(b"a"), leaf(b"b")]);
        assert_eq!(rows(&bytes, None).unwrap(), [b"a", b"b", b"c"]);
    }

    #[test]
    fn long_rows_are_gathered_from_overflow_pages() {
        let text: Vec<u8> = (0..1200_u32).map(|n| n as u8).collect();
        let whole = cell(&[&text]);
        let local = local_bytes(whole.len() - 3, PAGE);
        let (kept, spilled) = whole.split_at(3 + local);
        let mut pages = vec![page(&[], LEAF, &[[kept, &3_u32.to_be_bytes()].concat()])];
        let chunks: Vec<_> = spilled.chunks(PAGE - 4).collect();
        for (at, chunk) in chunks.iter().enumerate() {
            let next = if at + 1 < chunks.len() { 4 + at as u32 } else { 0 };
            let mut page = [&next.to_be_bytes()[..], chunk].concat();
            page.resize(PAGE, 0);
            pages.push(page);
        }
        let bytes = database(&pages);
        assert_eq!(rows(&bytes, None).unwrap(), [text]);
        let mut looping = bytes.clone();
        looping[2 * PAGE..2 * PAGE + 4].copy_from_slice(&3_u32.to_be_bytes());
        assert_eq!(rows(&looping, None).unwrap_err().to_string(), "SQLite: page 3 is used twice");
    }

    #[test]
    fn loops_of_pages_end() {
        for (pages, message) in [
            (interior(&[2], 2), "SQLite: page 2 is used twice"),
            (interior(&[], 9), "SQLite: no page 9"),
            (interior(&[], 3), "SQLite: page 3 of 2"),
            (interior(&[], 0), "SQLite: page 0 of 2"),
            (page(&[], 7, &[]), "SQLite: page 2 is of kind 7, not of a table"),
        ] {
            let error = rows(&database(&[pages]), None).unwrap_err().to_string();
            assert!(error == message || message.contains("no page") && error.contains("page 9"), "{error}");
        }
    }

    #[test]
    fn a_row_is_bounded() {
        let with = |length: usize| {
            let cell = [number(length), number(1), vec![0; 400]].concat();
            rows(&database(&[page(&[], LEAF, &[cell])]), None).unwrap_err()
        };
        assert!(matches!(with(MAX_ROW_BYTES + 1), ReadError::Limit(_)));
        assert!(matches!(with(MAX_ROW_BYTES), ReadError::Malformed(_)));
    }

    #[test]
    fn cells_that_overlap_are_refused() {
        let text = [7; 200];
        let with = |count: usize| {
            let mut page = page(&[], LEAF, &[cell(&[&text])]);
            let place = [page[8], page[9]];
            page[4] = count as u8;
            page[8..8 + count * 2].copy_from_slice(&place.repeat(count));
            rows(&database(&[page]), None)
        };
        assert_eq!(with(1).unwrap(), [text]);
        assert_eq!(with(3).unwrap_err().to_string(), "SQLite: cells of page 2 overlap");
    }

    #[test]
    fn a_page_has_no_more_children_than_there_are_pages() {
        let error = rows(&database(&[interior(&[3, 4, 5], 6)]), None).unwrap_err().to_string();
        assert_eq!(error, "SQLite: page 2 has more children than there are pages");
    }

    #[test]
    fn only_the_first_columns_of_a_row_are_read() {
        let record = [number(101), vec![8; 100]].concat();
        assert_eq!(columns(&record).unwrap(), [Value::Integer(0); MAX_COLUMNS]);
    }

    #[test]
    fn committed_pages_of_the_log_win_and_may_lie_beyond_the_file() {
        let leaf = |text: &[u8]| page(&[], LEAF, &[cell(&[text])]);
        let bytes = database(&[leaf(b"old")]);
        let log =
            log(PAGE as u32, &[(2, 0, interior(&[], 3)), (3, 3, leaf(b"new")), (2, 0, leaf(b"undone"))]);
        let wal = Wal::parse(&log).unwrap();
        assert_eq!(rows(&bytes, None).unwrap(), [b"old"]);
        assert_eq!(rows(&bytes, Some(&wal)).unwrap(), [b"new"]);
    }

    #[test]
    fn a_database_cut_anywhere_is_refused_and_never_panics() {
        let bytes = database(&[page(&[], LEAF, &[cell(&[b"row"])])]);
        for length in 0..bytes.len() {
            assert!(rows(&bytes[..length], None).is_err(), "{length}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                let _ = rows(&bytes, None);
            }
        }
    }

    #[test]
    fn numbers_have_up_to_nine_bytes() {
        for (bytes, value) in [
            (&[0x7f][..], Some(0x7f)),
            (&[0x81, 0][..], Some(0x80)),
            (&[0xff; 9][..], Some(u64::MAX)),
            (&[0xff; 8][..], None),
            (&[][..], None),
        ] {
            assert_eq!(varint(bytes).map(|(value, _)| value), value);
        }
        assert_eq!(integer(&[0xff, 0xfe]), -2);
        assert_eq!(integer(&[0x7f, 0xff]), 0x7fff);
    }
}
