//! Tar headers, as far as finding members needs them (POSIX pax, GNU long names).

/// Size of a header, and what content is padded to.
pub(super) const BLOCK: usize = 512;

/// Longest name or link target.
pub(super) const MAX_NAME: usize = 4096;

pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) size: u64,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    HardLink,
    Symlink,
    /// Directories, devices and pipes: no content, whatever the size says.
    HeaderOnly,
    Pax,
    PaxGlobal,
    GnuName,
    GnuLink,
    GnuSparse,
    Unknown,
}

impl Header {
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, &'static str> {
        let stated = octal(&block[148..156]).ok_or("no tar header where one should be")?;
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(i, b)| u64::from(if (148..156).contains(&i) { b' ' } else { *b }))
            .sum();
        if sum != stated {
            return Err("no tar header where one should be");
        }
        let mut name = text(&block[..100]).to_vec();
        let prefix = text(&block[345..500]);
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let kind = match block[156] {
            b'0' | 0 | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3'..=b'6' => Kind::HeaderOnly,
            b'x' => Kind::Pax,
            b'g' => Kind::PaxGlobal,
            b'L' => Kind::GnuName,
            b'K' => Kind::GnuLink,
            b'S' => Kind::GnuSparse,
            _ => Kind::Unknown,
        };
        let size = number(&block[124..136]).ok_or("a size that is no number")?;
        Ok(Self { name, link: text(&block[157..257]).to_vec(), size, kind })
    }
}

/// The pax records that matter here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PaxRecords {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

impl PaxRecords {
    /// Reads `LENGTH KEY=VALUE\n` records.
    pub(super) fn parse(mut content: &[u8]) -> Result<Self, &'static str> {
        const BAD: &str = "a malformed pax header";
        let mut records = Self::default();
        while !content.is_empty() {
            let space = content.iter().take(20).position(|byte| *byte == b' ').ok_or(BAD)?;
            let length: usize =
                std::str::from_utf8(&content[..space]).ok().and_then(|text| text.parse().ok()).ok_or(BAD)?;
            let record = content.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or(BAD)?;
            content = &content[length..];
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(BAD)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            if value.len() > MAX_NAME && matches!(key, b"path" | b"linkpath") {
                return Err("a name longer than 4096 bytes");
            }
            match key {
                b"path" => records.path = Some(value.to_vec()),
                b"linkpath" => records.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    records.size = Some(size.ok_or(BAD)?);
                }
                _ => {}
            }
        }
        Ok(records)
    }
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal, or GNU's base 256. Negative numbers are none.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, rest @ ..] => {
            let (high, low) = rest.split_at(rest.len().checked_sub(8)?);
            let low: [u8; 8] = low.try_into().ok()?;
            high.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(low))
        }
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text(field)).ok()?.trim_matches(' ');
    if digits.is_empty() {
        return Some(0);
    }
    // `from_str_radix` would take a sign.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| u64::from_str_radix(digits, 8).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256_and_never_negative() {
        let base256 = [&[0x80, 0, 0, 0][..], &(1_u64 << 40).to_be_bytes()].concat();
        for (field, value) in [
            (&b"00000000017\0"[..], Some(15)),
            (b"   17 \0", Some(15)),
            (b"\0", Some(0)),
            (b"-17\0", None),
            (b"+17\0", None),
            (b"19\0", None),
            (&base256, Some(1 << 40)),
            (&[0xff; 12], None),
            (&[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None),
        ] {
            assert_eq!(number(field), value, "{field:?}");
        }
    }

    #[test]
    fn pax_records_are_read_by_their_length() {
        let records = PaxRecords::parse(b"12 path=a\nb\n11 size=10\n6 x=y\n").unwrap();
        let path = Some(b"a\nb".to_vec());
        assert_eq!(records, PaxRecords { path, link: None, size: Some(10) });
        for bad in
            [&b"x"[..], b"5 path=a\n", b"99 path=a\n", b"0 a=b\n", b"11 size=-1\n", b"6 abcd", b"-1 a=b\n"]
        {
            assert!(PaxRecords::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = PaxRecords::parse(&bytes);
            let mut block = [0; BLOCK];
            block.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
            let _ = Header::parse(&block);
        }
    }
}
