//! The seam: what every place images come from can do.

use std::path::PathBuf;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use plimsoll_types::{Descriptor, Digest, ImageSource, Platform};

use crate::archive::TarFile;
use crate::docker_archive::DockerArchive;
use crate::layout::{Layout, Place};
use crate::registry::Registry;
use crate::rootfs::Rootfs;
use crate::{Credentials, EcrLogin, Error, Limits};

/// The bytes of a blob in order, in pieces of at most a few MiB. An error is the last item.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A manifest or index and what names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Media type as found, digest and size of `bytes`.
    pub descriptor: Descriptor,
    /// The document, byte for byte.
    pub bytes: Bytes,
}

/// One image reference at the place it comes from.
///
/// Implementations retry what may pass (a 503, a reset) within bounds before they answer; callers need not.
/// Every method may be called again and gives the same answer, as long as nobody writes to the place.
#[async_trait]
pub trait Source: Send + Sync {
    /// The manifest or index the reference names. The digest is that of the bytes; it was checked against
    /// the reference if that has one, and against what the registry announced.
    async fn resolve(&self) -> Result<Fetched, Error>;

    /// A manifest by digest, usually one an index lists. Verified; at most [`Limits::manifest`] bytes.
    async fn manifest(&self, digest: &Digest) -> Result<Fetched, Error>;

    /// A config. Size and digest are verified; at most [`Limits::config`] bytes.
    async fn config(&self, descriptor: &Descriptor) -> Result<Bytes, Error>;

    /// A blob from its first byte. The stream ends after exactly `descriptor.size` bytes or with an error; a
    /// broken connection is resumed. Its digest is NOT verified here: whoever reads it must.
    async fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream, Error>;
}

/// How to open a source.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Speak plain HTTP to the registry. Registries on loopback are spoken to in plain HTTP anyway.
    pub plain_http: bool,
    /// Where the registry answers, if not at the host its name says: `https://HOST[:PORT]`, or `http:` for one without TLS.
    pub endpoint: Option<plimsoll_http::Url>,
    /// Docker's `config.json`. Default: in `$DOCKER_CONFIG`, else in `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// Use these and ask neither Docker's configuration nor its helpers.
    pub credentials: Option<Credentials>,
    /// Ask ECR for the credentials, and nobody else.
    pub ecr: Option<EcrLogin>,
    /// Bounds.
    pub limits: Limits,
    /// The HTTP client to use. Default: a new one that may connect anywhere.
    pub http: Option<plimsoll_http::Client>,
    /// Attempts and waits for the registry.
    pub backoff: plimsoll_http::Backoff,
    /// The platform a `rootfs:` is taken for. Default: linux on this machine's architecture.
    pub platform: Option<Platform>,
}

/// Opens what `source` names. Local places are looked at, registries not yet.
pub async fn open(source: &ImageSource, options: &Options) -> Result<Box<dyn Source>, Error> {
    let limits = options.limits;
    Ok(match source {
        ImageSource::Registry(reference) => Box::new(Registry::new(reference.clone(), options)?),
        ImageSource::OciDir { path, tag } => {
            let name = source.to_string();
            Box::new(Layout::new(name, Place::Directory(path.clone()), tag.clone(), limits))
        }
        ImageSource::OciArchive { path, tag } => {
            let place = Place::Archive(TarFile::open(path.clone(), limits.archive_members).await?);
            Box::new(Layout::new(source.to_string(), place, tag.clone(), limits))
        }
        ImageSource::DockerArchive { path, tag } => {
            let file = TarFile::open(path.clone(), limits.archive_members).await?;
            Box::new(DockerArchive::new(file, tag.clone(), limits))
        }
        ImageSource::Rootfs { path } => {
            let platform = options.platform.clone().unwrap_or_else(Platform::host_linux);
            Box::new(Rootfs::new(path.clone(), platform, limits))
        }
    })
}
