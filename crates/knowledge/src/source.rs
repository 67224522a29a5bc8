//! Where advisories come from: directories, zip archives and single files, walked under limits.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;
use crate::feeds;
use crate::snapshot::Completeness;

/// The file in a source's directory (or at the root of its zip) that says what the source is.
pub const MARKER: &str = "plimsoll-feed.json";

/// What a build reads at most. Sources are fetched from elsewhere, so none is trusted with memory or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one record; larger ones are skipped and named. Default 32 MiB.
    pub record_bytes: u64,
    /// Files of all sources together. Default 4,000,000.
    pub files: u64,
    /// Bytes of all records together, unpacked. Default 64 GiB.
    pub total_bytes: u64,
    /// Levels of directories below a source. Default 32.
    pub depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes: 32 << 20, files: 4_000_000, total_bytes: 64 << 30, depth: 32 }
    }
}

/// A file, or a part of one, that gave no advisory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file; inside an archive `archive.zip!/name`.
    pub file: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.why)
    }
}

#[derive(Deserialize)]
struct Marker {
    completeness: Completeness,
}

/// A set of records published together: a zip, or a directory with what lies below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// What its marker says.
    pub(crate) marked: Option<Completeness>,
    /// Some file of it could not be read, and nobody knows what it said.
    pub(crate) has_gaps: bool,
}

/// One file of a unit.
pub(crate) struct Found<'a> {
    /// Index of the unit.
    pub(crate) unit: usize,
    /// What the unit's marker says.
    pub(crate) marked: Option<Completeness>,
    /// Its name for people.
    pub(crate) label: &'a str,
    /// Its content.
    pub(crate) bytes: &'a [u8],
}

/// Walks sources; hands each file a feed wants to `visit`, which says whether it could be read.
pub(crate) struct Walker<'v> {
    limits: Limits,
    visit: &'v mut dyn FnMut(Found<'_>) -> bool,
    files: u64,
    bytes: u64,
    /// Every unit met so far.
    pub(crate) units: Vec<Unit>,
    /// Files that could not be read.
    pub(crate) skipped: Vec<Skipped>,
}

impl<'v> Walker<'v> {
    pub(crate) fn new(limits: Limits, visit: &'v mut dyn FnMut(Found<'_>) -> bool) -> Self {
        Self { limits, visit, files: 0, bytes: 0, units: Vec::new(), skipped: Vec::new() }
    }

    /// Walks one source as the user named it.
    pub(crate) fn source(&mut self, path: &Path) -> Result<(), Error> {
        let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
        if metadata.is_dir() {
            self.directory(path, None, 0)
        } else if is_zip(path) {
            self.zip(path)
        } else if wanted(&path.to_string_lossy()) {
            let unit = self.unit(None);
            self.file(path, unit)
        } else {
            Err(Error::UnsupportedSource { path: path.to_owned() })
        }
    }

    fn unit(&mut self, marked: Option<Completeness>) -> usize {
        self.units.push(Unit { marked, has_gaps: false });
        self.units.len() - 1
    }

    fn directory(&mut self, path: &Path, parent: Option<usize>, depth: u32) -> Result<(), Error> {
        if depth > self.limits.depth {
            return Err(over(path, "levels of directories", self.limits.depth.into()));
        }
        let marker = path.join(MARKER);
        let marked = match fs::read(&marker) {
            Ok(bytes) => Some(parse_marker(&marker, &bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io("read", &marker)(error)),
        };
        let unit = match (marked, parent) {
            (None, Some(parent)) => parent,
            (marked, _) => self.unit(marked),
        };
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(Error::io("read", path))?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kind = fs::symlink_metadata(&entry).map_err(Error::io("read", &entry))?.file_type();
            if name.starts_with('.') || name == MARKER {
                continue;
            }
            if kind.is_dir() {
                self.directory(&entry, Some(unit), depth + 1)?;
            } else if is_zip(&entry) {
                self.zip(&entry)?;
            } else if wanted(&name) && entry.is_file() {
                self.file(&entry, unit)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, unit: usize) -> Result<(), Error> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        self.content(path, &path.display().to_string(), unit, file)
    }

    fn zip(&mut self, path: &Path) -> Result<(), Error> {
        let broken = |error: zip::result::ZipError| Error::Archive {
            path: path.to_owned(),
            message: error.to_string(),
        };
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
        let marked = match archive.by_name(MARKER) {
            Ok(entry) => {
                let mut bytes = Vec::new();
                entry.take(64 << 10).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
                Some(parse_marker(path, &bytes)?)
            }
            Err(_) => None,
        };
        let unit = self.unit(marked);
        for index in 0..archive.len() {
            let entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    self.skip(unit, format!("{}!/{index}", path.display()), error.to_string());
                    continue;
                }
            };
            let name = match entry.name() {
                Ok(name) => name.into_owned(),
                Err(error) => {
                    self.skip(unit, format!("{}!/{index}", path.display()), error.to_string());
                    continue;
                }
            };
            if entry.is_file() && name != MARKER && wanted(&name) {
                self.content(path, &format!("{}!/{name}", path.display()), unit, entry)?;
            }
        }
        Ok(())
    }

    fn content(&mut self, path: &Path, label: &str, unit: usize, reader: impl Read) -> Result<(), Error> {
        self.files += 1;
        if self.files > self.limits.files {
            return Err(over(path, "the number of files", self.limits.files));
        }
        let mut bytes = Vec::new();
        let limit = self.limits.record_bytes;
        if let Err(error) = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
            self.skip(unit, label.to_owned(), error.to_string());
            return Ok(());
        }
        if bytes.len() as u64 > limit {
            self.skip(unit, label.to_owned(), format!("it is over the limit of {limit} bytes"));
            return Ok(());
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.total_bytes {
            return Err(over(path, "the number of bytes", self.limits.total_bytes));
        }
        let marked = self.units.get(unit).and_then(|unit| unit.marked);
        let is_record = (self.visit)(Found { marked, unit, label, bytes: &bytes });
        self.units[unit].has_gaps |= !is_record;
        Ok(())
    }

    fn skip(&mut self, unit: usize, file: String, why: String) {
        self.units[unit].has_gaps = true;
        self.skipped.push(Skipped { file, why });
    }
}

fn over(path: &Path, what: &'static str, limit: u64) -> Error {
    Error::Limit { path: path.to_owned(), what, limit }
}

fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

fn wanted(name: &str) -> bool {
    feeds::ALL.iter().any(|feed| feed.wants(name))
}

fn parse_marker(path: &Path, bytes: &[u8]) -> Result<Completeness, Error> {
    serde_json::from_slice::<Marker>(bytes)
        .map(|marker| marker.completeness)
        .map_err(|error| Error::Marker { path: path.to_owned(), message: error.to_string() })
}

#[cfg(test)]
mod tests;
