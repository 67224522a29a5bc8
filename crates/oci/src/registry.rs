//! A registry, spoken to as the OCI distribution specification has it.

mod auth;
mod challenge;
mod exchange;
mod listing;
mod repository;
mod resume;
mod token;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use plimsoll_http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use plimsoll_http::{Client, Config, Url, is_loopback};
use plimsoll_types::{Descriptor, Digest, Reference};

use crate::content::{check_size, digest_of, verify_descriptor};
use crate::credentials::Lookup;
use crate::document::media_type_of;
use crate::{BlobStream, Error, Fetched, Limits, Options, Source};
use auth::Authenticator;
use exchange::Exchange;
pub use listing::{Names, Place};
pub use repository::{Catalog, Head, Repository};

/// Docker Hub answers for `docker.io` under another name.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// Everything a manifest may be. The last lines are formats we do not read, so that they can be named.
const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.artifact.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v1+prettyjws";

/// The header registries announce a manifest's digest in.
const CONTENT_DIGEST: &str = "docker-content-digest";

pub(crate) struct Registry {
    reference: Reference,
    exchange: Arc<Exchange>,
    limits: Limits,
}

impl Registry {
    pub(crate) fn new(reference: Reference, options: &Options) -> Result<Self, Error> {
        let base = match &options.endpoint {
            Some(endpoint) => repository_url(endpoint.as_str().trim_end_matches('/'), &reference)?,
            None => base_url(&reference, options.plain_http)?,
        };
        let insecure = base.scheme() == "http";
        let http = match &options.http {
            Some(http) => http.clone(),
            None => Client::new(Config { allow_downgrade: options.plain_http, ..Config::default() })
                .map_err(|source| Error::unreachable(&reference.to_string(), source))?,
        };
        let lookup = match (&options.ecr, &options.credentials) {
            (Some(login), _) => Lookup::Ecr(login.clone()),
            (None, Some(given)) => Lookup::Given(given.clone()),
            (None, None) => Lookup::Docker(options.docker_config.clone()),
        };
        let authenticator = Authenticator::new(http.clone(), reference.clone(), lookup, insecure);
        let registry = reference.registry.clone();
        let exchange = Exchange::new(http, base, registry, authenticator, options.backoff);
        Ok(Self { reference, exchange: Arc::new(exchange), limits: options.limits })
    }

    async fn fetch_manifest(&self, selector: &str, digest: Option<&Digest>) -> Result<Fetched, Error> {
        let what = self.reference.to_string();
        let accept = [(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES))];
        let path = format!("manifests/{selector}");
        let (head, bytes) = self.exchange.get_capped(&what, &path, &accept, self.limits.manifest).await?;
        let actual = digest_of(&bytes);
        // The digest asked for binds. The one announced is for a tag all there is, and where it is of an
        // algorithm we do not know it says nothing.
        let announced = head.get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()?.parse().ok());
        for expected in digest.copied().into_iter().chain(announced) {
            if expected != actual {
                return Err(Error::DigestMismatch {
                    what: format!("the manifest of {what}"),
                    expected,
                    actual,
                });
            }
        }
        let stated = head.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type_of(stated, &bytes);
        let descriptor = Descriptor { media_type, digest: actual, size: bytes.len() as u64 };
        Ok(Fetched { descriptor, bytes })
    }

    fn part(&self, kind: &str, digest: &Digest) -> String {
        format!("{kind} {digest} of {}", self.reference)
    }
}

/// `scheme://host/v2/repository/`, or `scheme://host/v2/` for a registry as a whole.
fn base_url(reference: &Reference, plain_http: bool) -> Result<Url, Error> {
    let host = match reference.registry.as_str() {
        "docker.io" => DOCKER_HUB,
        registry => registry,
    };
    let at = |scheme: &str| repository_url(&format!("{scheme}://{host}"), reference);
    let plain = at("http")?;
    if plain_http || is_loopback(&plain) { Ok(plain) } else { at("https") }
}

fn repository_url(origin: &str, reference: &Reference) -> Result<Url, Error> {
    // A registry as a whole has no repository.
    let slash = if reference.repository.is_empty() { "" } else { "/" };
    format!("{origin}/v2/{}{slash}", reference.repository).parse().map_err(|error| {
        let why = format!("{origin:?} is no registry: {error}");
        Error::Unsupported { what: reference.to_string(), why }
    })
}

#[async_trait]
impl Source for Registry {
    async fn resolve(&self) -> Result<Fetched, Error> {
        self.fetch_manifest(&self.reference.selector(), self.reference.digest.as_ref()).await
    }

    async fn manifest(&self, digest: &Digest) -> Result<Fetched, Error> {
        self.fetch_manifest(&digest.to_string(), Some(digest)).await
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Bytes, Error> {
        let what = self.part("config", &descriptor.digest);
        check_size(&what, descriptor, self.limits.config)?;
        let mut bytes = Vec::new();
        let mut stream = self.blob(descriptor).await?;
        while let Some(chunk) = stream.try_next().await? {
            bytes.extend_from_slice(&chunk);
        }
        verify_descriptor(&what, bytes.into(), descriptor)
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream, Error> {
        let what = self.part("blob", &descriptor.digest);
        let opened = resume::open(Arc::clone(&self.exchange), what.clone(), descriptor).await;
        opened.map_err(|error| match error {
            Error::NotFound { .. } if is_foreign(&descriptor.media_type) => {
                Error::ForeignLayer { what, media_type: descriptor.media_type.clone() }
            }
            error => error,
        })
    }
}

/// Layers that registries refer to and need not hold (Windows base layers).
fn is_foreign(media_type: &str) -> bool {
    media_type.contains(".foreign.") || media_type.contains(".nondistributable.")
}

#[cfg(test)]
mod tests;
