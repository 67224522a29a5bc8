//! Webhooks: who may send something, and what becomes of it. Listening is another crate's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_http::header::{HeaderMap, HeaderName};
use plimsoll_types::{Reference, Tenant};
use serde::Deserialize;

use crate::error::passes;
use crate::proof::{Proof, Secret};
use crate::submitter::Act;
use crate::{Malformed, Outcome, Rejection, Source, Submitter, WebhooksError, sources};

/// The header of a signature, if the configuration names no other one.
const SIGNATURE: &str = "x-hub-signature-256";

/// The name under which is counted what comes for a source there is not.
const NOBODY: &str = "unknown";

/// Those who may send something.
pub struct Webhooks {
    entries: Vec<Entry>,
    submitter: Arc<dyn Act>,
}

struct Entry {
    source: &'static dyn Source,
    registry: String,
    tenant: Option<Tenant>,
    proof: Proof,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    webhooks: Vec<Written>,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    source: String,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    tenant: Option<Tenant>,
    #[serde(default)]
    secret_file: Option<PathBuf>,
    #[serde(default)]
    signature: Option<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    secret_file: PathBuf,
    #[serde(default)]
    header: Option<String>,
}

impl Webhooks {
    /// The most bytes of a webhook: far more than any registry sends.
    pub const MAX_BODY: usize = 1 << 20;

    /// Reads a configuration (YAML, see the README of this crate); `read` gives the text of a secret's file.
    ///
    /// # Errors
    /// The first mistake, with the number of its entry. No secret is part of it.
    pub fn parse(
        text: &str,
        read: impl Fn(&Path) -> std::io::Result<String>,
        submitter: Arc<Submitter>,
    ) -> Result<Self, WebhooksError> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| {
            // What follows the first line is a drawing of the place.
            WebhooksError(error.to_string().lines().next().unwrap_or("it cannot be read").to_owned())
        })?;
        let mut entries: Vec<Entry> = Vec::new();
        for (at, written) in file.webhooks.into_iter().enumerate() {
            let mistake = |why: String| WebhooksError(format!("webhook {}: {why}", at + 1));
            let entry = Entry::of(written, &read).map_err(mistake)?;
            if entries.iter().any(|other| entry.cannot_be_told_from(other)) {
                let why = format!("another webhook of {} has the same secret", entry.source.name());
                return Err(mistake(why));
            }
            entries.push(entry);
        }
        Ok(Self { entries, submitter })
    }

    /// The paths there are: names of sources.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.entries.iter().map(|entry| entry.source.name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a body may be read that comes for a source with these headers: nobody who shows nothing gets to send one.
    pub fn admit<'w>(&'w self, source: &str, headers: &'w HeaderMap) -> Result<Admission<'w>, Rejection> {
        let mut entries: Vec<&Entry> = self.entries.iter().filter(|it| it.source.name() == source).collect();
        let Some(known) = entries.first().map(|entry| entry.source) else {
            self.submitter.count(NOBODY, Outcome::Stranger);
            return Err(Rejection::Unknown(self.names().join(", ")));
        };
        entries.retain(|entry| entry.proof.may_hold(headers));
        if entries.is_empty() {
            self.submitter.count(known.name(), Outcome::Stranger);
            return Err(Rejection::Stranger("show it as the Authorization header, or sign the body with it"));
        }
        Ok(Admission { webhooks: self, source: known, entries, headers })
    }
}

/// A webhook whose body may be read.
pub struct Admission<'w> {
    webhooks: &'w Webhooks,
    source: &'static dyn Source,
    entries: Vec<&'w Entry>,
    headers: &'w HeaderMap,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Scans that were submitted.
    pub submitted: u32,
    /// Events that came before.
    pub duplicates: u32,
    /// Tags, or images with all their tags, that were marked as gone.
    pub gone: u32,
    /// What was nothing to us.
    pub ignored: u32,
}

