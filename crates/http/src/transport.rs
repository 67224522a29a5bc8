//! Connections: in the clear, over TLS, through a proxy.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Url, redirect};
use rustls::ClientConfig;

use crate::origin::is_loopback;
use crate::resolver::GuardedResolver;
use crate::{AddressPolicy, Error, Proxy, tls};

/// One connection pool per way out, each made when it is first needed: reading the system's certificates
/// takes longer than a whole scan of a known image from a registry on loopback.
#[derive(Debug)]
pub(crate) struct Transports {
    policy: Arc<AddressPolicy>,
    proxy: Proxy,
    timeouts: Timeouts,
    plain: OnceLock<reqwest::Client>,
    direct: OnceLock<reqwest::Client>,
    proxied: OnceLock<reqwest::Client>,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
}

impl Transports {
    pub(crate) fn new(policy: Arc<AddressPolicy>, proxy: Proxy, timeouts: Timeouts) -> Result<Self, Error> {
        let new = Self {
            policy,
            proxy,
            timeouts,
            plain: OnceLock::new(),
            direct: OnceLock::new(),
            proxied: OnceLock::new(),
        };
        // A mistake in the configuration is reported at once.
        new.configured_proxy()?;
        Ok(new)
    }

    /// The way to `url`. Loopback is never proxied.
    pub(crate) fn of(&self, url: &Url) -> Result<&reqwest::Client, Error> {
        if self.proxy != Proxy::None && !is_loopback(url) {
            return once(&self.proxied, || {
                let builder = self.builder(tls::config()?);
                Ok(match self.configured_proxy()? {
                    Some(proxy) => builder.proxy(proxy),
                    None => builder,
                })
            });
        }
        match url.scheme() {
            "http" => once(&self.plain, || Ok(self.builder(tls::without_trust()?).no_proxy())),
            _ => once(&self.direct, || Ok(self.builder(tls::config()?).no_proxy())),
        }
    }

    fn configured_proxy(&self) -> Result<Option<reqwest::Proxy>, Error> {
        let Proxy::Url(url) = &self.proxy else { return Ok(None) };
        match reqwest::Proxy::all(url) {
            Ok(proxy) => Ok(Some(proxy)),
            // Without the URL, which may hold a password.
            Err(error) => Err(Error::Setup(format!("the proxy URL is wrong: {}", error.without_url()))),
        }
    }

    fn builder(&self, tls: ClientConfig) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.timeouts.connect)
            .read_timeout(self.timeouts.read)
            .redirect(redirect::Policy::none());
        if self.policy.is_guarded() {
            builder.dns_resolver(GuardedResolver::new(Arc::clone(&self.policy)))
        } else {
            builder
        }
    }
}

/// What `lock` holds, made by `make` if it holds nothing. Of two threads that make it at once one wins.
fn once(
    lock: &OnceLock<reqwest::Client>,
    make: impl FnOnce() -> Result<reqwest::ClientBuilder, Error>,
) -> Result<&reqwest::Client, Error> {
    if let Some(client) = lock.get() {
        return Ok(client);
    }
    let client = make()?.build().map_err(|error| Error::Setup(error.to_string()))?;
    Ok(lock.get_or_init(|| client))
}
