//! A tar writer that can be wrong in every way, and a sink that keeps everything.

use std::io::{self, BufRead, Write};

use flate2::write::GzEncoder;
use plimsoll_layer::{EntrySink, Error, Expected, Limits, Verified, read_layer};
use plimsoll_types::{Digest, EntryKind, FileEntry};
use sha2::{Digest as _, Sha256};

/// A header block, field by field. The checksum is set when it is taken.
#[derive(Clone)]
pub(crate) struct Header(pub(crate) [u8; 512]);

impl Header {
    pub(crate) fn v7(name: &str, flag: u8, size: u64) -> Self {
        let mut header = Self([0; 512]).put(0, name.as_bytes()).put(156, &[flag]);
        header = header.put(100, b"0000644\0").put(108, b"0000000\0").put(116, b"0000000\0");
        header.put(124, format!("{size:011o}\0").as_bytes()).put(136, b"00000000017\0")
    }

    pub(crate) fn ustar(name: &str, flag: u8, size: u64) -> Self {
        Self::v7(name, flag, size).put(257, b"ustar\x0000").put(329, b"0000000\x000000000\0")
    }

    pub(crate) fn gnu(name: &str, flag: u8, size: u64) -> Self {
        Self::v7(name, flag, size).put(257, b"ustar  \0")
    }

    pub(crate) fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn link(self, target: &str) -> Self {
        self.put(157, target.as_bytes())
    }

    pub(crate) fn block(self) -> [u8; 512] {
        let header = self.put(148, b"        ");
        let sum: u32 = header.0.iter().map(|byte| u32::from(*byte)).sum();
        header.put(148, format!("{sum:06o}\0 ").as_bytes()).0
    }
}

/// An archive, written block by block.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn header(mut self, header: Header) -> Self {
        self.0.extend(header.block());
        self
    }

    /// Data and the padding after it.
    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn entry(self, header: Header, data: &[u8]) -> Self {
        self.header(header).data(data)
    }

    pub(crate) fn file(self, name: &str, data: &[u8]) -> Self {
        self.entry(Header::ustar(name, b'0', data.len() as u64), data)
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.header(Header::ustar(name, b'5', 0))
    }

    /// An extended header with `records`.
    pub(crate) fn pax(self, flag: u8, records: &[(&str, &[u8])]) -> Self {
        self.raw_pax(flag, &records.iter().flat_map(|(key, value)| record(key, value)).collect::<Vec<_>>())
    }

    pub(crate) fn raw_pax(self, flag: u8, data: &[u8]) -> Self {
        self.entry(Header::ustar("PaxHeaders/x", flag, data.len() as u64), data)
    }

    /// A GNU long name or link.
    pub(crate) fn long(self, flag: u8, text: &[u8]) -> Self {
        self.entry(Header::gnu("././@LongLink", flag, text.len() as u64 + 1), &[text, b"\0"].concat())
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// `LENGTH KEY=VALUE\n`, whose length counts its own digits.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// Keeps entries, contents and ambiguities.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) entries: Vec<(FileEntry, Vec<u8>)>,
    pub(crate) ambiguities: Vec<String>,
}

impl EntrySink for Kept {
    fn entry(&mut self, entry: FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        let mut content = Vec::new();
        body.read_to_end(&mut content)?;
        self.entries.push((entry, content));
        Ok(())
    }

    fn ambiguity(&mut self, message: String) {
        self.ambiguities.push(message);
    }
}

impl Kept {
    /// Kind and absolute path of every entry.
    pub(crate) fn names(&self) -> Vec<(EntryKind, String)> {
        self.entries.iter().map(|(entry, _)| (entry.kind, entry.path.to_string())).collect()
    }

    pub(crate) fn only(&self) -> &FileEntry {
        assert_eq!(self.entries.len(), 1, "{:?}", self.names());
        &self.entries[0].0
    }
}

/// Counts and reads nothing.
#[derive(Default)]
pub(crate) struct Counting(pub(crate) u64);

impl EntrySink for Counting {
    fn entry(&mut self, _: FileEntry, _: &mut dyn BufRead) -> io::Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn ambiguity(&mut self, _: String) {}
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

/// What an honest manifest says of `blob`.
pub(crate) fn expected(blob: &[u8]) -> Expected {
    Expected { digest: sha256(blob), size: Some(blob.len() as u64), diff_id: None }
}

pub(crate) fn read_with(blob: &[u8], limits: &Limits) -> (Result<Verified, Error>, Kept) {
    let mut kept = Kept::default();
    (read_layer(blob, &expected(blob), limits, &mut kept), kept)
}

/// Reads a good layer.
pub(crate) fn read(blob: &[u8]) -> Kept {
    let (result, kept) = read_with(blob, &Limits::default());
    result.unwrap();
    kept
}

/// Reads a bad layer.
pub(crate) fn refuse(blob: &[u8]) -> Error {
    read_with(blob, &Limits::default()).0.unwrap_err()
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).unwrap()
}
