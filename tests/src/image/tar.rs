//! Tar, written by hand so that a test can write what no library would.

/// Everything in a tar is a multiple of this.
pub const BLOCK: usize = 512;

/// One 512-byte header; every field may be set to nonsense.
#[derive(Clone)]
pub struct Header(pub [u8; BLOCK]);

impl Header {
    /// A ustar header of `kind` with a name of at most 100 bytes (the rest is cut off).
    pub fn new(name: &[u8], kind: u8, size: u64) -> Self {
        let mut header = Self([0; BLOCK]);
        header.bytes(0, 100, name);
        header.octal(100, 8, 0o644);
        header.octal(108, 8, 0);
        header.octal(116, 8, 0);
        header.octal(124, 12, size);
        header.octal(136, 12, 0);
        header.0[156] = kind;
        header.bytes(257, 8, b"ustar\x0000");
        header.octal(329, 8, 0);
        header.octal(337, 8, 0);
        header
    }

    /// Puts `value` into the field of `length` bytes at `at`, cut off if it is longer.
    pub fn bytes(&mut self, at: usize, length: usize, value: &[u8]) -> &mut Self {
        let field = &mut self.0[at..at + length];
        field.fill(0);
        let most = value.len().min(length);
        field[..most].copy_from_slice(&value[..most]);
        self
    }

    /// Puts an octal number into a field; in base 256, as GNU does, if it has too many digits.
    pub fn octal(&mut self, at: usize, length: usize, value: u64) -> &mut Self {
        let digits = length - 1;
        if u32::try_from(digits * 3).is_ok_and(|bits| bits < 64 && value >> bits != 0) {
            let mut field = vec![0; length];
            field[length - 8..].copy_from_slice(&value.to_be_bytes());
            field[0] |= 0x80;
            return self.bytes(at, length, &field);
        }
        self.bytes(at, length, format!("{value:0digits$o}").as_bytes())
    }

    /// The header with its checksum.
    pub fn sealed(mut self) -> [u8; BLOCK] {
        self.0[148..156].fill(b' ');
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.bytes(148, 8, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

/// Content and the zeros that fill its last block.
pub(super) fn padded(content: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    bytes.resize(content.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// A PAX extended header (type `x`) with these records.
pub(super) fn pax(records: &[(String, Vec<u8>)]) -> Vec<u8> {
    let content: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
    let mut bytes = Header::new(b"PaxHeaders/entry", b'x', content.len() as u64).sealed().to_vec();
    bytes.extend(padded(&content));
    bytes
}

/// `<length> <key>=<value>\n`, where the length counts its own digits.
fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if rest + length.to_string().len() > length {
        length += 1;
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        for value in [0, 1, 5, 88, 89, 90, 91, 980, 990, 1000] {
            let record = pax_record("k", &vec![b'x'; value]);
            let digits = record.split(|byte| *byte == b' ').next().unwrap();
            assert_eq!(String::from_utf8_lossy(digits), record.len().to_string());
        }
    }

    #[test]
    fn numbers_beyond_octal_are_written_in_base_256() {
        let mut header = Header::new(b"x", b'0', 1 << 40);
        assert_eq!(header.0[124] & 0x80, 0x80);
        header.octal(124, 12, 8);
        assert_eq!(&header.0[124..136], b"00000000010\0");
    }
}
