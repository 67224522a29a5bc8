//! rpm's SQLite databases around any packages.

/// A database of these blobs in pages of one size. Blobs that do not fit are left out.
pub fn database(page_size: usize, blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut header = b"SQLite format 3\0".to_vec();
    header.extend((page_size as u16).to_be_bytes());
    header.resize(100, 0);
    let texts: [&[u8]; 3] = [b"table", b"Packages", b"Packages"];
    let schema = cell(&[23, 29, 29, 1, 13], &[&texts.concat()[..], &[2]].concat());
    let rows: Vec<Vec<u8>> =
        blobs.iter().map(|blob| cell(&[&[0][..], &number(blob.len() * 2 + 12)].concat(), blob)).collect();
    [page(page_size, &header, &[schema]), page(page_size, &[], &rows)].concat()
}

/// A leaf of a table.
fn page(size: usize, start: &[u8], cells: &[Vec<u8>]) -> Vec<u8> {
    let mut page = vec![0; size];
    page[..start.len()].copy_from_slice(start);
    page[start.len()] = 0x0d;
    let (mut count, mut end) = (0_u16, size);
    for cell in cells {
        let pointer = start.len() + 8 + usize::from(count) * 2;
        if cell.len() + 35 < size && pointer + 2 + cell.len() <= end {
            end -= cell.len();
            page[end..end + cell.len()].copy_from_slice(cell);
            page[pointer..pointer + 2].copy_from_slice(&(end as u16).to_be_bytes());
            count += 1;
        }
    }
    page[start.len() + 3..start.len() + 5].copy_from_slice(&count.to_be_bytes());
    page
}

/// A row of columns of these types.
fn cell(types: &[u8], values: &[u8]) -> Vec<u8> {
    let record = [&number(types.len() + 1), types, values].concat();
    [number(record.len()), number(1), record].concat()
}

/// A number of up to four bytes, seven bits each.
fn number(value: usize) -> Vec<u8> {
    let byte = |shift: usize| (value >> shift) as u8 & 0x7f;
    match value {
        0..0x80 => vec![byte(0)],
        0x80..0x4000 => vec![byte(7) | 0x80, byte(0)],
        _ => vec![byte(21) | 0x80, byte(14) | 0x80, byte(7) | 0x80, byte(0)],
    }
}
