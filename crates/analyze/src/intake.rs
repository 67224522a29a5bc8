//! Reads the content of one regular file: once, hashing, and showing it to whoever wants it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use plimsoll_types::PathBytes;
use sha2::{Digest as _, Sha256};

use crate::source::{Forward, Passing, Source, Window};
use crate::tray::Tray;
use crate::{FileMeta, HEAD_BYTES, HEAD_INTEREST_BYTES, Interest, Limits};

/// One analyzer's wish to see the current file under one of its names.
pub(crate) struct Request<'p> {
    /// Index of the tray.
    pub(crate) tray: usize,
    /// How much.
    pub(crate) interest: Interest,
    /// The name.
    pub(crate) path: &'p PathBytes,
    /// The entry of that name.
    pub(crate) origin: u32,
}

/// The buffers of a run, used again for every file.
pub(crate) struct Intake {
    /// The first bytes of the current file: all of them, for most files.
    start: Box<[u8]>,
    filled: usize,
    /// Wanted files that are larger.
    memory: Vec<u8>,
    /// Wanted files that are larger still.
    spool: Option<File>,
}

/// Where a whole file waits for its readers.
enum Kept {
    Memory,
    Spool(u64),
}

impl Intake {
    pub(crate) fn new() -> Self {
        let start = vec![0; HEAD_INTEREST_BYTES as usize].into_boxed_slice();
        Self { start, filled: 0, memory: Vec::new(), spool: None }
    }

    /// Takes in the head of the next file: enough to see whether anybody wants it.
    pub(crate) fn begin(&mut self, body: &mut dyn BufRead) -> io::Result<()> {
        self.filled = fill(body, &mut self.start[..HEAD_BYTES])?;
        Ok(())
    }

    /// Takes in as much of the current file as [`Self::start`] can hold.
    pub(crate) fn take_start(&mut self, body: &mut dyn BufRead) -> io::Result<()> {
        if self.filled == HEAD_BYTES {
            self.filled += fill(body, &mut self.start[HEAD_BYTES..])?;
        }
        Ok(())
    }

