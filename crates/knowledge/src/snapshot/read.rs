//! Reading a snapshot: the contents when it is opened, a block when a key in it is asked for. Every byte
//! is checked against the digest before it is decoded.

use std::fs::File;
use std::io::Seek as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use plimsoll_types::Digest;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::matching::Memo;
use crate::snapshot::format::{
    BadHeader, Block, Contents, FORMAT, HEADER, Header, MAX_BLOCK, MAX_CONTENTS, sha256,
};
use crate::snapshot::{EcosystemInfo, Info};

/// An opened snapshot. Cheap to share: reads are positioned and take `&self`. Keeps the
/// answers it has given more than once, in 64 MiB at most.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    path: PathBuf,
    digest: Digest,
    contents: Contents,
    memo: Memo,
}

/// The tables of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    Records,
    Packages,
    Ratings,
}

impl Snapshot {
    /// Opens a snapshot file. Reads its header and contents, nothing else.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let size = file.metadata().map_err(Error::io("open", path))?.len();
        let mut header = [0; HEADER as usize];
        if size < HEADER {
            return Err(Error::NotASnapshot { path: path.to_owned() });
        }
        file.read_exact_at(&mut header, 0).map_err(Error::io("read", path))?;
        let header = Header::decode(&header).map_err(|bad| match bad {
            BadHeader::Magic => Error::NotASnapshot { path: path.to_owned() },
            BadHeader::Format(found) => {
                Error::FormatVersion { path: path.to_owned(), found, supported: FORMAT }
            }
        })?;
        let damaged = |what: &str| Error::Damaged { path: path.to_owned(), what: what.to_owned() };
        let end = header.offset.checked_add(header.length);
        if header.length > MAX_CONTENTS || end.is_none_or(|end| end > size) {
            return Err(damaged("it is cut short"));
        }
        let bytes = read(&file, header.offset, header.length as usize).map_err(Error::io("read", path))?;
        if sha256(&bytes) != *header.digest.as_bytes() {
            return Err(damaged("its contents do not have its digest"));
        }
        let contents = postcard::from_bytes(&bytes).map_err(|_| damaged("its contents do not decode"))?;
        Ok(Self { file, path: path.to_owned(), digest: header.digest, contents, memo: Memo::default() })
    }

    /// What identifies it: the same advisories make the same digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file itself, from its first byte; also if another one has taken its place since. Whoever reads it shares its
    /// position with every other file this gave.
    pub fn file(&self) -> Result<File, Error> {
        let mut file = self.file.try_clone().map_err(Error::io("open", &self.path))?;
        file.rewind().map_err(Error::io("read", &self.path))?;
        Ok(file)
    }

    /// What it knows.
    pub fn info(&self) -> Info {
        Info {
            digest: self.digest,
            created: self.contents.created.and_then(rfc3339),
            records: self.contents.records_total,
            ecosystems: self.contents.ecosystems.clone(),
        }
    }

    /// Reads and checks every block.
    ///
    /// Opening does not: a block that was damaged since is found when it is needed.
    pub fn verify(&self) -> Result<(), Error> {
        for table in [Table::Records, Table::Packages, Table::Ratings] {
            for block in self.blocks(table) {
                self.block(block)?;
            }
        }
        Ok(())
    }

    /// What it has answered before.
    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    pub(crate) fn ecosystems(&self) -> &[EcosystemInfo] {
        &self.contents.ecosystems
    }

    fn blocks(&self, table: Table) -> &[Block] {
        match table {
            Table::Records => &self.contents.records,
            Table::Packages => &self.contents.packages,
            Table::Ratings => &self.contents.ratings,
        }
    }

    fn block(&self, block: &Block) -> Result<Vec<u8>, Error> {
        let damaged = |what: String| self.damaged(format!("the block at byte {} {what}", block.offset));
        if block.length > MAX_BLOCK {
            return Err(damaged(format!("says it has {} bytes", block.length)));
        }
        let bytes =
            read(&self.file, block.offset, block.length as usize).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => damaged("is cut short".to_owned()),
                _ => Error::io("read", &self.path)(error),
            })?;
        if sha256(&bytes) != block.sha256 {
            return Err(damaged("does not have its checksum".to_owned()));
        }
        Ok(bytes)
    }

    pub(crate) fn damaged(&self, what: String) -> Error {
        Error::Damaged { path: self.path.clone(), what }
    }

    fn undecodable(&self, block: &Block) -> Error {
        self.damaged(format!("the block at byte {} does not decode", block.offset))
    }
}

/// Looks keys of one table up; keys asked for in order cost each block once.
pub(crate) struct Cursor<'s> {
    snapshot: &'s Snapshot,
    table: Table,
    loaded: Option<(usize, Vec<u8>)>,
}

impl<'s> Cursor<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, table: Table) -> Self {
        Self { snapshot, table, loaded: None }
    }

    /// The value of a key, if the table has it.
    pub(crate) fn get<T: DeserializeOwned>(&mut self, key: &[u8]) -> Result<Option<T>, Error> {
        let blocks = self.snapshot.blocks(self.table);
        let after = blocks.partition_point(|block| *block.first <= *key);
        let Some(index) = after.checked_sub(1) else { return Ok(None) };
        let block = &blocks[index];
        let bytes = match self.loaded.take() {
            Some((loaded, bytes)) if loaded == index => bytes,
            _ => self.snapshot.block(block)?,
        };
        let value = find(&bytes, key).map_err(|_| self.snapshot.undecodable(block));
        self.loaded = Some((index, bytes));
        value
    }
}

fn find<T: DeserializeOwned>(block: &[u8], key: &[u8]) -> Result<Option<T>, postcard::Error> {
    let pairs: Vec<(&[u8], &[u8])> = postcard::from_bytes(block)?;
    match pairs.binary_search_by(|(candidate, _)| (*candidate).cmp(key)) {
        Ok(at) => postcard::from_bytes(pairs[at].1).map(Some),
        Err(_) => Ok(None),
    }
}

/// Reads exactly so many bytes. The memory is taken as the bytes arrive, not on the file's word.
fn read(file: &File, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    const STEP: usize = 1 << 20;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let done = bytes.len();
        bytes.resize(done + (length - done).min(STEP), 0);
        let at = offset.checked_add(done as u64).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        file.read_exact_at(&mut bytes[done..], at)?;
    }
    Ok(bytes)
}

/// An instant as text.
fn rfc3339(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|instant| instant.to_string())
}
