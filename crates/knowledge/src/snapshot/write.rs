//! Writing a snapshot: blocks in the order of their keys, then the contents, then the header.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use plimsoll_types::Digest;
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::Error;
use crate::snapshot::format::{Block, Contents, HEADER, Header, MAX_BLOCK, MAX_CONTENTS, sha256};

/// Bytes at which a block is closed. Reading one key costs reading and hashing one block, and each block
/// costs about 80 bytes of contents, which are read at every start: 4 KiB is where the two balance.
const BLOCK: usize = 4 << 10;

/// Writes a file beside its target and moves it there when it is whole.
pub(crate) struct Writer {
    file: std::io::BufWriter<NamedTempFile>,
    target: PathBuf,
    offset: u64,
}

impl Writer {
    /// Begins beside `target`, or beside the file it links to: who links to a snapshot keeps the link.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        let target = &std::fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        if std::fs::metadata(target).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return Err(Error::NoRegularFile { path: target.clone() });
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        // The error names the temporary file, which nobody asked for; most often its folder is not there.
        let why =
            |error: std::io::Error| std::fs::metadata(folder).err().unwrap_or_else(|| error.kind().into());
        let file = NamedTempFile::new_in(folder).map_err(|error| Error::io("write", target)(why(error)))?;
        let mut writer = Self { file: std::io::BufWriter::new(file), target: target.to_owned(), offset: 0 };
        writer.append(&[0; HEADER as usize])?;
        Ok(writer)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.target))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Writes a table. The pairs must come in the order of their keys, each key once.
    pub(crate) fn table<T: Serialize>(
        &mut self,
        pairs: impl Iterator<Item = (Vec<u8>, T)>,
    ) -> Result<Vec<Block>, Error> {
        let mut blocks = Vec::new();
        let mut open: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut size = 0;
        for (key, value) in pairs {
            let value = encode(&value)?;
            if !open.is_empty() && size + key.len() + value.len() > BLOCK {
                blocks.push(self.block(&open)?);
                open.clear();
                size = 0;
            }
            size += key.len() + value.len() + 4;
            open.push((key, value));
        }
        if !open.is_empty() {
            blocks.push(self.block(&open)?);
        }
        Ok(blocks)
    }

    fn block(&mut self, pairs: &[(Vec<u8>, Vec<u8>)]) -> Result<Block, Error> {
        let bytes = encode(pairs)?;
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_BLOCK);
        let length = length.ok_or_else(|| Error::Encode("one package has too many advisories".to_owned()))?;
        let first = pairs.first().map(|(key, _)| key.as_slice().into()).unwrap_or_default();
        let block = Block { first, offset: self.offset, length, sha256: sha256(&bytes) };
        self.append(&bytes)?;
        Ok(block)
    }

    /// Writes contents and header and moves the file to its place.
    pub(crate) fn finish(mut self, contents: &Contents) -> Result<Digest, Error> {
        let bytes = encode(contents)?;
        if bytes.len() as u64 > MAX_CONTENTS {
            return Err(Error::Encode("the table of contents is too large".to_owned()));
        }
        let digest = Digest::from_bytes(sha256(&bytes));
        let header = Header { offset: self.offset, length: bytes.len() as u64, digest };
        self.append(&bytes)?;
        let failed = Error::io("write", &self.target);
        let mut write_header = || {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header.encode())?;
            self.file.flush()?;
            self.file.get_ref().as_file().sync_all()
        };
        write_header().map_err(failed)?;
        let file =
            self.file.into_inner().map_err(|error| Error::io("write", &self.target)(error.into_error()))?;
        readable_by_all(&file).map_err(Error::io("write", &self.target))?;
        file.persist(&self.target).map_err(|error| Error::io("write", &self.target)(error.error))?;
        Ok(digest)
    }
}

/// Temporary files are private; a snapshot is for every user of the machine.
fn readable_by_all(file: &NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    postcard::to_stdvec(value).map_err(|error| Error::Encode(error.to_string()))
}
