//! The order of things in a tar.

use std::io::{self, BufRead};

use plimsoll_types::{ContentKind, Digest, EntryKind, FileEntry, PathBytes};

use super::body::Body;
use super::entry::{Meaning, hard_link, meaning};
use super::foreign;
use super::header::{BLOCK, Block, Header, flag};
use super::number::{decimal, pax_seconds, text};
use super::pax::Pax;
use super::sparse::{self, SparseMap};
use super::stream::Stream;
use crate::{EntrySink, Error, LimitKind, Limits, Position, TarFault};

/// So many oddities are told one by one; a layer with more is no odder.
const MAX_DOUBTS: usize = 64;

/// Names and values.
type Xattrs = Vec<(Box<[u8]>, Box<[u8]>)>;

/// Why a walk ended early, and the offset of the header it was at.
#[derive(Debug)]
pub(crate) struct WalkError {
    pub(crate) at: u64,
    pub(crate) fault: WalkFault,
}

/// Why a walk ended early.
#[derive(Debug)]
pub(crate) enum WalkFault {
    /// The archive is broken.
    Tar(TarFault),
    /// A limit.
    Limit(LimitKind),
    /// The stream failed.
    Stream(io::Error),
    /// The sink failed.
    Sink(PathBytes, io::Error),
}

impl From<TarFault> for WalkFault {
    fn from(fault: TarFault) -> Self {
        Self::Tar(fault)
    }
}

impl From<io::Error> for WalkFault {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

impl WalkError {
    /// As the error of `layer`.
    pub(crate) fn into_error(self, layer: Digest, limits: &Limits) -> Error {
        let at = Position::Uncompressed(self.at);
        match self.fault {
            WalkFault::Tar(TarFault::Compressed(found)) => Error::Compression { layer, found },
            WalkFault::Tar(what) => Error::Tar { layer, at, what },
            WalkFault::Limit(limit) => Error::Limit { layer, at, limit, max: limit.bound(limits) },
            WalkFault::Stream(source) => Error::Read { layer, offset: self.at, source },
            WalkFault::Sink(path, source) => Error::Sink { layer, path, source },
        }
    }
}

/// Reads `input` to its end, also past the end of the archive, and returns how many entries `sink` got.
pub(crate) fn walk<R: BufRead>(
    input: R,
    limits: &Limits,
    sink: &mut dyn EntrySink,
) -> Result<u64, WalkError> {
    let mut walk = Walk {
        stream: Stream::new(input),
        limits,
        sink,
        at: 0,
        seen: 0,
        given: 0,
        metadata: 0,
        holes: 0,
        doubts: 0,
    };
    match walk.run() {
        Ok(()) => Ok(walk.given),
        Err(fault) => Err(WalkError { at: walk.at, fault }),
    }
}

fn no_tar(head: &[u8]) -> Option<TarFault> {
    foreign::compression(head).map(TarFault::Compressed)
}

struct Walk<'a, R> {
    stream: Stream<R>,
    limits: &'a Limits,
    sink: &'a mut dyn EntrySink,
    /// Offset of the header last read.
    at: u64,
    seen: u64,
    given: u64,
    metadata: u64,
    holes: u64,
    doubts: usize,
}

/// A header with all that was said about it before.
struct Member {
    header: Header,
    block: Block,
    pax: Pax,
}

