//! One 512-byte header block (POSIX.1-1988 ustar, old GNU, star, v7).

use super::number::{numeric, octal, text};
use crate::TarFault;

pub(super) const BLOCK: usize = 512;
pub(super) type Block = [u8; BLOCK];

/// The type flags that mean something here.
pub(super) mod flag {
    pub(crate) const OLD_FILE: u8 = 0;
    pub(crate) const FILE: u8 = b'0';
    pub(crate) const HARD_LINK: u8 = b'1';
    pub(crate) const SYMLINK: u8 = b'2';
    pub(crate) const CHAR_DEVICE: u8 = b'3';
    pub(crate) const BLOCK_DEVICE: u8 = b'4';
    pub(crate) const DIRECTORY: u8 = b'5';
    pub(crate) const FIFO: u8 = b'6';
    pub(crate) const CONTIGUOUS: u8 = b'7';
    pub(crate) const GNU_LONG_LINK: u8 = b'K';
    pub(crate) const GNU_LONG_NAME: u8 = b'L';
    pub(crate) const GNU_SPARSE: u8 = b'S';
    pub(crate) const PAX_GLOBAL: u8 = b'g';
    pub(crate) const PAX_LOCAL: u8 = b'x';
}

/// Which dialect a header is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// The fields of a header, numbers as they stand there.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) flag: u8,
    pub(super) format: Format,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) size: i64,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) mtime: i64,
    pub(super) device: (i64, i64),
}

impl Header {
    pub(super) fn parse(block: &Block) -> Result<Self, TarFault> {
        if !checksum_matches(block) {
            return Err(TarFault::Checksum);
        }
        let format = format(block);
        let mut header = Self {
            flag: block[156],
            format,
            name: text(&block[..100]).to_vec(),
            link: text(&block[157..257]).to_vec(),
            size: numeric(&block[124..136], "size")?,
            mode: numeric(&block[100..108], "mode")?,
            uid: numeric(&block[108..116], "uid")?,
            gid: numeric(&block[116..124], "gid")?,
            mtime: numeric(&block[136..148], "mtime")?,
            device: (0, 0),
        };
        if format != Format::V7 {
            header.device = (numeric(&block[329..337], "devmajor")?, numeric(&block[337..345], "devminor")?);
        }
        let prefix = prefix(block, format)?;
        if !prefix.is_empty() {
            header.name = [prefix, b"/", &header.name].concat();
        }
        Ok(header)
    }

    /// Types 1 to 6 have no data, whatever their size field says.
    pub(super) fn is_header_only(&self) -> bool {
        (flag::HARD_LINK..=flag::FIFO).contains(&self.flag)
    }

    /// Bytes of data that follow.
    pub(super) fn data_len(&self) -> Result<u64, TarFault> {
        if self.is_header_only() {
            return Ok(0);
        }
        u64::try_from(self.size).map_err(|_| TarFault::NegativeSize)
    }
}

/// The sum over all bytes, the checksum's own taken as spaces; some old tars summed signed bytes.
fn checksum_matches(block: &Block) -> bool {
    let Ok(stated) = octal(&block[148..156], "checksum") else { return false };
    let sum = |value: fn(&u8) -> i64| {
        let all: i64 = block.iter().map(value).sum();
        let own: i64 = block[148..156].iter().map(value).sum();
        all - own + 8 * i64::from(b' ')
    };
    stated == sum(|byte| i64::from(*byte)) || stated == sum(|byte| i64::from(byte.cast_signed()))
}

fn format(block: &Block) -> Format {
    match (&block[257..263], &block[263..265]) {
        (b"ustar\0", _) if block[508..] == *b"tar\0" => Format::Star,
        (b"ustar\0", _) => Format::Ustar,
        (b"ustar ", b" \0") => Format::Gnu,
        _ => Format::V7,
    }
}

/// The directory part that did not fit the name field.
fn prefix(block: &Block, format: Format) -> Result<&[u8], TarFault> {
    match format {
        Format::V7 => Ok(&[]),
        Format::Ustar => Ok(text(&block[345..500])),
        Format::Star => {
            numeric(&block[476..488], "atime")?;
            numeric(&block[488..500], "ctime")?;
            Ok(text(&block[345..476]))
        }
        // Old GNU has times where ustar has a prefix. Go before 1.8 wrote a prefix there nevertheless, so
        // Go's reader takes what cannot be times for one (golang.org/issue/21005).
        Format::Gnu => {
            let broken = |field: &[u8]| field[0] != 0 && numeric(field, "time").is_err();
            let prefix = text(&block[345..500]);
            let taken = (broken(&block[345..357]) || broken(&block[357..369])) && prefix.is_ascii();
            Ok(if taken { prefix } else { &[] })
        }
    }
}
