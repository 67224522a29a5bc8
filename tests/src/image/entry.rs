//! One entry of a layer.

use super::MTIME;
use super::tar::{Header, padded, pax};

/// One entry of a layer: kind, name, attributes, content. Made by one of the constructors, changed by the others.
#[derive(Clone, Debug)]
pub struct Entry {
    name: Vec<u8>,
    kind: u8,
    mode: u16,
    uid: u32,
    gid: u32,
    mtime: i64,
    link: Vec<u8>,
    device: (u32, u32),
    content: Vec<u8>,
    records: Vec<(String, Vec<u8>)>,
}

impl Entry {
    fn new(name: impl AsRef<[u8]>, kind: u8, mode: u16) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime: MTIME,
            link: Vec::new(),
            device: (0, 0),
            content: Vec::new(),
            records: Vec::new(),
        }
    }

    /// A regular file.
    pub fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Self { content: content.as_ref().to_vec(), ..Self::new(name, b'0', 0o644) }
    }

    /// A directory; a slash is put after its name.
    pub fn directory(name: impl AsRef<[u8]>) -> Self {
        Self::new([name.as_ref(), b"/"].concat(), b'5', 0o755)
    }

    /// A symbolic link with this text.
    pub fn symlink(name: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> Self {
        Self { link: text.as_ref().to_vec(), ..Self::new(name, b'2', 0o777) }
    }

    /// A hard link to another name.
    pub fn hard_link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(name, b'1', 0o644) }
    }

    /// A character device.
    pub fn char_device(name: impl AsRef<[u8]>, major: u32, minor: u32) -> Self {
        Self { device: (major, minor), ..Self::new(name, b'3', 0o666) }
    }

    /// A named pipe.
    pub fn fifo(name: impl AsRef<[u8]>) -> Self {
        Self::new(name, b'6', 0o644)
    }

    /// `.wh.` before the last component of `path`.
    pub fn whiteout(path: &str) -> Self {
        let name = match path.rsplit_once('/') {
            Some((directory, name)) => format!("{directory}/.wh.{name}"),
            None => format!(".wh.{path}"),
        };
        Self::new(name, b'0', 0o644)
    }

    /// `.wh..wh..opq` in `directory`.
    pub fn opaque(directory: &str) -> Self {
        Self::new(format!("{directory}/.wh..wh..opq"), b'0', 0o644)
    }

    /// A sparse file of `size` bytes with data at the offsets given, in the PAX 1.0 form of GNU tar.
    pub fn sparse(name: impl AsRef<[u8]>, size: u64, data: &[(u64, &[u8])]) -> Self {
        let mut map = format!("{}\n", data.len());
        for (offset, bytes) in data {
            map.extend([format!("{offset}\n{}\n", bytes.len())]);
        }
        let mut content = padded(map.as_bytes());
        content.extend(data.iter().flat_map(|(_, bytes)| bytes.iter()));
        let entry = Self::file([b"GNUSparseFile.0/", name.as_ref()].concat(), content);
        entry
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.name", name)
            .pax("GNU.sparse.realsize", size.to_string())
    }

    /// Another mode.
    pub fn mode(mut self, mode: u16) -> Self {
        self.mode = mode;
        self
    }

    /// Another owner and group.
    pub fn owner(mut self, uid: u32, gid: u32) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    /// Another time; a negative one is written as a PAX record.
    pub fn mtime(mut self, mtime: i64) -> Self {
        self.mtime = mtime;
        self
    }

    /// An extended attribute, in docker's spelling.
    pub fn xattr(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax(&format!("SCHILY.xattr.{name}"), value)
    }

    /// Any PAX record.
    pub fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.records.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The header, the content, and the PAX header before them if one is needed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut records = self.records.clone();
        let mut record = |key: &str, value: &[u8]| records.push((key.to_owned(), value.to_vec()));
        if self.name.len() > 100 {
            record("path", &self.name);
        }
        if self.link.len() > 100 {
            record("linkpath", &self.link);
        }
        if self.mtime < 0 {
            record("mtime", self.mtime.to_string().as_bytes());
        }
        let mut bytes = if records.is_empty() { Vec::new() } else { pax(&records) };
        bytes.extend(self.header().sealed());
        bytes.extend(padded(&self.content));
        bytes
    }

    fn header(&self) -> Header {
        let mut header = Header::new(&self.name, self.kind, self.content.len() as u64);
        header
            .octal(100, 8, self.mode.into())
            .octal(108, 8, self.uid.into())
            .octal(116, 8, self.gid.into())
            .octal(136, 12, u64::try_from(self.mtime).unwrap_or_default())
            .bytes(157, 100, &self.link)
            .octal(329, 8, self.device.0.into())
            .octal(337, 8, self.device.1.into());
        header
    }
}
