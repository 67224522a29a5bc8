//! `rootfs:DIR`, a directory as an image of one layer.
//!
//! The layer is an uncompressed tar made on the fly, once to know its digest and again for whoever reads it.
//! The same tree gives the same bytes: names are sorted, and nothing of this run goes in.

mod header;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plimsoll_types::{Descriptor, Digest, Platform, media_type};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::blocking::{CHUNK, ChunkSender, Halt, run, stream_from};
use crate::content::{digest_of, finish, verify_descriptor};
use crate::synthesis::synthesise;
use crate::{BlobStream, Error, Fetched, Limits, Source};
use walk::{Seen, Walk};

pub(crate) struct Rootfs {
    path: PathBuf,
    platform: Platform,
    limits: Limits,
    image: OnceCell<Image>,
}

struct Image {
    manifest: Fetched,
    config: Bytes,
    config_digest: Digest,
    layer: Descriptor,
    seen: Arc<Vec<u64>>,
}

/// Where the bytes of the tar go.
trait Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Halt>;
}

/// Field order is part of the digest.
#[derive(Serialize)]
struct Config<'a> {
    architecture: &'a str,
    os: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    rootfs: Layers,
}

#[derive(Serialize)]
struct Layers {
    r#type: &'static str,
    diff_ids: [Digest; 1],
}

impl Rootfs {
    pub(crate) fn new(path: PathBuf, platform: Platform, limits: Limits) -> Self {
        Self { path, platform, limits, image: OnceCell::new() }
    }

    async fn image(&self) -> Result<&Image, Error> {
        self.image.get_or_try_init(|| self.hash()).await
    }

    async fn hash(&self) -> Result<Image, Error> {
        let (path, limits) = (self.path.clone(), self.limits);
        let (digest, size, seen) = run(&self.path, move || {
            let mut sink = HashSink { hasher: Sha256::new(), size: 0 };
            let seen = match Walk::new(&path, limits, Seen::recording(), &mut sink).run() {
                Ok(seen) => seen,
                Err(Halt::Failed(error)) => return Err(error),
                Err(Halt::ReaderGone) => return Err(Error::Changed { path }),
            };
            Ok((finish(sink.hasher), sink.size, seen))
        })
        .await?;
        let layer = Descriptor { media_type: media_type::OCI_LAYER.to_owned(), digest, size };
        let config = Config {
            architecture: &self.platform.architecture,
            os: &self.platform.os,
            variant: self.platform.variant.as_deref(),
            rootfs: Layers { r#type: "layers", diff_ids: [digest] },
        };
        // Text only: there is nothing in it that could fail to serialise.
        let config = Bytes::from(serde_json::to_vec(&config).unwrap_or_default());
        let config_digest = digest_of(&config);
        let config_descriptor = Descriptor {
            media_type: media_type::OCI_CONFIG.to_owned(),
            digest: config_digest,
            size: config.len() as u64,
        };
        let manifest = synthesise(&config_descriptor, std::slice::from_ref(&layer));
        Ok(Image { manifest, config, config_digest, layer, seen: Arc::new(seen) })
    }

    fn missing(&self, digest: &Digest) -> Error {
        let what = format!("{digest} in rootfs:{}", self.path.display());
        Error::NotFound { what, detail: String::new() }
    }
}

#[async_trait]
impl Source for Rootfs {
    async fn resolve(&self) -> Result<Fetched, Error> {
        Ok(self.image().await?.manifest.clone())
    }

    async fn manifest(&self, digest: &Digest) -> Result<Fetched, Error> {
        let manifest = &self.image().await?.manifest;
        if manifest.descriptor.digest == *digest { Ok(manifest.clone()) } else { Err(self.missing(digest)) }
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let image = self.image().await?;
        if image.config_digest != descriptor.digest {
            return Err(self.missing(&descriptor.digest));
        }
        verify_descriptor(&format!("config {}", descriptor.digest), image.config.clone(), descriptor)
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream, Error> {
        let image = self.image().await?;
        if image.layer.digest != descriptor.digest {
            return Err(self.missing(&descriptor.digest));
        }
        let (path, limits, size) = (self.path.clone(), self.limits, image.layer.size);
        let seen = Arc::clone(&image.seen);
        Ok(stream_from(path.display().to_string(), move |sender| {
            let mut sink = ChunkSink { sender, chunk: Vec::with_capacity(CHUNK), size: 0 };
            Walk::new(&path, limits, Seen::comparing(seen), &mut sink).run()?;
            sink.flush()?;
            // What the walk compares are times and sizes; this is the last line.
            if sink.size == size { Ok(()) } else { Err(Error::Changed { path }.into()) }
        }))
    }
}

struct HashSink {
    hasher: Sha256,
    size: u64,
}

impl Sink for HashSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
}

struct ChunkSink<'a> {
    sender: &'a ChunkSender,
    chunk: Vec<u8>,
    size: u64,
}

impl ChunkSink<'_> {
    fn flush(&mut self) -> Result<(), Halt> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.sender.send(full.into())
    }
}

impl Sink for ChunkSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.size += bytes.len() as u64;
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK { self.flush() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
