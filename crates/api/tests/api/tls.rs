//! TLS and mutual TLS, with certificates made here.

use plimsoll_api::client::{Client, Error as ClientError, Options};
use plimsoll_api::{Access, Config, Error, Tls};
use plimsoll_proto::v1;
use plimsoll_types::Tenant;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use crate::harness::{Running, localhost, start_with};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key.
    fn issue(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &*self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

async fn start(ours: &Authority, clients: Option<&Authority>) -> Running {
    let (certificates, key) = ours.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let tls = Tls { certificates, key, client_authority: clients.map(Authority::pem) };
    start_with(Config { tls: Some(tls), access: Access::Open(Tenant::default()), ..Config::new(localhost()) })
        .await
}

fn options(server: &Running, authority: &Authority) -> Options {
    let url = format!("https://localhost:{}", server.grpc.port());
    Options { authority: Some(authority.pem()), ..Options::new(url) }
}

async fn list(options: Options) -> Result<v1::ListScansResponse, ClientError> {
    Client::new(options)?.list(v1::ListScansRequest::default()).await
}

#[tokio::test]
async fn a_client_that_knows_the_authority_is_answered() {
    let ours = Authority::new();
    let server = start(&ours, None).await;
    assert!(list(options(&server, &ours)).await.is_ok());
    let stranger = list(options(&server, &Authority::new())).await.unwrap_err();
    assert!(
        matches!(&stranger, ClientError::Unreachable { why, .. } if why.contains("certificate")),
        "{stranger}"
    );
    server.stop().await;
}

#[tokio::test]
async fn with_mutual_tls_a_certificate_of_the_right_authority_is_needed() {
    let (ours, clients) = (Authority::new(), Authority::new());
    let server = start(&ours, Some(&clients)).await;
    let with = |authority: &Authority| {
        let identity = Some(authority.issue("client", ExtendedKeyUsagePurpose::ClientAuth));
        Options { identity, ..options(&server, &ours) }
    };
    assert!(list(with(&clients)).await.is_ok());
    assert!(matches!(list(options(&server, &ours)).await, Err(ClientError::Unreachable { .. })), "none");
    assert!(matches!(list(with(&Authority::new())).await, Err(ClientError::Unreachable { .. })), "another's");
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_is_none_keeps_the_server_from_starting() {
    let (certificates, _) = Authority::new().issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let tls = Tls { certificates, key: "no key".into(), client_authority: None };
    let directory = tempfile::tempdir().unwrap();
    let state = plimsoll_state::connect(&format!("sqlite:{}", directory.path().join("s.db").display()))
        .await
        .unwrap();
    let parts = plimsoll_api::Parts::new(state, std::sync::Arc::new(plimsoll_store::MemoryStore::default()));
    let config = Config { tls: Some(tls), ..Config::new(localhost()) };
    let result = plimsoll_api::serve(config, parts, std::future::pending()).await;
    assert!(matches!(result, Err(Error::Tls(_))), "{result:?}");
}
