//! How requests to one repository are authorised.

use std::time::Instant;

use plimsoll_http::header::HeaderValue;
use plimsoll_http::{Client, Url};
use plimsoll_types::Reference;
use tokio::sync::Mutex;

use super::challenge::Challenge;
use super::token::{self, Token};
use crate::credentials::Lookup;
use crate::{Credentials, Error, Secret};

/// Answers the registry's challenges. Nothing is shown to a registry that has not asked for it.
pub(super) struct Authenticator {
    http: Client,
    reference: Reference,
    lookup: Lookup,
    /// The registry itself is spoken to in plain HTTP, so its token service may be, too.
    insecure: bool,
    state: Mutex<State>,
}

/// Behind one lock, so that many requests that find a token stale renew it once.
#[derive(Default)]
struct State {
    credentials: Option<Credentials>,
    granted: Option<Granted>,
}

/// A way in that worked.
#[derive(Clone)]
enum Granted {
    Header(Secret),
    Token { token: Token, challenge: Challenge },
}

impl Granted {
    fn header(&self) -> Secret {
        match self {
            Self::Header(header) => header.clone(),
            Self::Token { token, .. } => Secret::new(format!("Bearer {}", token.secret.expose())),
        }
    }
}

impl Authenticator {
    pub(super) fn new(http: Client, reference: Reference, lookup: Lookup, insecure: bool) -> Self {
        Self { http, reference, lookup, insecure, state: Mutex::default() }
    }

    /// What to send before anything was refused: the last way in, its token renewed if it is about to end.
    pub(super) async fn current(&self) -> Result<Option<Secret>, Error> {
        let mut state = self.state.lock().await;
        let stale = match &state.granted {
            None => return Ok(None),
            Some(Granted::Token { token, challenge }) if !token.is_fresh(Instant::now()) => challenge.clone(),
            Some(granted) => return Ok(Some(granted.header())),
        };
        self.grant(&mut state, stale).await
    }

    /// What to send after a 401 to a request that carried `refused`. `None` if there is no other way in.
    pub(super) async fn answer(
        &self,
        challenge: Option<Challenge>,
        refused: Option<&Secret>,
    ) -> Result<Option<Secret>, Error> {
        let Some(challenge) = challenge else { return Ok(None) };
        let mut state = self.state.lock().await;
        // Somebody else may have renewed it while this request was under way.
        if let Some(granted) = &state.granted
            && refused != Some(&granted.header())
        {
            return Ok(Some(granted.header()));
        }
        state.granted = None;
        // A blob can take longer than the credentials last that it was begun with.
        if refused.is_some()
            && let Some(known) = &state.credentials
            && self.lookup.refused(known).await
        {
            state.credentials = None;
        }
        let header = self.grant(&mut state, challenge).await?;
        if header.as_ref() == refused {
            state.granted = None;
            return Ok(None);
        }
        Ok(header)
    }

    /// Answers `challenge`; `None` if there is nothing to answer it with.
    async fn grant(&self, state: &mut State, challenge: Challenge) -> Result<Option<Secret>, Error> {
        let credentials = if let Some(known) = &state.credentials {
            known.clone()
        } else {
            let found = self.lookup.find(&self.reference).await?;
            state.credentials.insert(found).clone()
        };
        let granted = match (&challenge, &credentials) {
            (_, Credentials::RegistryToken(token)) => {
                Granted::Header(Secret::new(format!("Bearer {}", token.expose())))
            }
            (Challenge::Basic, _) => match credentials.basic() {
                Some(basic) => Granted::Header(basic),
                None => return Ok(None),
            },
            (Challenge::Bearer { realm, service, scope }, _) => {
                let token = self.fetch(realm, service.as_deref(), scope.as_deref(), &credentials).await?;
                Granted::Token { token, challenge }
            }
        };
        Ok(Some(state.granted.insert(granted).header()))
    }

    async fn fetch(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
        credentials: &Credentials,
    ) -> Result<Token, Error> {
        let what = self.reference.to_string();
        let realm = self.check_realm(realm)?;
        let pull = match self.reference.repository.as_str() {
            "" => "registry:catalog:*".to_owned(),
            repository => format!("repository:{repository}:pull"),
        };
        // Some registries ask for a scope of their own making; ours is the least that can work.
        let scope = scope.filter(|scope| !scope.is_empty()).unwrap_or(&pull);
        let registry = &self.reference.registry;
        token::fetch(&self.http, &what, registry, realm, service, scope, credentials).await
    }

    /// A token service over plain HTTP would show the credentials to everybody on the way, and whoever can
    /// forge a challenge could ask for that.
    fn check_realm(&self, realm: &str) -> Result<Url, Error> {
        let denied = |why: &str| Error::Unauthorized {
            what: self.reference.to_string(),
            registry: self.reference.registry.clone(),
            detail: format!("its token service {:?} {why}", realm.chars().take(200).collect::<String>()),
        };
        let url: Url = realm.parse().map_err(|_| denied("is not a URL"))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.insecure => Ok(url),
            _ => Err(denied("is not https, and credentials are not sent in the clear")),
        }
    }
}

/// A header value that logs do not show.
pub(super) fn sensitive(secret: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| Error::Credentials {
        what: "the credentials".to_owned(),
        why: "they hold characters that cannot be sent; log in again".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
