//! The way to a registry that is not on this machine: TLS, whom it trusts, and the proxies the environment names.
//!
//! `registry.example` is nobody's name (RFC 2606): only a proxy can reach a registry by it, which is ours on loopback.

use plimsoll_tests::proxy::Proxy;
use plimsoll_tests::registry::Registry;

use crate::workshop::{AMD64, Outcome, Workshop, image, installs};

const HOST: &str = "registry.example";
const REFERENCE: &str = "registry.example/app:1";

/// A workshop, a registry that speaks TLS as [`HOST`], a proxy to it, and a file with its certificate.
struct Abroad {
    workshop: Workshop,
    registry: Registry,
    proxy: Proxy,
    certificate: String,
}

impl Abroad {
    fn new() -> Self {
        let workshop = Workshop::new();
        let (registry, certificate) = Registry::start_tls(HOST).expect("a registry that speaks TLS");
        registry.push("app", "1", &image(&[installs("harbour", "1.9")]));
        let proxy = Proxy::start(&registry.host()).expect("a proxy on loopback");
        let certificate = workshop.write("certificate.pem", certificate).display().to_string();
        Self { workshop, registry, proxy, certificate }
    }

    fn scan(&self, environment: &[(&str, &str)]) -> Outcome {
        self.workshop.scan_in(environment, REFERENCE, AMD64)
    }
}

#[test]
fn an_image_comes_over_tls_from_a_registry_the_environment_vouches_for() {
    let abroad = Abroad::new();
    let proxy = abroad.proxy.url();
    let outcome =
        abroad.scan(&[("HTTPS_PROXY", proxy.as_str()), ("SSL_CERT_FILE", abroad.certificate.as_str())]);
    assert_eq!(outcome.expect(1).vulnerabilities(), ["CVE-2023-90001"]);
    let asked = abroad.proxy.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|line| line == "CONNECT registry.example:443"),
        "{asked:?}"
    );
    assert!(abroad.registry.requests().iter().all(|request| request.status == 200));
}

#[test]
fn a_certificate_nobody_vouches_for_ends_the_scan_before_anything_is_asked() {
    let abroad = Abroad::new();
    let line = abroad.scan(&[("HTTPS_PROXY", &abroad.proxy.url())]).expect_error("unreachable");
    assert!(line.contains("certificate") && line.contains("SSL_CERT_FILE"), "{line}");
    assert!(abroad.registry.requests().is_empty());
}

#[test]
fn a_certificate_for_another_name_is_none() {
    let abroad = Abroad::new();
    let (proxy, other) = (abroad.proxy.url(), "elsewhere.example/app:1");
    let environment = [("HTTPS_PROXY", proxy.as_str()), ("SSL_CERT_FILE", abroad.certificate.as_str())];
    let line = abroad.workshop.scan_in(&environment, other, AMD64).expect_error("unreachable");
    assert!(line.contains("certificate"), "{line}");
    assert!(abroad.registry.requests().is_empty());
}

#[test]
fn no_proxy_keeps_a_host_from_the_proxy() {
    let abroad = Abroad::new();
    for no_proxy in [HOST, ".example", "*"] {
        let proxy = abroad.proxy.url();
        let environment = [
            ("HTTPS_PROXY", proxy.as_str()),
            ("NO_PROXY", no_proxy),
            ("SSL_CERT_FILE", abroad.certificate.as_str()),
        ];
        abroad.scan(&environment).expect_error("unreachable");
    }
    assert!(abroad.proxy.asked().is_empty(), "{:?}", abroad.proxy.asked());
}

#[test]
fn plain_http_takes_the_http_proxy_and_loopback_takes_none() {
    let workshop = Workshop::new();
    let here = workshop.registry.push("app", "1", &image(&[installs("harbour", "2.0")]));
    let proxy = Proxy::start(&workshop.registry.host()).unwrap();
    let url = proxy.url();
    let environment = [("HTTP_PROXY", url.as_str()), ("HTTPS_PROXY", url.as_str())];
    workshop.scan_in(&environment, &here, AMD64).expect(0);
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());

    workshop.scan_in(&environment, REFERENCE, &[AMD64, &["--plain-http"]].concat()).expect(0);
    let asked = proxy.asked();
    assert!(asked[0].starts_with("GET http://registry.example/v2/app/manifests/1"), "{asked:?}");
}
