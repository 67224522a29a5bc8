//! Access tokens (distribution project, "Token Authentication" and "OAuth2 Token Authentication").

use std::time::{Duration, Instant};

use plimsoll_http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use plimsoll_http::{Client, Method, Request, Url};
use serde::Deserialize;

use super::auth::sensitive;
use super::exchange::failure;
use crate::{Credentials, Error, Secret};

const MAX_ANSWER: u64 = 1 << 20;

/// What the specification says a token lasts if the service does not.
const DEFAULT_LIFE: u64 = 60;

/// A token is renewed this long before its end, so that a request under way does not outlive it.
const MARGIN: Duration = Duration::from_secs(10);

/// Longest life that is believed.
const MAX_LIFE: u64 = 24 * 60 * 60;

/// An access token and its end.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) secret: Secret,
    renew_at: Instant,
}

impl Token {
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.renew_at
    }

    fn new(secret: String, life: Option<u64>, now: Instant) -> Self {
        let life = Duration::from_secs(life.unwrap_or(DEFAULT_LIFE).min(MAX_LIFE));
        // A token that lasts less than the margin is used for half its life rather than never.
        let usable = life.saturating_sub(MARGIN).max(life / 2);
        Self { secret: Secret::new(secret), renew_at: now + usable }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// A token for `scope` from the service at `realm`, for whom `credentials` name.
pub(super) async fn fetch(
    http: &Client,
    what: &str,
    registry: &str,
    realm: Url,
    service: Option<&str>,
    scope: &str,
    credentials: &Credentials,
) -> Result<Token, Error> {
    let request = match credentials {
        Credentials::IdentityToken(token) => by_refresh_token(realm, service, scope, token),
        _ => by_get(realm, service, scope, credentials)?,
    };
    let asked = Instant::now();
    let response = http.send(request).await.map_err(|source| Error::unreachable(what, source))?;
    if !response.status().is_success() {
        return Err(failure(what, registry, response).await);
    }
    let status = response.status().as_u16();
    let url = response.url().host_str().unwrap_or_default().to_owned();
    let body = response.bytes_capped(MAX_ANSWER).await.map_err(|source| Error::unreachable(what, source))?;
    let answer: Option<Answer> = serde_json::from_slice(&body).ok();
    let token = answer.and_then(|answer| {
        let filled = |token: Option<String>| token.filter(|token| !token.is_empty());
        let secret = filled(answer.token).or_else(|| filled(answer.access_token))?;
        Some(Token::new(secret, answer.expires_in, asked))
    });
    token.ok_or_else(|| Error::Registry {
        what: what.to_owned(),
        status,
        detail: format!("the token service {url} gave no token"),
        retry: plimsoll_types::Retry::Never,
    })
}

fn by_get(
    mut realm: Url,
    service: Option<&str>,
    scope: &str,
    credentials: &Credentials,
) -> Result<Request, Error> {
    {
        let mut query = realm.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", scope);
    }
    let request = Request::get(realm);
    Ok(match credentials.basic() {
        Some(basic) => request.header(AUTHORIZATION, sensitive(&basic)?),
        None => request,
    })
}

fn by_refresh_token(realm: Url, service: Option<&str>, scope: &str, token: &Secret) -> Request {
    // The URL type is the only form encoder at hand: a query is one.
    let mut form = realm.clone();
    form.set_query(None);
    form.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("service", service.unwrap_or_default())
        .append_pair("client_id", "plimsoll")
        .append_pair("scope", scope)
        .append_pair("refresh_token", token.expose());
    let body = form.query().unwrap_or_default().to_owned();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Request::new(Method::POST, realm).header(CONTENT_TYPE, form_type).body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_before_they_end() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        for (life, fresh, stale) in [(Some(300), 289, 290), (None, 49, 50), (Some(4), 1, 2), (Some(0), 0, 0)]
        {
            let token = Token::new("t".into(), life, now);
            assert!(life == Some(0) || token.is_fresh(now + second * fresh), "{life:?}");
            assert!(!token.is_fresh(now + second * stale), "{life:?}");
        }
        assert!(!Token::new("t".into(), Some(u64::MAX), now).is_fresh(now + second * 86_400));
    }
}
