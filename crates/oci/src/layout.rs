//! `oci:DIR` and `oci-archive:FILE`, an OCI image layout (OCI image-spec, image-layout.md).

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll_types::{Descriptor, Digest, media_type};

use crate::archive::TarFile;
use crate::blocking::{open_regular, read_capped, run, stream_range};
use crate::content::{check_size, digest_of, verify, verify_descriptor};
use crate::document::media_type_of;
use crate::{BlobStream, Document, Error, Fetched, IndexEntry, Limits, Source, parse_document};

const INDEX: &str = "index.json";

/// What a tag is called in an index: OCI's name, and what containerd and Docker add in full.
const NAMES: &[&str] = &["org.opencontainers.image.ref.name", "io.containerd.image.name"];

/// Where a layout is.
pub(crate) enum Place {
    Directory(PathBuf),
    Archive(TarFile),
}

pub(crate) struct Layout {
    name: String,
    place: Place,
    tag: Option<String>,
    limits: Limits,
}

impl Layout {
    pub(crate) fn new(name: String, place: Place, tag: Option<String>, limits: Limits) -> Self {
        Self { name, place, tag, limits }
    }

    async fn index(&self) -> Result<Bytes, Error> {
        match &self.place {
            Place::Directory(path) => {
                let index = read_capped(path.join(INDEX), self.limits.manifest).await;
                index.map_err(|error| no_layout(path, error))
            }
            Place::Archive(file) => file.read(INDEX, self.limits.manifest).await?.ok_or_else(|| {
                let why = if file.contains("manifest.json") {
                    "it has no index.json; if `docker save` wrote it, name it docker-archive:FILE"
                } else {
                    "it has no index.json, so it is not an OCI image layout"
                };
                Error::BadArchive { path: file.path().to_owned(), why: why.to_owned() }
            }),
        }
    }

    /// The document `digest` names, at most `limit` bytes, verified.
    async fn read(&self, digest: &Digest, limit: u64) -> Result<Bytes, Error> {
        let name = blob_name(digest);
        let found = match &self.place {
            Place::Directory(path) => match read_capped(path.join(&name), limit).await {
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
                read => Some(read?),
            },
            Place::Archive(file) => file.read(&name, limit).await?,
        };
        verify(&name, found.ok_or_else(|| self.missing(digest))?, digest)
    }

    /// The entry `self.tag` names, or the only one. An index that names nothing and gives every entry a
    /// platform is itself the image, for all platforms: some builders write no index beside it.
    fn choose<'a>(&self, entries: &'a [IndexEntry]) -> Result<Choice<'a>, Error> {
        let Some(tag) = &self.tag else {
            let images: Vec<&IndexEntry> = entries.iter().filter(|entry| !entry.is_attestation()).collect();
            let unnamed = |entry: &&IndexEntry| names(entry).next().is_none() && entry.platform.is_some();
            return match images[..] {
                [only] => Ok(Choice::Entry(only)),
                [] if entries.is_empty() => Err(self.not_found("it holds no image".to_owned())),
                [] => Ok(Choice::Entry(&entries[0])),
                _ if images.iter().all(unnamed) => Ok(Choice::Whole),
                // One image under several names is no question.
                [first, ..] if images.iter().all(|entry| entry.descriptor == first.descriptor) => {
                    Ok(Choice::Entry(first))
                }
                _ => Err(Error::Ambiguous { what: self.name.clone(), available: available(&images) }),
            };
        };
        let digest = tag.parse::<Digest>().ok();
        let is_named = |entry: &&IndexEntry| {
            digest == Some(entry.descriptor.digest) || names(entry).any(|name| name == tag)
        };
        let named: Vec<&IndexEntry> = entries.iter().filter(is_named).collect();
        match named[..] {
            [] => {
                let there = available(&entries.iter().collect::<Vec<_>>());
                Err(self.not_found(format!("it holds {}", there.join(", "))))
            }
            [only] => Ok(Choice::Entry(only)),
            [first, ..] if named.iter().all(|entry| entry.descriptor == first.descriptor) => {
                Ok(Choice::Entry(first))
            }
            _ => {
                let digests = named.iter().map(|entry| entry.descriptor.digest.to_string()).collect();
                Err(Error::Ambiguous { what: self.name.clone(), available: digests })
            }
        }
    }

    fn not_found(&self, detail: String) -> Error {
        Error::NotFound { what: self.name.clone(), detail }
    }

    fn missing(&self, digest: &Digest) -> Error {
        Error::NotFound { what: format!("{digest} in {}", self.name), detail: String::new() }
    }
}

