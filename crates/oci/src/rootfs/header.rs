//! Tar headers with pax records (POSIX.1-2001, pax; extended attributes as Go's archive/tar and GNU tar
//! write them).

pub(super) const BLOCK: usize = 512;

/// Type flags.
pub(super) mod flag {
    pub(in super::super) const FILE: u8 = b'0';
    pub(in super::super) const HARD_LINK: u8 = b'1';
    pub(in super::super) const SYMLINK: u8 = b'2';
    pub(in super::super) const CHAR: u8 = b'3';
    pub(in super::super) const BLOCK: u8 = b'4';
    pub(in super::super) const DIRECTORY: u8 = b'5';
    pub(in super::super) const FIFO: u8 = b'6';
    const PAX: u8 = b'x';
    pub(super) const EXTENDED: u8 = PAX;
}

/// Name and value of an extended attribute.
pub(super) type Xattr = (Vec<u8>, Vec<u8>);

/// One entry, before it is written.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) flag: u8,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) mtime: i64,
    pub(super) major: u32,
    pub(super) minor: u32,
    /// Sorted by name.
    pub(super) xattrs: Vec<Xattr>,
}

impl Entry {
    /// The blocks that come before the entry's content: a pax header if anything does not fit, and the header.
    pub(super) fn blocks(&self) -> Vec<u8> {
        let mut records = Vec::new();
        if self.name.len() > 100 {
            record(&mut records, b"path", &self.name);
        }
        if self.link.len() > 100 {
            record(&mut records, b"linkpath", &self.link);
        }
        for (key, value, digits) in
            [("uid", u64::from(self.uid), 7), ("gid", u64::from(self.gid), 7), ("size", self.size, 11)]
        {
            if value >> (3 * digits) != 0 {
                record(&mut records, key.as_bytes(), value.to_string().as_bytes());
            }
        }
        if self.mtime < 0 || self.mtime >> 33 != 0 {
            record(&mut records, b"mtime", self.mtime.to_string().as_bytes());
        }
        for (name, value) in &self.xattrs {
            record(&mut records, &[b"SCHILY.xattr.", &name[..]].concat(), value);
        }
        let mut blocks = Vec::with_capacity(BLOCK);
        if !records.is_empty() {
            let extended = Self {
                flag: flag::EXTENDED,
                name: b"pax".to_vec(),
                mode: 0o644,
                size: records.len() as u64,
                ..Self::default()
            };
            blocks.extend_from_slice(&extended.header());
            blocks.extend_from_slice(&records);
            blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        }
        blocks.extend_from_slice(&self.header());
        blocks
    }

    fn header(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        text(&mut block[..100], &self.name);
        octal(&mut block[100..108], u64::from(self.mode));
        octal(&mut block[108..116], u64::from(self.uid));
        octal(&mut block[116..124], u64::from(self.gid));
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], u64::try_from(self.mtime).unwrap_or(0));
        block[148..156].fill(b' ');
        block[156] = self.flag;
        text(&mut block[157..257], &self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut block[329..337], u64::from(self.major));
        octal(&mut block[337..345], u64::from(self.minor));
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        octal(&mut block[148..155], sum);
        block
    }
}

/// As much as fits; what does not is in a pax record.
fn text(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Digits and a NUL; zero if it does not fit, for then a pax record says it.
fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let value = if value >> (3 * digits).min(63) == 0 { value } else { 0 };
    for (at, byte) in field[..digits].iter_mut().rev().enumerate() {
        *byte = b'0' + (value >> (3 * at).min(63) & 7) as u8;
    }
    field[digits] = 0;
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while body + decimal_digits(length) != length {
        length = body + decimal_digits(length);
    }
    records.extend_from_slice(length.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        for value_length in 0..2000 {
            let mut records = Vec::new();
            record(&mut records, b"k", &vec![b'v'; value_length]);
            let stated = records.split(|byte| *byte == b' ').next().unwrap();
            assert_eq!(std::str::from_utf8(stated).unwrap().parse(), Ok(records.len()));
        }
    }

    #[test]
    fn what_fits_needs_no_pax_header() {
        let fits = Entry {
            name: vec![b'n'; 100],
            link: vec![b'l'; 100],
            uid: 0o7_777_777,
            size: 0o77_777_777_777,
            mtime: 0o77_777_777_777,
            ..Entry::default()
        };
        assert_eq!(fits.blocks().len(), BLOCK);
        for larger in [
            Entry { name: vec![b'n'; 101], ..Entry::default() },
            Entry { link: vec![b'n'; 101], ..Entry::default() },
            Entry { gid: 0o10_000_000, ..Entry::default() },
            Entry { size: 0o100_000_000_000, ..Entry::default() },
            Entry { mtime: -1, ..Entry::default() },
            Entry { mtime: 0o100_000_000_000, ..Entry::default() },
            Entry { xattrs: vec![(b"user.a".to_vec(), Vec::new())], ..Entry::default() },
        ] {
            assert_eq!(larger.blocks().len(), 3 * BLOCK, "{larger:?}");
        }
    }
}
