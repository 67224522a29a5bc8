//! How a server is configured.

use std::net::SocketAddr;
use std::time::Duration;

use crate::{Access, Error};

/// The port of gRPC unless another one is named.
pub const GRPC_PORT: u16 = 7465;
/// The port of health, readiness and metrics unless another one is named.
pub const HTTP_PORT: u16 = 7466;

/// How a [`crate::Server`] listens, and to whom.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where gRPC is spoken. Port 0 takes a free one.
    pub grpc: SocketAddr,
    /// Where health, readiness and metrics are served, in the clear and to everybody; none: nowhere.
    pub http: Option<SocketAddr>,
    /// TLS for gRPC.
    pub tls: Option<Tls>,
    /// Who may call.
    pub access: Access,
    /// True if something in front of this server speaks TLS: tokens may then arrive in the clear from beyond this
    /// machine.
    pub tls_terminated_elsewhere: bool,
    /// Bounds.
    pub limits: Limits,
}

/// A server's certificate, and whose clients it trusts. All PEM.
#[derive(Clone)]
pub struct Tls {
    /// The certificate and what leads to its authority.
    pub certificates: String,
    /// Its private key.
    pub key: String,
    /// The authority of client certificates. With one, nobody without a certificate gets to show a token.
    pub client_authority: Option<String>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("mutual", &self.client_authority.is_some()).finish_non_exhaustive()
    }
}

/// What a server spends at most.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest a call may take that is no stream, whatever its caller allows. 30 s.
    pub call: Duration,
    /// How many scans and verdict streams may be watched at one time, all callers together. 10,000.
    pub streams: usize,
    /// How long a shutdown waits for calls under way. 10 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { call: Duration::from_secs(30), streams: 10_000, grace: Duration::from_secs(10) }
    }
}

impl Config {
    /// Tokens are asked for, without TLS and without HTTP.
    pub fn new(grpc: SocketAddr) -> Self {
        Self {
            grpc,
            http: None,
            tls: None,
            access: Access::Tokens,
            tls_terminated_elsewhere: false,
            limits: Limits::default(),
        }
    }

    /// Refuses what would give away tokens or scans.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let loopback = self.grpc.ip().is_loopback();
        match self.access {
            Access::Open(_) if !loopback => Err(Error::OpenBeyondLoopback(self.grpc)),
            Access::Tokens if !loopback && self.tls.is_none() && !self.tls_terminated_elsewhere => {
                Err(Error::TokensInTheClear(self.grpc))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::Tenant;

    use super::*;

    fn at(address: &str) -> Config {
        Config::new(address.parse().unwrap())
    }

    #[test]
    fn open_access_is_for_this_machine_only() {
        let open = |address| Config { access: Access::Open(Tenant::default()), ..at(address) };
        assert!(open("127.0.0.1:0").check().is_ok() && open("[::1]:0").check().is_ok());
        for beyond in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            assert!(matches!(open(beyond).check(), Err(Error::OpenBeyondLoopback(_))), "{beyond}");
        }
    }

    #[test]
    fn tokens_do_not_travel_in_the_clear_unless_somebody_else_speaks_tls() {
        assert!(at("127.0.0.1:0").check().is_ok());
        assert!(matches!(at("0.0.0.0:0").check(), Err(Error::TokensInTheClear(_))));
        assert!(Config { tls_terminated_elsewhere: true, ..at("0.0.0.0:0") }.check().is_ok());
    }

    #[test]
    fn a_key_is_not_shown() {
        let tls = Tls { certificates: String::new(), key: "secret".into(), client_authority: None };
        assert_eq!(format!("{tls:?}"), "Tls { mutual: false, .. }");
    }
}