/// A path without an index is most often the path of something else.
fn no_layout(path: &Path, error: Error) -> Error {
    let missing = matches!(&error, Error::Io { source, .. } if
        matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory));
    let why = match std::fs::metadata(path) {
        Ok(there) if missing && there.is_dir() => "it has no index.json, so it is not an OCI image layout",
        Ok(there) if missing && there.is_file() => {
            "it is a file; name it oci-archive:FILE or docker-archive:FILE"
        }
        _ => return error,
    };
    Error::BadArchive { path: path.to_owned(), why: why.to_owned() }
}

enum Choice<'a> {
    Entry(&'a IndexEntry),
    Whole,
}

fn names(entry: &IndexEntry) -> impl Iterator<Item = &String> {
    NAMES.iter().filter_map(|name| entry.annotations.get(*name))
}

/// What may be named: the names there are, and the digests of entries without one.
fn available(entries: &[&IndexEntry]) -> Vec<String> {
    let shown = |entry: &&IndexEntry| {
        names(entry).next().cloned().unwrap_or_else(|| entry.descriptor.digest.to_string())
    };
    entries.iter().map(shown).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Built from a digest alone, so it cannot lead out of the layout.
fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn fetched(stated: &str, digest: Digest, bytes: Bytes) -> Fetched {
    let media_type = media_type_of(stated, &bytes);
    Fetched { descriptor: Descriptor { media_type, digest, size: bytes.len() as u64 }, bytes }
}

#[async_trait]
impl Source for Layout {
    async fn resolve(&self) -> Result<Fetched, Error> {
        let bytes = self.index().await?;
        let parsed = parse_document(media_type::OCI_INDEX, &bytes);
        let Document::Index(entries) =
            parsed.map_err(|error| error.about(format!("{INDEX} of {}", self.name)))?
        else {
            let why = format!("{INDEX} is not an index");
            return Err(Error::BadManifest { what: self.name.clone(), why });
        };
        match self.choose(&entries)? {
            Choice::Whole => Ok(fetched(media_type::OCI_INDEX, digest_of(&bytes), bytes)),
            Choice::Entry(IndexEntry { descriptor, .. }) => {
                let what = format!("{} in {}", descriptor.digest, self.name);
                check_size(&what, descriptor, self.limits.manifest)?;
                let bytes = self.read(&descriptor.digest, self.limits.manifest).await?;
                let bytes = verify_descriptor(&what, bytes, descriptor)?;
                Ok(fetched(&descriptor.media_type, descriptor.digest, bytes))
            }
        }
    }

    async fn manifest(&self, digest: &Digest) -> Result<Fetched, Error> {
        Ok(fetched("", *digest, self.read(digest, self.limits.manifest).await?))
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let what = format!("config {}", descriptor.digest);
        check_size(&what, descriptor, self.limits.config)?;
        let bytes = self.read(&descriptor.digest, self.limits.config).await?;
        verify_descriptor(&what, bytes, descriptor)
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream, Error> {
        let name = blob_name(&descriptor.digest);
        let sized = |actual| {
            let what = format!("layer {}", descriptor.digest);
            let expected = descriptor.size;
            if actual == expected { Ok(()) } else { Err(Error::SizeMismatch { what, expected, actual }) }
        };
        match &self.place {
            Place::Archive(file) => {
                let extent = file.find(&name).ok_or_else(|| self.missing(&descriptor.digest))?;
                sized(extent.size)?;
                Ok(file.stream(extent))
            }
            Place::Directory(path) => {
                let path = path.join(&name);
                let opened = path.clone();
                let file = run(&path, move || open_regular(&opened)).await.map_err(|error| match error {
                    Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                        self.missing(&descriptor.digest)
                    }
                    error => error,
                })?;
                sized(file.metadata().map_err(|source| Error::io(&path, source))?.len())?;
                Ok(stream_range(path, Arc::new(file), 0, descriptor.size))
            }
        }
    }
}

#[cfg(test)]
mod tests;
