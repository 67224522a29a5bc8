//! The HTTP client: TLS, proxies, body caps, Retry-After and the address guard.
