//! A registry beyond one image: its catalogue, and the tags and manifests of one repository.

use std::sync::Arc;

use plimsoll_http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use plimsoll_types::{Digest, Reference};

use super::exchange::Exchange;
use super::listing::{Names, Place};
use super::{CONTENT_DIGEST, MANIFEST_TYPES, Registry};
use crate::{Error, Fetched, Options, Source};

/// The catalogue of a registry.
pub struct Catalog {
    exchange: Arc<Exchange>,
    registry: String,
}

/// One repository of a registry.
pub struct Repository {
    registry: Registry,
}

/// What a registry says of a manifest without giving it. Its word only: a manifest that is fetched is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The digest, if it tells.
    pub digest: Option<Digest>,
    /// The media type, if it tells.
    pub media_type: String,
    /// The size in bytes, if it tells.
    pub size: Option<u64>,
}

impl Catalog {
    /// The catalogue of `registry`. Nothing is asked yet.
    pub fn new(registry: &str, options: &Options) -> Result<Self, Error> {
        let registry = registry.to_owned();
        let reference =
            Reference { registry: registry.clone(), repository: String::new(), tag: None, digest: None };
        Ok(Self { exchange: Registry::new(reference, options)?.exchange, registry })
    }

    /// The repositories, from `place` on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for registries that are known to have no catalogue: their repositories have to be named.
    pub fn repositories(&self, place: &Place) -> Result<Names, Error> {
        let what = format!("the catalogue of {}", self.registry);
        let closed = match self.registry.as_str() {
            "docker.io" => Some("Docker Hub has no catalogue; name the repositories"),
            registry if registry.contains(".dkr.ecr.") => Some(
                "ECR lists repositories by an API of its own, which is not spoken here yet; name the repositories",
            ),
            _ => None,
        };
        if let Some(why) = closed {
            return Err(Error::Unsupported { what, why: why.to_owned() });
        }
        Ok(Names::new(Arc::clone(&self.exchange), what, "/v2/_catalog".to_owned(), "repositories", place))
    }
}

impl Repository {
    /// The repository `name` of `registry`. Nothing is asked yet.
    pub fn new(registry: &str, name: &str, options: &Options) -> Result<Self, Error> {
        let reference =
            Reference { registry: registry.to_owned(), repository: name.to_owned(), tag: None, digest: None };
        Ok(Self { registry: Registry::new(reference, options)? })
    }

    /// Its tags, from `place` on.
    pub fn tags(&self, place: &Place) -> Names {
        let reference = &self.registry.reference;
        let what = format!("the tags of {reference}");
        let path = format!("/v2/{}/tags/list", reference.repository);
        Names::new(Arc::clone(&self.registry.exchange), what, path, "tags", place)
    }

    /// What the registry says of a tag.
    pub async fn head(&self, tag: &str) -> Result<Head, Error> {
        let what = format!("{}:{tag}", self.registry.reference);
        let accept = [(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES))];
        let response = self.registry.exchange.head(&what, &format!("manifests/{tag}"), &accept).await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        Ok(Head {
            digest: header(CONTENT_DIGEST).and_then(|text| text.parse().ok()),
            media_type: header(CONTENT_TYPE.as_str()).unwrap_or_default().chars().take(200).collect(),
            size: header(CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok()),
        })
    }

    /// The manifest or index a tag names.
    pub async fn fetch(&self, tag: &str) -> Result<Fetched, Error> {
        self.registry.fetch_manifest(tag, None).await
    }

    /// Its manifests and configs by digest.
    pub fn source(&self) -> &dyn Source {
        &self.registry
    }
}
