//! The seam of this crate: one implementation per package format or fact.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use plimsoll_types::{ContentKind, PathBytes, Section};

/// One kind of fact that can be read from single files of a layer.
///
/// An analyzer is a unit struct in a file of its own below `analyzers/`, named in
/// [`crate::analyzers::ALL`]. It opens nothing, keeps no state outside `section` and `scratch`, and is a pure
/// function of the files it is shown: the same layer gives the same section, byte for byte. Changing what it
/// reports means raising [`Analyzer::version`].
pub trait Analyzer: Send + Sync {
    /// Stable id, `<ecosystem>/<format>`.
    fn id(&self) -> &'static str;

    /// Raised whenever the section for some layer could come out different.
    fn version(&self) -> u32;

    /// How much of a regular file to show to [`Analyzer::read`]. Called for every regular file of every
    /// layer: decide from name, size and kind, allocate nothing. The head may be looked at, but it is empty
    /// when a hard link is asked about: when in doubt, want it.
    fn wants(&self, file: &FileMeta<'_>) -> Interest;

    /// Reads one wanted file. Facts go to `section`; whatever must wait for another file of the same layer
    /// (a database and its journal) goes to `scratch`.
    ///
    /// An error concerns this file only: the runner records it as `Unreadable`, keeps what is already in the
    /// section, and goes on. Only an error the layer itself had fails the layer, as an attempt worth retrying;
    /// any other [`ReadError::Io`] counts as malformed. Every record's path is that of `file`, and so is every
    /// key put into `scratch`.
    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        scratch: &mut Scratch,
    ) -> Result<(), ReadError>;

    /// Whether what [`Analyzer::read`] makes of a file depends on more than its content: on its name, or on
    /// what is in scratch. If not, a hard link gets the records of its first name instead of a second read.
    fn depends_on_name(&self) -> bool {
        true
    }

    /// The layer has ended. Runs once per layer, also when nothing was wanted.
    fn finish(&self, _scratch: Scratch, _section: &mut Section) {}
}

/// Bytes an analyzer keeps until the end of the layer, by the path they were read from.
pub type Scratch = BTreeMap<PathBytes, Vec<u8>>;

/// What is known of a regular file before its content is read on.
#[derive(Clone, Copy, Debug)]
pub struct FileMeta<'a> {
    /// Cleaned path.
    pub path: &'a PathBytes,
    /// The twelve mode bits.
    pub mode: u16,
    /// Size in bytes.
    pub size: u64,
    /// What the head says it is.
    pub content: ContentKind,
    /// The first bytes, up to 512.
    pub head: &'a [u8],
}

/// How much of a file an analyzer wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing.
    None,
    /// The first so many bytes, at most [`crate::HEAD_INTEREST_BYTES`].
    Head(u64),
    /// Every byte once, in order; seeking fails.
    Stream,
    /// Every byte, seekable: in memory up to a limit, then in an unlinked temporary file, and beyond that
    /// limit not at all (the runner records a `Limit`).
    Whole,
}

/// Read and seek as one trait object.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// The content of a wanted file.
pub struct Content<'a> {
    inner: &'a mut dyn ReadSeek,
    size: u64,
}

impl<'a> Content<'a> {
    /// `size` bytes behind `inner`.
    pub fn new(inner: &'a mut dyn ReadSeek, size: u64) -> Self {
        Self { inner, size }
    }

    /// How many bytes there are to read.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The whole content, if it is at most `limit` bytes.
    pub fn bytes(&mut self, limit: u64) -> Result<Vec<u8>, ReadError> {
        if self.size > limit {
            return Err(ReadError::Limit(format!(
                "{} bytes, more than the {limit} read of such a file",
                self.size
            )));
        }
        let mut bytes = Vec::with_capacity(self.size as usize);
        self.inner.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Seek for Content<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Why a wanted file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The content is not what its name promises; the text says where and why.
    #[error("{0}")]
    Malformed(String),
    /// A limit ended the reading; the text names it.
    #[error("{0}")]
    Limit(String),
    /// The layer's bytes could not be read: not the file's fault.
    #[error(transparent)]
    Io(#[from] io::Error),
}
