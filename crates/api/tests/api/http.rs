//! What is asked over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use plimsoll_api::probe::{self, Probe};
use plimsoll_api::{Access, Config};
use plimsoll_telemetry::Metrics;
use plimsoll_types::Tenant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::access::methods;
use crate::harness::{localhost, request, start_with};

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
}

#[tokio::test]
async fn a_server_says_that_it_lives_is_ready_and_what_it_counted() {
    let access = Access::Open(Tenant::default());
    let server = start_with(Config { http: Some(localhost()), access, ..Config::new(localhost()) }).await;
    let http = server.http.unwrap();
    assert!(get(http, "/healthz").await.starts_with("HTTP/1.1 200"));
    let ready = get(http, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with("state: ok\nstore: ok\n"), "{ready}");
    server.anonymous().submit(request("app")).await.unwrap();
    let metrics = get(http, "/metrics").await;
    assert!(metrics.contains("application/openmetrics-text"), "{metrics}");
    assert!(metrics.contains(r#"plimsoll_api_calls_total{method="SubmitScan",code="OK"} 1"#), "{metrics}");
    assert!(get(http, "/").await.starts_with("HTTP/1.1 404"));
    server.stop().await;
}

#[tokio::test]
async fn every_method_is_counted_from_zero() {
    let access = Access::Open(Tenant::default());
    let server = start_with(Config { http: Some(localhost()), access, ..Config::new(localhost()) }).await;
    let metrics = get(server.http.unwrap(), "/metrics").await;
    for method in methods() {
        let method = method.rsplit('/').next().unwrap();
        for series in [
            format!("plimsoll_api_calls_total{{method=\"{method}\",code=\"UNAVAILABLE\"}} 0\n"),
            format!("plimsoll_api_call_seconds_count{{method=\"{method}\"}} 0\n"),
        ] {
            assert!(metrics.contains(&series), "{series} in {metrics}");
        }
    }
    server.stop().await;
}

struct Broken;

#[async_trait]
impl Probe for Broken {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn check(&self) -> Result<(), String> {
        Err("connection to amqp://user:password@broker refused".into())
    }
}

#[tokio::test]
async fn a_part_that_is_away_makes_a_process_not_ready_and_says_no_secret() {
    let listener = tokio::net::TcpListener::bind(localhost()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(probe::serve(listener, vec![Arc::new(Broken)], Metrics::new(), std::future::pending()));
    let answer = get(address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("queue: unreachable\n"), "{answer}");
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"), "not ready is not dead");
}