impl Admission<'_> {
    /// Its body is larger than [`Webhooks::MAX_BODY`], so nobody reads it.
    pub fn too_large(self) -> Rejection {
        self.count(Outcome::Malformed);
        Rejection::TooLarge(Webhooks::MAX_BODY)
    }

    /// Its body does not come.
    pub fn broken_off(self) -> Rejection {
        self.count(Outcome::Malformed);
        Rejection::Malformed(Malformed::new("the body broke off, or took too long"))
    }

    /// Acts on the body. `Ok` means that all of it is durable.
    ///
    /// # Errors
    /// Nothing was submitted, except if the state failed: then some of it may have been, and sending it again does the rest.
    pub async fn take(self, body: &[u8]) -> Result<Receipt, Rejection> {
        if body.len() > Webhooks::MAX_BODY {
            return Err(self.too_large());
        }
        let Some(entry) = self.entries.iter().find(|entry| entry.proof.holds(self.headers, body)) else {
            self.count(Outcome::Stranger);
            return Err(Rejection::Stranger("the signature is of another body, or by another secret"));
        };
        let readings = self.source.read(body, &entry.registry).inspect_err(|why| {
            self.count(Outcome::Malformed);
            tracing::warn!(trigger = self.source.name(), %why, "a webhook is turned away");
        })?;
        let mut receipt = Receipt::default();
        for reading in &readings {
            let acted = self.webhooks.submitter.act(self.source.name(), entry.tenant.as_ref(), reading).await;
            let outcome = acted.map_err(|error| self.failed(error))?;
            *match outcome {
                Outcome::Submitted => &mut receipt.submitted,
                Outcome::Duplicate => &mut receipt.duplicates,
                Outcome::Gone => &mut receipt.gone,
                _ => &mut receipt.ignored,
            } += 1;
        }
        Ok(receipt)
    }

    fn failed(&self, error: plimsoll_state::Error) -> Rejection {
        self.count(Outcome::Failed);
        tracing::warn!(trigger = self.source.name(), %error, passes = passes(&error), "an event could not be taken");
        match error {
            plimsoll_state::Error::Request(why) => Rejection::Malformed(Malformed::new(why.to_string())),
            error => Rejection::State(error),
        }
    }

    fn count(&self, outcome: Outcome) {
        self.webhooks.submitter.count(self.source.name(), outcome);
    }
}

impl Entry {
    fn of(written: Written, read: impl Fn(&Path) -> std::io::Result<String>) -> Result<Self, String> {
        let source = sources::by_name(&written.source).ok_or_else(|| {
            let names: Vec<_> = sources::ALL.iter().map(|source| source.name()).collect();
            format!("there is no source {:?}; there are: {}", written.source, names.join(", "))
        })?;
        let registry = match (source.names_its_registry(), written.registry) {
            (true, None) => String::new(),
            (false, Some(registry)) if is_registry(&registry) => registry,
            (false, Some(registry)) => {
                return Err(format!("registry {registry:?} is not HOST.DOMAIN or HOST:PORT"));
            }
            (true, Some(_)) => {
                return Err(format!("events of {} say in which registry they are", source.name()));
            }
            // A host in an event is what whoever pushed called the registry, so it is not believed.
            (false, None) => {
                return Err("it names no registry: the host its images are pulled from".to_owned());
            }
        };
        let secret = |file: &Path| {
            let text = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Secret::of(&text).map_err(|why| format!("the secret in {}: {why}", file.display()))
        };
        let proof = match (written.secret_file, written.signature) {
            (Some(file), None) => Proof::Shown(secret(&file)?),
            (None, Some(signature)) => {
                let name = signature.header.unwrap_or_else(|| SIGNATURE.to_owned());
                let header = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("{name:?} is not the name of a header"))?;
                Proof::Signed(secret(&signature.secret_file)?, header)
            }
            _ => {
                return Err(
                    "it needs either secret_file or signature, so that not everybody can send".to_owned()
                );
            }
        };
        Ok(Self { source, registry, tenant: written.tenant, proof })
    }

    fn cannot_be_told_from(&self, other: &Self) -> bool {
        self.source.name() == other.source.name() && self.proof.secret().is_same(other.proof.secret())
    }
}

fn is_registry(host: &str) -> bool {
    format!("{host}/x").parse::<Reference>().is_ok_and(|reference| reference.registry == host)
}

#[cfg(test)]
mod tests;
