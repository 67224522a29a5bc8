//! Whom we trust: the system's certificate authorities, or those named by SSL_CERT_FILE and SSL_CERT_DIR.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::Error;

/// A client configuration with the native roots. Certificates that do not parse are passed over, as every
/// TLS library does: system stores hold odd ones. No roots at all is no error here either, for plain HTTP
/// needs none; the handshake then fails with what to do.
pub(crate) fn config() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
