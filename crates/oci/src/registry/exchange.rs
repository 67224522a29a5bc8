//! One authorised, retried GET, and what its failures mean.

use bytes::Bytes;
use plimsoll_http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use plimsoll_http::{Backoff, Client, Method, Request, Response, Url, same_origin};
use serde::Deserialize;

use super::auth::{Authenticator, sensitive};
use super::challenge;
use crate::Error;

/// How many different answers to a challenge are tried per request: a token, and a new token.
const MAX_ANSWERS: u32 = 2;

/// Bytes of an error's body that are looked at.
const MAX_DETAIL: u64 = 64 * 1024;

/// Headers of one request.
pub(super) type Headers<'a> = &'a [(HeaderName, HeaderValue)];

/// Requests to one repository.
pub(super) struct Exchange {
    http: Client,
    base: Url,
    registry: String,
    authenticator: Authenticator,
    backoff: Backoff,
}

impl Exchange {
    pub(super) fn new(
        http: Client,
        base: Url,
        registry: String,
        authenticator: Authenticator,
        backoff: Backoff,
    ) -> Self {
        Self { http, base, registry, authenticator, backoff }
    }

    pub(super) fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// The successful answer for `path`, or why there is none. What may pass is tried again.
    pub(super) async fn get(&self, what: &str, path: &str, headers: Headers<'_>) -> Result<Response, Error> {
        let mut failures = 0;
        loop {
            match self.attempt(what, path, headers).await {
                Ok(response) => return Ok(response),
                Err(error) => self.pause(&mut failures, error).await?,
            }
        }
    }

    /// The head of the successful answer for `path`, or why there is none. What may pass is tried again.
    pub(super) async fn head(&self, what: &str, path: &str, headers: Headers<'_>) -> Result<Response, Error> {
        let mut failures = 0;
        loop {
            match self.ask(Method::HEAD, what, path, headers).await {
                Ok(response) => return Ok(response),
                Err(error) => self.pause(&mut failures, error).await?,
            }
        }
    }

    /// Path and query of `target`, as a page of the listing at `path` names it, if it is a page of that listing.
    pub(super) fn within(&self, target: &str, path: &str) -> Result<String, &'static str> {
        let url = self.base.join(path).and_then(|listing| listing.join(target));
        let url = url.map_err(|_| "its next page is no URL")?;
        // Behind a proxy a registry may take itself for another scheme or host: what counts is where we ask.
        if url.path() != path {
            return Err("its next page is of another listing");
        }
        Ok(match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        })
    }

    /// Head and body of the successful answer for `path`, the body at most `limit` bytes.
    pub(super) async fn get_capped(
        &self,
        what: &str,
        path: &str,
        headers: Headers<'_>,
        limit: u64,
    ) -> Result<(HeaderMap, Bytes), Error> {
        let mut failures = 0;
        loop {
            let read = async {
                let response = self.attempt(what, path, headers).await?;
                let head = response.headers().clone();
                let body = response.bytes_capped(limit).await;
                Ok((head, body.map_err(|source| Error::unreachable(what, source))?))
            };
            match read.await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.pause(&mut failures, error).await?,
            }
        }
    }

    /// Waits for the next attempt, or gives `error` back if there is none.
    async fn pause(&self, failures: &mut u32, error: Error) -> Result<(), Error> {
        *failures += 1;
        match self.backoff.delay(*failures, error.retry()) {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
            None => Err(error),
        }
    }

    /// One attempt of a GET.
    pub(super) async fn attempt(
        &self,
        what: &str,
        path: &str,
        headers: Headers<'_>,
    ) -> Result<Response, Error> {
        self.ask(Method::GET, what, path, headers).await
    }

    /// One attempt; a challenge that can be answered is part of it.
    async fn ask(
        &self,
        method: Method,
        what: &str,
        path: &str,
        headers: Headers<'_>,
    ) -> Result<Response, Error> {
        let url = self.base.join(path).map_err(|error| Error::Unsupported {
            what: what.to_owned(),
            why: format!("{path:?} is no path: {error}"),
        })?;
        let mut authorization = self.authenticator.current().await?;
        let mut answers = 0;
        loop {
            let mut request = Request::new(method.clone(), url.clone());
            for (name, value) in headers {
                request = request.header(name.clone(), value.clone());
            }
            if let Some(secret) = &authorization {
                request = request.header(AUTHORIZATION, sensitive(secret)?);
            }
            let sent = self.http.send(request).await;
            let response = sent.map_err(|source| Error::unreachable(what, source))?;
            if response.status().is_success() {
                return Ok(response);
            }
            // A challenge of a host we were redirected to is not the registry's, and gets nothing.
            let challenged = response.status() == 401 && same_origin(&url, response.url());
            if challenged && answers < MAX_ANSWERS {
                let offered = response.headers().get_all(WWW_AUTHENTICATE);
                let challenge = challenge::best(offered.iter().filter_map(|value| value.to_str().ok()));
                let answer = self.authenticator.answer(challenge, authorization.as_ref()).await?;
                if answer.is_some() {
                    authorization = answer;
                    answers += 1;
                    continue;
                }
            }
            return Err(failure(what, &self.registry, response).await);
        }
    }
}

/// The errors document of the distribution specification.
#[derive(Default, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<Item>,
    /// What token services say instead.
    #[serde(default)]
    details: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What an answer that is no success means. The text is for people; the status alone decides.
pub(super) async fn failure(what: &str, registry: &str, response: Response) -> Error {
    let (status, retry, retry_after) = (response.status(), response.retry(), response.retry_after());
    let body = response.bytes_capped(MAX_DETAIL).await.unwrap_or_default();
    let (what, detail) = (what.to_owned(), detail(&body));
    match status.as_u16() {
        401 => {
            let detail = if detail.is_empty() { "the registry wants credentials".to_owned() } else { detail };
            Error::Unauthorized { what, registry: registry.to_owned(), detail }
        }
        403 => {
            let detail = if detail.is_empty() { "the registry gives no reason".to_owned() } else { detail };
            Error::Denied { what, detail }
        }
        404 => Error::NotFound { what, detail },
        429 => Error::RateLimited { what, retry_after },
        status => Error::Registry { what, status, detail, retry },
    }
}

fn detail(body: &[u8]) -> String {
    let Errors { errors, details } = serde_json::from_slice(body).unwrap_or_default();
    let said = match errors.first() {
        Some(Item { code, message }) if code.is_empty() => message.clone(),
        Some(Item { code, message }) if message.is_empty() => code.clone(),
        Some(Item { code, message }) => format!("{code}: {message}"),
        None => details.unwrap_or_default(),
    };
    // It ends on somebody's terminal.
    said.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_shown_without_control_characters() {
        for (body, text) in [
            (r#"{"errors":[{"code":"DENIED","message":"no \u001b[31mway"}]}"#, "DENIED: no [31mway"),
            (r#"{"errors":[{"code":"X"}]}"#, "X"),
            (r#"{"details":"incorrect username or password"}"#, "incorrect username or password"),
            ("<html>", ""),
            ("", ""),
        ] {
            assert_eq!(detail(body.as_bytes()), text);
        }
        let long = format!(r#"{{"errors":[{{"message":"{}"}}]}}"#, "é".repeat(1000));
        assert_eq!(detail(long.as_bytes()).chars().count(), 300);
    }
}
