//! A tar with an image in it, read by offset.
//!
//! Only the headers are read when it is opened, so an archive of any size costs a seek per member, and a
//! layer in it is streamed from where it lies.

mod header;

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use plimsoll_types::PathBytes;

use crate::blocking::{open_regular, run, stream_range};
use crate::{BlobStream, Error};
use header::{BLOCK, Header, Kind, MAX_NAME, PaxRecords};

/// Bytes of one extended header.
const MAX_EXTENSION: u64 = 1 << 20;

/// Bytes of all names together.
const MAX_NAMES: usize = 32 << 20;

/// Links followed to find a member.
const MAX_LINKS: usize = 8;

/// An opened archive and where its members are.
#[derive(Debug)]
pub(crate) struct TarFile {
    path: PathBuf,
    file: Arc<File>,
    members: HashMap<PathBytes, Member>,
}

#[derive(Debug)]
enum Member {
    File(Extent),
    Link(PathBytes),
    Other,
}

/// Where the bytes of a member are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

impl TarFile {
    /// Opens `path` and lists its members. Of two members with one name the last wins, as it would on disk.
    pub(crate) async fn open(path: PathBuf, max_members: usize) -> Result<Self, Error> {
        run(&path.clone(), move || {
            if path.is_dir() {
                let why = "it is a directory; name it oci:DIR, or rootfs:DIR if it is no image layout";
                return Err(Error::BadArchive { path, why: why.to_owned() });
            }
            let file = Arc::new(open_regular(&path)?);
            let members = Scan::new(&path, &file, max_members)?.run()?;
            Ok(Self { path, file, members })
        })
        .await
    }

    /// The archive's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the regular file `name` is, through symbolic and hard links: `docker save` wrote a layer that
    /// occurs twice as a link to its other place.
    pub(crate) fn find(&self, name: &str) -> Option<Extent> {
        let mut name = PathBytes::from(name);
        for _ in 0..=MAX_LINKS {
            match self.members.get(&name)? {
                Member::File(extent) => return Some(*extent),
                Member::Link(target) => name = target.clone(),
                Member::Other => return None,
            }
        }
        None
    }

    /// True if anything has this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.members.contains_key(&PathBytes::from(name))
    }

    /// The member `name`, at most `limit` bytes; `None` if there is none.
    pub(crate) async fn read(&self, name: &str, limit: u64) -> Result<Option<Bytes>, Error> {
        let Some(extent) = self.find(name) else { return Ok(None) };
        if extent.size > limit {
            let what = format!("{name} in {}", self.path.display());
            return Err(Error::TooLarge { what, limit, unit: "bytes" });
        }
        self.read_at(extent).await.map(Some)
    }

    /// The first bytes of `extent`, at most `count`.
    pub(crate) async fn head(&self, extent: Extent, count: u64) -> Result<Bytes, Error> {
        self.read_at(Extent { size: extent.size.min(count), ..extent }).await
    }

    async fn read_at(&self, extent: Extent) -> Result<Bytes, Error> {
        let (path, file) = (self.path.clone(), Arc::clone(&self.file));
        run(&self.path, move || {
            let mut bytes = vec![0; extent.size as usize];
            file.read_exact_at(&mut bytes, extent.offset).map_err(|source| Error::io(&path, source))?;
            Ok(bytes.into())
        })
        .await
    }

    /// The bytes of `extent` as a stream.
    pub(crate) fn stream(&self, extent: Extent) -> BlobStream {
        stream_range(self.path.clone(), Arc::clone(&self.file), extent.offset, extent.size)
    }
}

/// One pass over the headers.
struct Scan<'a> {
    path: &'a Path,
    file: &'a File,
    length: u64,
    at: u64,
    max_members: usize,
    names: usize,
    members: HashMap<PathBytes, Member>,
}

impl<'a> Scan<'a> {
    fn new(path: &'a Path, file: &'a File, max_members: usize) -> Result<Self, Error> {
        let length = file.metadata().map_err(|source| Error::io(path, source))?.len();
        Ok(Self { path, file, length, at: 0, max_members, names: 0, members: HashMap::new() })
    }

