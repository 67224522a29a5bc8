//! How the roles of a fleet reach registries.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_oci::{Credentials, EcrLogin, EcrTokens, Options, RegistryMap, Source};
use plimsoll_types::{Digest, ImageSource, LayerSource, Reference, Tenant};

/// What a role knows of registries: the credentials it may use, by name, and how it connects.
///
/// Messages and rows name a credential; only here is a name turned into a file with secrets.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// A Docker `config.json` per name of a credential: those of single tenants, and those that every tenant may use.
    pub credentials: BTreeMap<(Option<Tenant>, String), PathBuf>,
    /// Where single registries answer, and which credentials scans of them use that name none.
    pub map: Arc<RegistryMap>,
    /// Tokens of those that are in ECR.
    pub ecr: EcrTokens,
    /// Everything else of how a registry is spoken to: HTTP client with its address guard, bounds, backoff.
    pub options: Options,
}

impl Registries {
    /// The source of an image, as a tenant reaches it. Another tenant's credential is to it as one that is not there.
    pub async fn image(
        &self,
        tenant: &Tenant,
        reference: &Reference,
        credential: Option<&str>,
        plain_http: bool,
    ) -> Result<Arc<dyn Source>, plimsoll_oci::Error> {
        let options = self.options(tenant, reference, credential, plain_http)?;
        plimsoll_oci::open(&ImageSource::Registry(reference.clone()), &options).await.map(Arc::from)
    }

    /// How a tenant speaks to the registry of `reference`.
    ///
    /// # Errors
    /// The tenant has no credential of this name.
    pub fn options(
        &self,
        tenant: &Tenant,
        reference: &Reference,
        credential: Option<&str>,
        plain_http: bool,
    ) -> Result<Options, plimsoll_oci::Error> {
        let mut options = Options { plain_http, ..self.options.clone() };
        let entry = self.map.find(&reference.registry);
        options.endpoint = entry.and_then(|entry| entry.endpoint.clone());
        // What the operator says of a registry counts for a scan that says nothing, if it is the tenant's to use.
        let own = entry.filter(|entry| credential.is_none() && entry.serves(tenant));
        let credential = credential.or_else(|| own.and_then(|entry| entry.credential.as_deref()));
        let ecr = own.map(|entry| entry.ecr_account(&reference.registry)).transpose()?.flatten();
        match (credential, ecr) {
            (Some(name), _) => options.docker_config = Some(self.named(tenant, name, reference)?),
            (None, Some(account)) => {
                // Whoever submits a scan does not decide that the operator's token travels in the clear.
                options.plain_http = false;
                options.ecr = Some(EcrLogin { tokens: self.ecr.clone(), account });
            }
            (None, None) => options.credentials = Some(Credentials::Anonymous),
        }
        Ok(options)
    }

    fn named(
        &self,
        tenant: &Tenant,
        name: &str,
        reference: &Reference,
    ) -> Result<PathBuf, plimsoll_oci::Error> {
        self.file(tenant, name).cloned().ok_or_else(|| plimsoll_oci::Error::Unauthorized {
            what: reference.to_string(),
            registry: reference.registry.clone(),
            detail: format!("tenant {tenant} has no credential named {name:?} in this process"),
        })
    }

    fn file(&self, tenant: &Tenant, name: &str) -> Option<&PathBuf> {
        let of = |tenant: Option<&Tenant>| self.credentials.get(&(tenant.cloned(), name.to_owned()));
        of(Some(tenant)).or_else(|| of(None))
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
        let tenant = source.tenant.parse().map_err(|error| plimsoll_oci::Error::Unauthorized {
            what: reference.to_string(),
            registry: reference.registry.clone(),
            detail: format!("the job names no tenant: {error}"),
        })?;
        self.image(&tenant, &reference, source.credential.as_deref(), source.plain_http).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_own_credentials_and_those_of_all_and_no_others() {
        let tenant = |name: &str| name.parse::<Tenant>().unwrap();
        let credentials = [
            ((Some(tenant("a")), "own".to_owned()), "a-own".into()),
            ((Some(tenant("a")), "pull".to_owned()), "a-pull".into()),
            ((None, "pull".to_owned()), "pull".into()),
        ];
        let registries = Registries { credentials: credentials.into(), ..Registries::default() };
        let file = |of: &str, name| registries.file(&tenant(of), name).map(|file| file.to_str().unwrap());
        assert_eq!((file("a", "own"), file("b", "own")), (Some("a-own"), None));
        assert_eq!((file("a", "pull"), file("b", "pull")), (Some("a-pull"), Some("pull")));
    }
}
