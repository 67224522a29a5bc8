//! Who may call what.

use bytes::Bytes;
use plimsoll_api::client::{Client, Options};
use plimsoll_api::{Access, Config, Error, Parts, Server, token};
use plimsoll_proto::v1;
use plimsoll_state::{Role, TokenId};
use plimsoll_store::MemoryStore;
use plimsoll_types::Tenant;
use tonic::Code;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

use crate::harness::{Running, now, request, start, start_open};
use crate::scans::refused;

/// Empty messages, of whatever type: to call every method without knowing it.
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(Some(()))
    }
}

/// Every method of the API, as its own descriptor names them.
pub(crate) fn methods() -> Vec<String> {
    use prost_types::FileDescriptorSet;
    let bytes = Bytes::from_static(v1::FILE_DESCRIPTOR_SET);
    let set: FileDescriptorSet = prost::Message::decode(bytes).expect("a descriptor set");
    let services =
        set.file.iter().flat_map(|file| file.service.iter().map(move |service| (file.package(), service)));
    services
        .flat_map(|(package, service)| {
            let path = format!("/{package}.{}/", service.name());
            service.method.iter().map(move |method| format!("{path}{}", method.name()))
        })
        .collect()
}

async fn call(server: &Running, method: &str, token: Option<&str>) -> Code {
    let mut grpc = Grpc::new(server.channel().await);
    grpc.ready().await.expect("it is ready");
    let mut request = Request::new(());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    }
    let path = method.parse().expect("a path");
    // Answers to one and to many look alike until the first message.
    let answer = grpc.server_streaming(request, path, Empty).await;
    answer.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test]
async fn no_method_answers_without_a_token() {
    let server = start().await;
    let methods = methods();
    assert_eq!(methods.len(), 12, "{methods:?}");
    for method in methods {
        assert_eq!(call(&server, &method, None).await, Code::Unauthenticated, "{method}");
        assert_eq!(call(&server, &method, Some("stranger")).await, Code::Unauthenticated, "{method}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_may_read_may_not_write() {
    let server = start().await;
    let token = server.token("a", Role::Read).await;
    for method in methods() {
        let code = call(&server, &method, Some(&token)).await;
        let writes = ["/SubmitScan", "/CancelScan", "/StartCrawl", "/CancelCrawl"];
        let writes = writes.iter().any(|name| method.ends_with(name));
        assert_eq!(code == Code::PermissionDenied, writes, "{method}: {code:?}");
        assert_ne!(code, Code::Unauthenticated, "{method}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_is_useless_at_once() {
    let server = start().await;
    let token = server.token("a", Role::Read).await;
    let client = Client::new(Options { token: Some(token.clone()), ..Options::new(server.url()) }).unwrap();
    client.list(v1::ListScansRequest::default()).await.unwrap();
    server.state().revoke_token(&TokenId::of(&token::hash(&token)), now()).await.unwrap();
    let error = client.list(v1::ListScansRequest::default()).await.unwrap_err();
    assert_eq!(refused(error), (Code::Unauthenticated, "UNKNOWN_TOKEN".into()));
    server.stop().await;
}

#[tokio::test]
async fn open_access_needs_no_token_and_takes_any() {
    let server = start_open().await;
    server.anonymous().submit(request("app")).await.unwrap();
    let named =
        Client::new(Options { token: Some("whatever".into()), ..Options::new(server.url()) }).unwrap();
    assert_eq!(named.list(v1::ListScansRequest::default()).await.unwrap().scans.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn open_access_does_not_even_listen_beyond_loopback() {
    let server = start_open().await;
    let parts = Parts::new(server.state().clone(), std::sync::Arc::new(MemoryStore::default()));
    let config =
        Config { access: Access::Open(Tenant::default()), ..Config::new("0.0.0.0:0".parse().unwrap()) };
    assert!(matches!(Server::bind(config, parts).await, Err(Error::OpenBeyondLoopback(_))));
    server.stop().await;
}