    fn run(mut self) -> Result<HashMap<PathBytes, Member>, Error> {
        self.refuse_compressed()?;
        let mut pax = PaxRecords::default();
        let (mut long_name, mut long_link) = (None, None);
        while let Some(header) = self.next_header()? {
            let size = pax.size.unwrap_or(header.size);
            match header.kind {
                Kind::Pax => pax = PaxRecords::parse(&self.extension(size)?).map_err(|why| self.bad(why))?,
                Kind::GnuName => long_name = Some(self.long_name(size)?),
                Kind::GnuLink => long_link = Some(self.long_name(size)?),
                Kind::PaxGlobal => self.skip(size)?,
                Kind::GnuSparse => return Err(self.bad("it has a GNU sparse member")),
                kind => {
                    let PaxRecords { path, link, .. } = std::mem::take(&mut pax);
                    let name = path.or(long_name.take()).unwrap_or(header.name);
                    let link = link.or(long_link.take()).unwrap_or(header.link);
                    self.member(kind, PathBytes::clean(&name), &link, size)?;
                }
            }
        }
        Ok(self.members)
    }

    fn member(&mut self, kind: Kind, name: PathBytes, link: &[u8], size: u64) -> Result<(), Error> {
        self.names += name.as_bytes().len() + link.len();
        if self.members.len() >= self.max_members || self.names > MAX_NAMES {
            let what = self.path.display().to_string();
            return Err(Error::TooLarge { what, limit: self.max_members as u64, unit: "archive members" });
        }
        let member = match kind {
            Kind::File => {
                let extent = Extent { offset: self.at, size };
                self.skip(size)?;
                Member::File(extent)
            }
            Kind::Symlink => Member::Link(match link.first() {
                Some(b'/') => PathBytes::clean(link),
                _ => name.parent().join(link),
            }),
            Kind::HardLink => Member::Link(PathBytes::clean(link)),
            Kind::HeaderOnly => Member::Other,
            _ => {
                self.skip(size)?;
                Member::Other
            }
        };
        self.members.insert(name, member);
        Ok(())
    }

    /// The next header; `None` at the end of the archive. Go's reader takes a missing trailer for an end, too.
    fn next_header(&mut self) -> Result<Option<Header>, Error> {
        if self.at >= self.length {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        self.read(&mut block)?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        Header::parse(&block).map(Some).map_err(|why| self.bad(why))
    }

    /// The content of an extended header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        if size > MAX_EXTENSION {
            return Err(self.bad("an extended header is larger than 1 MiB"));
        }
        let start = self.at;
        let mut content = vec![0; size as usize];
        self.read(&mut content)?;
        self.at = start;
        self.skip(size)?;
        Ok(content)
    }

    /// A GNU long name: the content up to its NUL.
    fn long_name(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        let mut name = self.extension(size)?;
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
        if name.len() > MAX_NAME {
            return Err(self.bad("a name longer than 4096 bytes"));
        }
        Ok(name)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.file.read_exact_at(buffer, self.at).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => self.bad("it is cut off"),
            _ => Error::io(self.path, source),
        })?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    /// Passes over `size` bytes and their padding, all of which must be there but for the padding.
    fn skip(&mut self, size: u64) -> Result<(), Error> {
        let end = self.at.checked_add(size).filter(|end| *end <= self.length);
        let end = end.ok_or_else(|| self.bad("it is cut off"))?;
        self.at = end.next_multiple_of(BLOCK as u64);
        Ok(())
    }

    fn refuse_compressed(&self) -> Result<(), Error> {
        let mut magic = [0; 6];
        let read = self.file.read_at(&mut magic, 0).map_err(|source| Error::io(self.path, source))?;
        let (format, tool) = match &magic[..read] {
            [0x1f, 0x8b, ..] => ("gzip", "gunzip"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => ("zstd", "unzstd"),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => ("xz", "unxz"),
            [b'B', b'Z', b'h', ..] => ("bzip2", "bunzip2"),
            [] => return Err(self.bad("it is empty")),
            _ => return Ok(()),
        };
        Err(Error::Unsupported {
            what: self.path.display().to_string(),
            why: format!(
                "the archive as a whole is {format}-compressed, so its parts cannot be found; run {tool} first"
            ),
        })
    }

    fn bad(&self, why: &str) -> Error {
        Error::BadArchive { path: self.path.to_owned(), why: format!("{why} (at byte {})", self.at) }
    }
}

#[cfg(test)]
pub(crate) mod tests;
