//! Why a server cannot start, or stopped.

use std::net::SocketAddr;

/// What keeps a server from serving. Answers to callers are gRPC statuses, not these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Open access on an address others reach.
    #[error("open access on {0} would let everybody in; listen on 127.0.0.1 or ::1, or ask for tokens")]
    OpenBeyondLoopback(SocketAddr),
    /// Tokens would cross a network unencrypted.
    #[error(
        "without TLS on {0} tokens would travel in the clear; give a certificate and key, listen on 127.0.0.1 or ::1, or say \
         that TLS is terminated elsewhere"
    )]
    TokensInTheClear(SocketAddr),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Certificate, key or authority make no sense.
    #[error(
        "cannot set up TLS: {0}; give PEM files of a certificate, its private key and, for mTLS, an authority"
    )]
    Tls(String),
    /// The server broke.
    #[error("the server stopped: {0}")]
    Stopped(String),
}
