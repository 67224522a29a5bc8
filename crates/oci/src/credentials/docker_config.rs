//! Docker's `config.json`, as far as it says how to log in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use plimsoll_types::Reference;
use serde::Deserialize;

use super::{Credentials, DOCKER_HUB, Secret};
use crate::Error;
use crate::blocking::read_capped;

const MAX_CONFIG: u64 = 4 << 20;

/// Docker and Podman pad, others do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug)]
pub(super) struct DockerConfig {
    path: PathBuf,
    raw: Raw,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(default)]
    auths: Option<BTreeMap<String, Auth>>,
    #[serde(default)]
    cred_helpers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Auth {
    #[serde(default, rename = "auth")]
    encoded: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    identitytoken: Option<String>,
    #[serde(default)]
    registrytoken: Option<String>,
}

impl DockerConfig {
    /// Reads `path`; `None` if it is not there and need not be.
    pub(super) async fn load(path: PathBuf, must_exist: bool) -> Result<Option<Self>, Error> {
        let bytes = match read_capped(path.clone(), MAX_CONFIG).await {
            Err(Error::Io { source, .. }) if !must_exist && source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            read => read?,
        };
        // The error of serde_json names line and column, and never shows the content.
        let raw = serde_json::from_slice(&bytes).map_err(|error| Error::Credentials {
            what: path.display().to_string(),
            why: format!("not a Docker configuration: {}", syntax_only(&error)),
        })?;
        Ok(Some(Self { path, raw }))
    }

    /// The helper responsible for `server`.
    pub(super) fn helper(&self, server: &str) -> Option<&str> {
        let special = self.raw.cred_helpers.iter().flatten().find(|(key, _)| host_of(key) == host_of(server));
        let name = special.map(|(_, name)| name).or(self.raw.creds_store.as_ref())?;
        (!name.is_empty()).then_some(name.as_str())
    }

    /// The credentials in the file itself. Keys may name a repository or a part of one, as Podman's do; the
    /// longest that fits wins.
    pub(super) fn stored(&self, reference: &Reference) -> Result<Option<Credentials>, Error> {
        let mut wanted = format!("{}/{}", host_of(&reference.registry), reference.repository);
        loop {
            let fits =
                |key: &str| trimmed(key) == wanted || (!wanted.contains('/') && host_of(key) == wanted);
            // An exact key before one that only has the host in common with it.
            let auths = || self.raw.auths.iter().flatten();
            let found = auths()
                .find(|(key, _)| trimmed(key) == wanted)
                .or_else(|| auths().find(|(key, _)| fits(key) && !is_namespaced(key)));
            if let Some((key, auth)) = found
                && let Some(credentials) = self.read(key, auth)?
            {
                return Ok(Some(credentials));
            }
            match wanted.rfind('/') {
                Some(at) => wanted.truncate(at),
                None => return Ok(None),
            }
        }
    }

    fn read(&self, key: &str, auth: &Auth) -> Result<Option<Credentials>, Error> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&auth.registrytoken) {
            return Ok(Some(Credentials::RegistryToken(Secret::new(token))));
        }
        if let Some(token) = filled(&auth.identitytoken) {
            return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
        }
        let (username, password) = match filled(&auth.encoded) {
            Some(encoded) => self.decode(key, &encoded)?,
            None => match (filled(&auth.username), filled(&auth.password)) {
                (Some(username), Some(password)) => (username, password),
                _ => return Ok(None),
            },
        };
        Ok(Some(Credentials::Basic { username, password: Secret::new(password) }))
    }

    fn decode(&self, key: &str, encoded: &str) -> Result<(String, String), Error> {
        let decoded = BASE64.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
        let (username, password) = pair.ok_or_else(|| Error::Credentials {
            what: self.path.display().to_string(),
            why: format!("`auth` of {key:?} is not base64 of name:password; log in again"),
        })?;
        // Docker trims NULs, which old versions padded with.
        Ok((username.to_owned(), password.trim_matches('\0').to_owned()))
    }
}

/// Without scheme and trailing slash.
fn trimmed(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.trim_end_matches('/')
}

/// The host of a key, Docker Hub's many names made one.
fn host_of(key: &str) -> &str {
    match trimmed(key).split('/').next().unwrap_or_default() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

/// True for `host/namespace`; false for `https://host/v1/`, which Docker means the whole host by.
fn is_namespaced(key: &str) -> bool {
    key != DOCKER_HUB
        && !key.contains("://")
        && trimmed(key).split_once('/').is_some_and(|(_, path)| !matches!(path, "v1" | "v2"))
}

fn syntax_only(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}
