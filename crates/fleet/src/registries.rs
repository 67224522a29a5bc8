//! How the roles of a fleet reach registries.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_oci::{Options, Source};
use plimsoll_types::{Digest, ImageSource, LayerSource, Reference};

/// What a role knows of registries: the credentials it may use, by name, and how it connects.
///
/// Messages and rows name a credential; only here is a name turned into a file with secrets.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// A Docker `config.json` per name of a credential.
    pub credentials: BTreeMap<String, PathBuf>,
    /// Everything else of how a registry is spoken to: HTTP client with its address guard, bounds, backoff.
    pub options: Options,
}

impl Registries {
    /// The source of an image.
    pub async fn image(
        &self,
        reference: &Reference,
        credential: Option<&str>,
        plain_http: bool,
    ) -> Result<Arc<dyn Source>, plimsoll_oci::Error> {
        let mut options = Options { plain_http, ..self.options.clone() };
        match credential {
            None => options.credentials = Some(plimsoll_oci::Credentials::Anonymous),
            Some(name) => {
                let file = self.credentials.get(name).ok_or_else(|| plimsoll_oci::Error::Unauthorized {
                    what: reference.to_string(),
                    registry: reference.registry.clone(),
                    detail: format!("this process has no credential named {name:?}"),
                })?;
                options.docker_config = Some(file.clone());
            }
        }
        plimsoll_oci::open(&ImageSource::Registry(reference.clone()), &options).await.map(Arc::from)
    }

    /// The source of a layer.
    pub async fn layer(
        &self,
        source: &LayerSource,
        digest: Digest,
    ) -> Result<Arc<dyn Source>, plimsoll_oci::Error> {
        let reference = Reference {
            registry: source.registry.clone(),
            repository: source.repository.clone(),
            tag: None,
            digest: Some(digest),
        };
        self.image(&reference, source.credential.as_deref(), source.plain_http).await
    }
}
