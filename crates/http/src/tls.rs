//! Whom we trust: the system's certificate authorities, or those named by SSL_CERT_FILE and SSL_CERT_DIR.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::Error;

/// A client configuration with the native roots. Certificates that do not parse are passed over, as every
/// TLS library does: system stores hold odd ones. No roots at all is no error here either; the handshake then
/// fails and says what to do.
pub(crate) fn config() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    with_roots(roots)
}

/// A client configuration that trusts nobody, for connections that are never encrypted.
pub(crate) fn without_trust() -> Result<ClientConfig, Error> {
    with_roots(RootCertStore::empty())
}

fn with_roots(roots: RootCertStore) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
