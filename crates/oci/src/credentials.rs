//! Whose name we pull in.

mod docker_config;
mod helper;

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_types::Reference;

use crate::{EcrLogin, Error};
use docker_config::DockerConfig;

/// The key Docker keeps Docker Hub's credentials under.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A text that neither logs nor errors show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; for the wire only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a registry, or its token service, is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A name and a password (or access token).
    Basic {
        /// Name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// An OAuth2 refresh token, which the token service turns into access tokens.
    IdentityToken(Secret),
    /// A token for the registry itself.
    RegistryToken(Secret),
}

impl Credentials {
    /// The value of an `Authorization: Basic` header, if these are a name and a password.
    pub(crate) fn basic(&self) -> Option<Secret> {
        let Self::Basic { username, password } = self else { return None };
        let pair = format!("{username}:{}", password.expose());
        Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
    }
}

/// Where credentials are looked for.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    Given(Credentials),
    /// Docker's `config.json`, here or where Docker looks for it.
    Docker(Option<PathBuf>),
    /// Tokens of ECR, which end.
    Ecr(EcrLogin),
}

impl Lookup {
    /// Told that `credentials` were refused; true if others can be had.
    pub(crate) async fn refused(&self, credentials: &Credentials) -> bool {
        match self {
            Self::Given(_) | Self::Docker(_) => false,
            Self::Ecr(login) => {
                login.tokens.refused(&login.account, credentials).await;
                true
            }
        }
    }

    /// The credentials for `reference`. A configuration that is not there means none; one that is there and
    /// broken is an error, or a private image would be "not found".
    pub(crate) async fn find(&self, reference: &Reference) -> Result<Credentials, Error> {
        let path = match self {
            Self::Given(credentials) => return Ok(credentials.clone()),
            Self::Ecr(login) => return login.tokens.credentials(&login.account).await,
            Self::Docker(Some(path)) => path.clone(),
            Self::Docker(None) => match default_path() {
                Some(path) => path,
                None => return Ok(Credentials::Anonymous),
            },
        };
        let must_exist = matches!(self, Self::Docker(Some(_)));
        let Some(config) = DockerConfig::load(path, must_exist).await? else {
            return Ok(Credentials::Anonymous);
        };
        let server = match reference.registry.as_str() {
            "docker.io" => DOCKER_HUB,
            registry => registry,
        };
        if let Some(name) = config.helper(server)
            && let Some(found) = helper::get(name, server).await?
        {
            return Ok(found);
        }
        Ok(config.stored(reference)?.unwrap_or(Credentials::Anonymous))
    }
}

fn default_path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = set("DOCKER_CONFIG").or_else(|| set("HOME").map(|home| home.join(".docker")))?;
    Some(directory.join("config.json"))
}

#[cfg(test)]
mod tests;
