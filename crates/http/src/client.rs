//! The client.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION, PROXY_AUTHORIZATION};
use reqwest::{Method, Url};

use crate::error::{Error, host_of, shown};
use crate::origin::{host_address, is_loopback, same_origin};
use crate::transport::{Timeouts, Transports};
use crate::{AddressPolicy, Backoff, Request, Response};

/// Where proxies come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case. Loopback is never proxied.
    #[default]
    Environment,
    /// This one for everything but loopback.
    Url(String),
    /// None.
    None,
}

/// How a [`Client`] behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it may connect to. A guarded client uses no proxy: the proxy would do the connecting, where the
    /// guard cannot see it.
    pub policy: AddressPolicy,
    /// Proxies.
    pub proxy: Proxy,
    /// Longest wait for a connection, TLS included. 10 s.
    pub connect_timeout: Duration,
    /// Longest wait for the next bytes, not for the whole body. 60 s.
    pub read_timeout: Duration,
    /// Redirects followed per request. 10.
    pub redirects: u32,
    /// Whether a redirect may lead from https to http. No.
    pub allow_downgrade: bool,
    /// How often and how patiently [`Client::fetch_text`] tries.
    pub backoff: Backoff,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: AddressPolicy::anywhere(),
            proxy: Proxy::Environment,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            redirects: 10,
            allow_downgrade: false,
            backoff: Backoff::default(),
        }
    }
}

/// An HTTP client; clones share its connections.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    policy: Arc<AddressPolicy>,
    redirects: u32,
    allow_downgrade: bool,
    backoff: Backoff,
    transports: Transports,
}

impl Client {
    /// A client. Must be called in a Tokio runtime.
    pub fn new(config: Config) -> Result<Self, Error> {
        let policy = Arc::new(config.policy);
        let proxy = if policy.is_guarded() { Proxy::None } else { config.proxy };
        let timeouts = Timeouts { connect: config.connect_timeout, read: config.read_timeout };
        Ok(Self(Arc::new(Inner {
            transports: Transports::new(Arc::clone(&policy), proxy, timeouts)?,
            policy,
            redirects: config.redirects,
            allow_downgrade: config.allow_downgrade,
            backoff: config.backoff,
        })))
    }

    /// Sends `request` once and follows redirects of GET and HEAD; every other method gets its redirect as
    /// the answer, for its body may hold a secret. Credentials (`Authorization`, `Cookie`) are dropped for
    /// good at the first redirect to another scheme, host or port. Any status is `Ok`.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let Request { method, mut url, mut headers, body } = request;
        for _ in 0..=self.0.redirects {
            self.guard(&url)?;
            let mut attempt =
                self.0.transports.of(&url)?.request(method.clone(), url.clone()).headers(headers.clone());
            if let Some(body) = &body {
                attempt = attempt.body(body.clone());
            }
            let response = attempt.send().await.map_err(|error| Error::from_reqwest(&error, &url))?;
            let follows = method == Method::GET || method == Method::HEAD;
            match self.next_hop(&url, &response)? {
                Some(next) if follows => {
                    if !same_origin(&url, &next) {
                        strip_credentials(&mut headers);
                    }
                    url = next;
                }
                _ => return Ok(Response::new(response)),
            }
        }
        Err(Error::Redirect { url: shown(&url), why: format!("more than {} times", self.0.redirects) })
    }

    /// The text at `url`: https, or http on this machine; at most `cap` bytes of UTF-8. Retries what may pass.
    pub async fn fetch_text(&self, url: &str, cap: u64) -> Result<String, Error> {
        let invalid = |why: &str| Error::InvalidUrl { url: url.chars().take(300).collect(), why: why.into() };
        let parsed: Url = url.parse().map_err(|error| invalid(&format!("{error}")))?;
        if parsed.scheme() != "https" && !is_loopback(&parsed) {
            return Err(invalid("only https is fetched"));
        }
        let mut failures = 0;
        loop {
            let error = match self.fetch_once(&parsed, cap).await {
                Ok(text) => return Ok(text),
                Err(error) => error,
            };
            failures += 1;
            match self.0.backoff.delay(failures, error.retry()) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error),
            }
        }
    }

    async fn fetch_once(&self, url: &Url, cap: u64) -> Result<String, Error> {
        let response = self.send(Request::get(url.clone())).await?.success()?;
        let body = response.bytes_capped(cap).await?;
        String::from_utf8(body.into()).map_err(|_| Error::NotText { url: shown(url) })
    }

    /// What can be said of `url` before its name is resolved.
    fn guard(&self, url: &Url) -> Result<(), Error> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Error::InvalidUrl { url: shown(url), why: "it is neither http nor https".into() });
        }
        // Addresses never reach the resolver.
        let Some(address) = host_address(url) else { return Ok(()) };
        let refused = |refusal| Error::Refused { host: host_of(url), address, refusal };
        self.0.policy.check(address).map_err(refused)
    }

    /// Where `response` redirects to, if it does.
    fn next_hop(&self, url: &Url, response: &reqwest::Response) -> Result<Option<Url>, Error> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
        let error = |why: &str| Error::Redirect { url: shown(url), why: why.into() };
        let location = location.to_str().map_err(|_| error("to something that is not a URL"))?;
        let mut next = url.join(location).map_err(|_| error("to something that is not a URL"))?;
        if url.scheme() == "https" && next.scheme() == "http" && !self.0.allow_downgrade {
            return Err(error("from https to http, which is not followed"));
        }
        // Credentials in a Location are the redirecting host's invention. Both setters only fail for URLs
        // without a host, which the guard refuses.
        let _ = next.set_username("");
        let _ = next.set_password(None);
        Ok(Some(next))
    }
}

fn strip_credentials(headers: &mut HeaderMap) {
    for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