    /// The first bytes of the current file: its head, or up to [`HEAD_INTEREST_BYTES`] once they were taken.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start[..self.filled]
    }

    /// The first bytes, up to [`HEAD_BYTES`].
    pub(crate) fn head(&self) -> &[u8] {
        &self.start[..self.filled.min(HEAD_BYTES)]
    }

    /// Reads the rest of the file, answers `requests`, and returns the SHA-256 of the whole.
    /// `file` is its description but for the path, which each request brings.
    pub(crate) fn finish(
        &mut self,
        file: &Described,
        body: &mut dyn BufRead,
        requests: &[Request<'_>],
        trays: &mut [Tray<'_>],
        limits: &Limits,
    ) -> io::Result<[u8; 32]> {
        if requests.is_empty() {
            // Most files: hashed where the layer reader has them, and copied nowhere.
            let mut hasher = Sha256::new();
            hasher.update(self.start());
            drain(body, &mut hasher)?;
            return Ok(hasher.finalize().into());
        }
        self.take_start(body)?;
        if self.filled < self.start.len() {
            let content = &self.start[..self.filled];
            for request in requests {
                let shown = match request.interest {
                    Interest::Head(wanted) => &content[..cut(wanted, content.len())],
                    _ => content,
                };
                let meta = file.meta(request.path, self.head());
                show(request, &meta, &mut Cursor::new(shown), shown.len() as u64, trays, limits)?;
            }
            return Ok(Sha256::digest(content).into());
        }
        self.finish_large(file, body, requests, trays, limits)
    }

    fn finish_large(
        &mut self,
        file: &Described,
        body: &mut dyn BufRead,
        requests: &[Request<'_>],
        trays: &mut [Tray<'_>],
        limits: &Limits,
    ) -> io::Result<[u8; 32]> {
        let mut hasher = Sha256::new();
        hasher.update(self.start());
        let mut head = [0; HEAD_BYTES];
        head.copy_from_slice(self.head());
        let (heads, wholes): (Vec<_>, Vec<_>) =
            requests.iter().partition(|request| matches!(request.interest, Interest::Head(_)));
        for request in heads {
            let Interest::Head(wanted) = request.interest else { continue };
            let shown = &self.start[..cut(wanted, self.start.len())];
            let meta = file.meta(request.path, &head);
            show(request, &meta, &mut Cursor::new(shown), shown.len() as u64, trays, limits)?;
        }
        match wholes[..] {
            [] => {}
            [request] if request.interest == Interest::Stream => {
                let meta = file.meta(request.path, &head);
                let mut passing = Passing::new(&self.start, body, &mut hasher);
                show(request, &meta, &mut passing, file.size, trays, limits)?;
            }
            _ if file.size > limits.spool_per_file => {
                let message =
                    format!("{} bytes, more than the {} a file may have", file.size, limits.spool_per_file);
                for request in wholes {
                    let meta = file.meta(request.path, &head);
                    trays[request.tray].refuse(&meta, request.origin, &message, limits);
                }
            }
            _ => {
                let kept = self.keep(file.size, body, &mut hasher, limits)?;
                for request in wholes {
                    let meta = file.meta(request.path, &head);
                    self.show_kept(&kept, request, &meta, trays, limits)?;
                }
            }
        }
        drain(body, &mut hasher)?;
        Ok(hasher.finalize().into())
    }

    /// Puts the whole file aside: in memory, or in a temporary file.
    fn keep(
        &mut self,
        size: u64,
        body: &mut dyn BufRead,
        hasher: &mut Sha256,
        limits: &Limits,
    ) -> io::Result<Kept> {
        let mut rest = body.take(size.saturating_sub(self.start.len() as u64));
        if size <= limits.memory_per_file {
            self.memory.clear();
            self.memory.extend_from_slice(&self.start);
            let hashed = self.memory.len();
            rest.read_to_end(&mut self.memory)?;
            hasher.update(&self.memory[hashed..]);
            return Ok(Kept::Memory);
        }
        let directory = limits.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let failed = |error: io::Error| no_temporary_file(&directory, &error);
        let mut spool = match self.spool.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(&directory).map_err(failed)?,
        };
        spool.seek(SeekFrom::Start(0)).map_err(failed)?;
        spool.write_all(&self.start).map_err(failed)?;
        let mut length = self.start.len() as u64;
        loop {
            let read = fill(&mut rest, &mut self.start)?;
            hasher.update(&self.start[..read]);
            spool.write_all(&self.start[..read]).map_err(failed)?;
            length += read as u64;
            if read < self.start.len() {
                break;
            }
        }
        self.spool = Some(spool);
        Ok(Kept::Spool(length))
    }

    fn show_kept(
        &self,
        kept: &Kept,
        request: &Request<'_>,
        meta: &FileMeta<'_>,
        trays: &mut [Tray<'_>],
        limits: &Limits,
    ) -> io::Result<()> {
        if let (Kept::Spool(length), Some(file)) = (kept, &self.spool) {
            let mut window = BufReader::with_capacity(64 << 10, Window::new(file, *length)?);
            return show(request, meta, &mut window, *length, trays, limits);
        }
        let mut cursor = Cursor::new(&self.memory[..]);
        show(request, meta, &mut cursor, self.memory.len() as u64, trays, limits)
    }
}

/// What is known of the current file, whatever its name.
pub(crate) struct Described {
    pub(crate) mode: u16,
    pub(crate) size: u64,
    pub(crate) content: plimsoll_types::ContentKind,
}

impl Described {
    pub(crate) fn meta<'m>(&self, path: &'m PathBytes, head: &'m [u8]) -> FileMeta<'m> {
        FileMeta { path, mode: self.mode, size: self.size, content: self.content, head }
    }
}

fn show(
    request: &Request<'_>,
    meta: &FileMeta<'_>,
    source: &mut dyn Source,
    size: u64,
    trays: &mut [Tray<'_>],
    limits: &Limits,
) -> io::Result<()> {
    let tray = &mut trays[request.tray];
    if request.interest == Interest::Stream {
        return tray.read(meta, &mut Forward(source), size, request.origin, limits);
    }
    tray.read(meta, source, size, request.origin, limits)
}

fn cut(wanted: u64, available: usize) -> usize {
    available.min(usize::try_from(wanted.min(HEAD_INTEREST_BYTES)).unwrap_or(usize::MAX))
}

/// Why a file too large for memory cannot be put aside. The system's own word does not say where that was tried.
fn no_temporary_file(directory: &Path, error: &io::Error) -> io::Error {
    let why = std::fs::metadata(directory).err().unwrap_or_else(|| error.kind().into());
    let place = directory.display();
    let message = format!("no temporary file in {place}: {why}; name another directory in TMPDIR");
    io::Error::new(error.kind(), message)
}

/// Reads until the buffer is full or the body ends.
fn fill(body: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match body.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn drain(body: &mut dyn BufRead, hasher: &mut Sha256) -> io::Result<()> {
    loop {
        let read = match body.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(bytes) => {
                hasher.update(bytes);
                bytes.len()
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        body.consume(read);
    }
}
