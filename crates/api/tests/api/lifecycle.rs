//! Starting, describing itself, ending.

use std::time::Duration;

use plimsoll_api::client::Error;
use plimsoll_proto::v1;
use plimsoll_proto::v1::scan_service_client::ScanServiceClient;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::{request, start, start_open};

#[tokio::test]
async fn health_is_asked_without_a_token_and_ends_with_the_server() {
    let mut server = start().await;
    let mut health = HealthClient::new(server.channel().await);
    let service = "plimsoll.v1.ScanService".to_owned();
    let mut watch = health.watch(HealthCheckRequest { service }).await.unwrap().into_inner();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    server.begin_to_stop();
    let next = watch.message().await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    drop((watch, health));
    server.stop().await;
}

#[tokio::test]
async fn reflection_names_the_services() {
    let server = start().await;
    let mut reflection = ServerReflectionClient::new(server.channel().await);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let asks = futures_util::stream::iter([ask]);
    let mut answers = reflection.server_reflection_info(asks).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("a list: {answer:?}") };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["plimsoll.v1.ScanService", "plimsoll.v1.VerdictService"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_sends_watchers_away_and_ends_without_waiting_for_them() {
    let mut server = start_open().await;
    let id = server.anonymous().submit(request("app")).await.unwrap().scan.unwrap().id;
    let mut client = ScanServiceClient::new(server.channel().await);
    let mut stream = client.watch_scan(v1::WatchScanRequest { id }).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    server.begin_to_stop();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    tokio::time::timeout(Duration::from_secs(5), server.stop()).await.expect("it ends well within its grace");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be() {
    let server = start_open().await;
    let client = server.anonymous();
    let url = server.url();
    server.stop().await;
    let error = client.submit(request("app")).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { .. }) && error.to_string().contains(&url), "{error}");
}
