//! The connection.

use std::time::Duration;

use axum::http::Uri;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use super::Error;

/// The longest wait for a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// A stream that says nothing for so long is asked whether the server is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Which server, and as whom.
#[derive(Clone)]
pub struct Options {
    /// `https://HOST[:PORT]`, or `http://` for a server without TLS.
    pub server: String,
    /// The bearer token.
    pub token: Option<String>,
    /// The authority of the server's certificate, PEM. None: those the system trusts.
    pub authority: Option<String>,
    /// A certificate and its key, PEM, for servers that ask for one.
    pub identity: Option<(String, String)>,
    /// Send the token over plain HTTP beyond this machine too.
    pub token_in_the_clear: bool,
    /// The longest a call may take. Watching has no end.
    pub timeout: Duration,
}

impl Options {
    /// No token, the system's authorities, 30 s per call.
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            token: None,
            authority: None,
            identity: None,
            token_in_the_clear: false,
            timeout: Duration::from_secs(30),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("server", &self.server).finish_non_exhaustive()
    }
}

/// A connection that is made when it is used.
pub(super) fn channel(options: &Options) -> Result<Channel, Error> {
    let invalid = |why: &str| Error::Server { server: options.server.clone(), why: why.to_owned() };
    let uri: Uri = options.server.parse().map_err(|_| invalid("it is not a URL"))?;
    let host = uri.host().ok_or_else(|| invalid("it names no host"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(invalid("it is neither https nor http")),
    };
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(invalid("it has a path; name scheme, host and port only"));
    }
    if options.token.is_some() && !tls && !is_loopback(host) && !options.token_in_the_clear {
        return Err(Error::TokenInTheClear { server: options.server.clone() });
    }
    if !tls && (options.authority.is_some() || options.identity.is_some()) {
        return Err(invalid("certificates are for https"));
    }
    let endpoint = Endpoint::from(uri.clone())
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(KEEPALIVE)
        .tcp_nodelay(true);
    let endpoint = if tls {
        let config = tls_config(options);
        endpoint.tls_config(config).map_err(|error| Error::Setup(super::error::chain(&error)))?
    } else {
        endpoint
    };
    Ok(endpoint.connect_lazy())
}

fn tls_config(options: &Options) -> ClientTlsConfig {
    let config = match &options.authority {
        Some(authority) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &options.identity {
        Some((certificates, key)) => config.identity(Identity::from_pem(certificates, key)),
        None => config,
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Shows the token with every call.
#[derive(Clone)]
pub(super) struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    pub(super) fn new(token: Option<&str>) -> Result<Self, Error> {
        let Some(token) = token else { return Ok(Self(None)) };
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Bearer(..)" } else { "Bearer(none)" })
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(server: &str) -> String {
        let options = Options { token: Some("t".into()), ..Options::new(server) };
        channel(&options).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_token_crosses_a_network_encrypted_or_when_told_to() {
        let with = |server: &str, token_in_the_clear| {
            channel(&Options { token: Some("t".into()), token_in_the_clear, ..Options::new(server) })
        };
        for local in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(with(local, false).is_ok(), "{local}");
        }
        assert!(matches!(with("http://plimsoll.example:1", false), Err(Error::TokenInTheClear { .. })));
        assert!(with("http://plimsoll.example:1", true).is_ok());
        assert!(channel(&Options::new("http://plimsoll.example:1")).is_ok(), "no token, nothing to lose");
    }

    #[tokio::test]
    async fn a_server_is_a_scheme_a_host_and_a_port() {
        assert!(refused("plimsoll.example:7465").contains("neither https nor http"));
        assert!(refused("ftp://plimsoll.example").contains("neither https nor http"));
        assert!(refused("https://plimsoll.example/v1").contains("has a path"));
        assert!(refused("not a url").contains("not a URL"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let options = Options { token: Some("secret".into()), ..Options::new("https://a") };
        assert!(!format!("{options:?}{:?}", Bearer::new(Some("secret")).unwrap()).contains("secret"));
    }

    #[test]
    fn a_token_that_is_no_header_is_refused() {
        assert!(matches!(Bearer::new(Some("a\nb")), Err(Error::Token)));
    }
}
