//! Origins: what a credential belongs to.

use std::net::{IpAddr, Ipv6Addr};

use reqwest::Url;

/// True if both URLs have the same scheme, host and port: the only case in which a credential sent to one
/// may be sent to the other.
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// True if the host of `url` is the machine itself: `localhost` or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match host_address(url) {
        Some(IpAddr::V4(address)) => address.is_loopback(),
        Some(IpAddr::V6(address)) => {
            address == Ipv6Addr::LOCALHOST || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
        None => url.host_str().is_some_and(|host| host == "localhost" || host.ends_with(".localhost")),
    }
}

/// The host of `url` if it is an address. The parser has already turned `0x7f.1` and its like into one.
pub(crate) fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let a = url("https://r.io/x");
        assert!(same_origin(&a, &url("https://r.io:443/y?z")));
        for other in ["http://r.io/x", "https://r.io:8443/x", "https://s.r.io/x", "https://r.io.evil/x"] {
            assert!(!same_origin(&a, &url(other)), "{other}");
        }
    }

    #[test]
    fn loopback_is_seen_through_its_spellings() {
        for here in ["http://localhost:1", "http://127.1", "http://0x7f000001", "http://[::1]:5000/"] {
            assert!(is_loopback(&url(here)), "{here}");
        }
        for there in ["http://localhost.example", "http://128.0.0.1", "http://r.io"] {
            assert!(!is_loopback(&url(there)), "{there}");
        }
    }
}