impl<R: BufRead> Walk<'_, R> {
    fn run(&mut self) -> Result<(), WalkFault> {
        while let Some(member) = self.next_member()? {
            self.member(member)?;
        }
        self.after_the_end()
    }

    /// The next header that is about a file; extended headers are gathered on the way.
    fn next_member(&mut self) -> Result<Option<Member>, WalkFault> {
        let (mut pax, mut long_name, mut long_link) = (Pax::default(), Vec::new(), Vec::new());
        loop {
            self.at = self.stream.offset();
            let Some(block) = self.block()? else { return Ok(None) };
            let mut header = Header::parse(&block).map_err(|fault| match fault {
                TarFault::Checksum if self.at == 0 => no_tar(&block).unwrap_or(TarFault::NotATar),
                fault => fault,
            })?;
            match header.flag {
                flag::PAX_LOCAL => pax = Pax::parse(&self.special(&header)?)?,
                flag::PAX_GLOBAL => {
                    // As in Go, a global header is an entry of its own that runtimes ignore, and what was
                    // said before it was said about it.
                    if Pax::parse(&self.special(&header)?)?.changes_entries() {
                        self.doubt("a global PAX header, which runtimes ignore, sets names or owners".into());
                    }
                    (pax, long_name, long_link) = (Pax::default(), Vec::new(), Vec::new());
                }
                flag::GNU_LONG_NAME => long_name = text(&self.special(&header)?).to_vec(),
                flag::GNU_LONG_LINK => long_link = text(&self.special(&header)?).to_vec(),
                _ => {
                    apply(&mut header, &pax)?;
                    if !long_name.is_empty() {
                        header.name = long_name;
                    }
                    if !long_link.is_empty() {
                        header.link = long_link;
                    }
                    if header.flag == flag::OLD_FILE {
                        let directory = header.name.ends_with(b"/");
                        header.flag = if directory { flag::DIRECTORY } else { flag::FILE };
                    }
                    return Ok(Some(Member { header, block, pax }));
                }
            }
        }
    }

    /// The next header block; none at the end of the archive, which is two blocks of zeros, or one, or
    /// nothing at all.
    fn block(&mut self) -> Result<Option<Block>, WalkFault> {
        let mut block = [0; BLOCK];
        for zeros_before in [false, true] {
            match self.stream.read_up_to(&mut block)? {
                0 => return Ok(None),
                BLOCK => {}
                length => {
                    let foreign = no_tar(&block[..length]).filter(|_| self.at == 0 && !zeros_before);
                    return Err(foreign.unwrap_or(TarFault::Truncated("a header")).into());
                }
            }
            match (block == [0; BLOCK], zeros_before) {
                (false, false) => return Ok(Some(block)),
                (false, true) => return Err(TarFault::LoneZeroBlock.into()),
                (true, _) => {}
            }
        }
        Ok(None)
    }

    /// The data of an extended header.
    fn special(&mut self, header: &Header) -> Result<Vec<u8>, WalkFault> {
        let length = header.data_len()?;
        if length > self.limits.max_pax_bytes {
            return Err(WalkFault::Limit(LimitKind::PaxBytes));
        }
        let mut data = vec![0; length as usize];
        if self.stream.read_up_to(&mut data)? < data.len() {
            return Err(TarFault::Truncated("an extended header").into());
        }
        self.padding(length)?;
        Ok(data)
    }

    /// Skips to the next block. An archive may end inside of padding.
    fn padding(&mut self, data: u64) -> Result<(), WalkFault> {
        self.stream.skip(data.wrapping_neg() % BLOCK as u64)?;
        Ok(())
    }

    fn member(&mut self, member: Member) -> Result<(), WalkFault> {
        let Member { mut header, block, pax } = member;
        self.seen += 1;
        if self.seen > self.limits.max_entries {
            return Err(WalkFault::Limit(LimitKind::Entries));
        }
        let length = header.data_len()?;
        let (map, data) = self.sparse_map(&mut header, &block, &pax, length)?;
        let entry = self.entry(&header, pax, map.as_ref().map_or(data, |map| map.size))?;
        let content = entry.as_ref().is_some_and(|entry| entry.kind == EntryKind::File);
        if let Some(entry) = entry {
            let path = entry.path.clone();
            let (body_len, body_map) = if content { (data, map.as_ref()) } else { (0, None) };
            let mut body = Body::new(&mut self.stream, body_len, body_map);
            let taken = self.sink.entry(entry, &mut body);
            // What broke first counts: the sink may only be passing on that its body broke off.
            match (body.fault.take(), taken) {
                (Some(fault), _) => return Err(fault),
                (None, Err(error)) => return Err(WalkFault::Sink(path, error)),
                (None, Ok(())) => body.finish()?,
            }
            self.given += 1;
        }
        if !content && self.stream.skip(data)? < data {
            return Err(TarFault::Truncated("an entry's data").into());
        }
        self.padding(length)
    }

    /// The sparse map, if the file has one, and how many bytes of data follow it.
    fn sparse_map(
        &mut self,
        header: &mut Header,
        block: &Block,
        pax: &Pax,
        length: u64,
    ) -> Result<(Option<SparseMap>, u64), WalkFault> {
        let (map, used) = if header.flag == flag::GNU_SPARSE {
            (sparse::old_gnu(header, block, &mut self.stream, self.limits)?, 0)
        } else if let Some(version) = sparse::pax_version(&pax.sparse) {
            if header.is_header_only() {
                return Err(TarFault::Sparse("the entry is no file").into());
            }
            if let Some(name) = &pax.sparse.name {
                header.name.clone_from(name);
            }
            sparse::pax(version, &pax.sparse, length, &mut self.stream, self.limits)?
        } else {
            return Ok((None, length));
        };
        let data = length - used;
        if map.data != data {
            return Err(TarFault::Sparse("the archive holds more or less data than the map").into());
        }
        self.holes = self.holes.saturating_add(map.size - map.data);
        if self.holes > self.limits.max_hole_bytes {
            return Err(WalkFault::Limit(LimitKind::HoleBytes));
        }
        Ok((Some(map), data))
    }

    /// The entry for the sink, if the header means one.
    fn entry(&mut self, header: &Header, pax: Pax, size: u64) -> Result<Option<FileEntry>, WalkFault> {
        within(header.name.len() as u64, self.limits.max_path_bytes, LimitKind::PathBytes)?;
        let mut doubts = Vec::new();
        let named = match meaning(&header.name, header.flag, &mut doubts)? {
            Meaning::Entry(kind, path) => {
                self.link(header, kind, &path, &mut doubts)?.map(|link| (kind, path, link))
            }
            Meaning::Nothing(reason) => {
                doubts.extend(reason);
                None
            }
        };
        let entry = match named {
            Some((kind, path, link_target)) => {
                let size = if kind == EntryKind::File { size } else { 0 };
                within(size, self.limits.max_file_bytes, LimitKind::FileBytes)?;
                let (uid, gid) = owner(header, &path, &mut doubts);
                Some(FileEntry {
                    kind,
                    link_target,
                    mode: (header.mode & 0o7777) as u16,
                    uid,
                    gid,
                    mtime: header.mtime,
                    rdev: device(header, kind, &path, &mut doubts),
                    size,
                    xattrs: self.xattrs(kind, pax)?,
                    link_group: 0,
                    content: ContentKind::None,
                    sha256: None,
                    path,
                })
            }
            None => None,
        };
        self.doubts(doubts);
        if let Some(entry) = &entry {
            self.remember(entry)?;
        }
        Ok(entry)
    }

    /// The link target of an entry, empty if it is no link; none if the link cannot be.
    fn link(
        &self,
        header: &Header,
        kind: EntryKind,
        path: &PathBytes,
        doubts: &mut Vec<String>,
    ) -> Result<Option<Box<[u8]>>, WalkFault> {
        if !matches!(kind, EntryKind::HardLink | EntryKind::Symlink) {
            return Ok(Some(Box::default()));
        }
        within(header.link.len() as u64, self.limits.max_link_bytes, LimitKind::LinkBytes)?;
        if kind == EntryKind::HardLink {
            return Ok(hard_link(path, &header.link, doubts).map(|target| target.as_bytes().into()));
        }
        if header.link.is_empty() {
            doubts.push(format!("{path} is a symbolic link to nothing, which runtimes refuse"));
        }
        Ok(Some(header.link.as_slice().into()))
    }

    /// Extended attributes, sorted by name as the map is. What hides has none.
    fn xattrs(&self, kind: EntryKind, pax: Pax) -> Result<Xattrs, WalkFault> {
        if matches!(kind, EntryKind::Whiteout | EntryKind::Opaque) {
            return Ok(Vec::new());
        }
        let bytes: usize = pax.xattrs.iter().map(|(name, value)| name.len() + value.len()).sum();
        within(bytes as u64, self.limits.max_xattr_bytes, LimitKind::XattrBytes)?;
        Ok(pax.xattrs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Counts what an index of the layer would hold of `entry`.
    fn remember(&mut self, entry: &FileEntry) -> Result<(), WalkFault> {
        let xattrs: usize = entry.xattrs.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.metadata += (entry.path.as_bytes().len() + entry.link_target.len() + xattrs) as u64;
        within(self.metadata, self.limits.max_metadata_bytes, LimitKind::MetadataBytes)
    }

    /// What follows the end of the archive is part of the layer's digest, but of no file.
    fn after_the_end(&mut self) -> Result<(), WalkFault> {
        self.at = self.stream.offset();
        let mut doubted = false;
        loop {
            let rest = self.stream.peek()?;
            if rest.is_empty() {
                return Ok(());
            }
            let n = rest.len();
            let data = !doubted && rest.iter().any(|byte| *byte != 0);
            self.stream.consume(n);
            if data {
                doubted = true;
                let at = self.at;
                self.doubt(format!("data follows the end of the archive at byte {at}, ignored"));
            }
        }
    }

    fn doubts(&mut self, doubts: Vec<String>) {
        for doubt in doubts {
            self.doubt(doubt);
        }
    }

    fn doubt(&mut self, doubt: String) {
        self.doubts += 1;
        match self.doubts {
            ..=MAX_DOUBTS => self.sink.ambiguity(doubt),
            n if n == MAX_DOUBTS + 1 => {
                self.sink.ambiguity(format!("more than {MAX_DOUBTS} oddities; the others are not listed"));
            }
            _ => {}
        }
    }
}

/// Lets the records of `pax` override the fields of `header`.
fn apply(header: &mut Header, pax: &Pax) -> Result<(), TarFault> {
    for (value, slot) in [(&pax.path, &mut header.name), (&pax.linkpath, &mut header.link)] {
        if let Some(value) = value {
            slot.clone_from(value);
        }
    }
    for (value, slot, fault) in [
        (&pax.size, &mut header.size, "size is not a number"),
        (&pax.uid, &mut header.uid, "uid is not a number"),
        (&pax.gid, &mut header.gid, "gid is not a number"),
    ] {
        if let Some(value) = value {
            *slot = decimal(value).ok_or(TarFault::Pax(fault))?;
        }
    }
    let times = [&pax.mtime, &pax.other_times[0], &pax.other_times[1]];
    if times.into_iter().flatten().any(|time| pax_seconds(time).is_none()) {
        return Err(TarFault::Pax("a time is not a number"));
    }
    if let Some(mtime) = pax.mtime.as_deref().and_then(pax_seconds) {
        header.mtime = mtime;
    }
    Ok(())
}

fn within(value: u64, max: u64, limit: LimitKind) -> Result<(), WalkFault> {
    if value > max { Err(WalkFault::Limit(limit)) } else { Ok(()) }
}

fn owner(header: &Header, path: &PathBytes, doubts: &mut Vec<String>) -> (u32, u32) {
    (narrow(header.uid, "owner", path, doubts), narrow(header.gid, "group", path, doubts))
}

fn device(
    header: &Header,
    kind: EntryKind,
    path: &PathBytes,
    doubts: &mut Vec<String>,
) -> Option<(u32, u32)> {
    let (major, minor) = header.device;
    matches!(kind, EntryKind::CharDevice | EntryKind::BlockDevice)
        .then(|| (narrow(major, "device number", path, doubts), narrow(minor, "device number", path, doubts)))
}

/// The kernel takes 32 bits; what a runtime makes of more is its own affair.
fn narrow(value: i64, what: &str, path: &PathBytes, doubts: &mut Vec<String>) -> u32 {
    u32::try_from(value).unwrap_or_else(|_| {
        doubts.push(format!("{path} has the {what} {value}, cut to 32 bits"));
        value as u32
    })
}
