//! Following a scan.

use std::time::Duration;

use plimsoll_api::client::Client;
use plimsoll_api::{Access, Config, Limits};
use plimsoll_proto::v1;
use plimsoll_proto::v1::scan_service_client::ScanServiceClient;
use plimsoll_proto::v1::watch_scan_response::Change;
use plimsoll_state::Role;
use plimsoll_types::Tenant;
use plimsoll_types::report::VerdictStatus;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};

use crate::harness::{Running, localhost, request, start, start_open, start_with};

/// The generated client: streams as they come, without anything that repeats.
async fn raw(server: &Running) -> ScanServiceClient<Channel> {
    ScanServiceClient::new(server.channel().await)
}

async fn stream(server: &Running, id: &str) -> Streaming<v1::WatchScanResponse> {
    let request = v1::WatchScanRequest { id: id.to_owned() };
    raw(server).await.watch_scan(request).await.expect("it is answered").into_inner()
}

async fn submit(server: &Running, reference: &str) -> String {
    let submitted = server.anonymous().submit(request(reference)).await.expect("it is taken");
    submitted.scan.expect("a scan").id
}

/// Waits for the change, over those that came before.
async fn wait_for(seen: &mut mpsc::UnboundedReceiver<(v1::Scan, Change)>, wanted: Change) -> v1::Scan {
    loop {
        let (scan, change) = seen.recv().await.expect("the watch goes on");
        if change == wanted {
            return scan;
        }
        assert!((change as i32) < wanted as i32, "{change:?} came instead of {wanted:?}");
    }
}

fn follow(
    client: Client,
    id: String,
) -> (mpsc::UnboundedReceiver<(v1::Scan, Change)>, tokio::task::JoinHandle<v1::Scan>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let following = tokio::spawn(async move {
        client.watch(&id, |scan, change| drop(sender.send((scan.clone(), change)))).await.expect("it ends")
    });
    (receiver, following)
}

#[tokio::test]
async fn every_step_is_told_and_the_end_comes_last() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let id = client.submit(request("app")).await.unwrap().scan.unwrap().id;
    let (mut seen, following) = follow(client, id);
    assert_eq!(wait_for(&mut seen, Change::None).await.state(), v1::ScanState::Submitted);
    server.plan(&["linux/amd64", "linux/arm64"]).await;
    assert_eq!(wait_for(&mut seen, Change::Planned).await.layers_total, 3);
    server.settle("a", "shared").await;
    assert_eq!(wait_for(&mut seen, Change::Layer).await.layers_settled, 1);
    server.settle("a", "linux/amd64").await;
    assert_eq!(wait_for(&mut seen, Change::Layer).await.layers_settled, 2);
    server.judge(&[VerdictStatus::Pass]).await;
    assert_eq!(wait_for(&mut seen, Change::Verdict).await.verdicts.len(), 1);
    server.settle("a", "linux/arm64").await;
    server.judge(&[VerdictStatus::Fail]).await;
    let ended = wait_for(&mut seen, Change::Ended).await;
    assert_eq!((ended.state(), ended.status()), (v1::ScanState::Judged, v1::VerdictStatus::Fail));
    assert_eq!(following.await.unwrap(), ended);
    assert!(seen.recv().await.is_none(), "nothing comes after the end");
    server.stop().await;
}

#[tokio::test]
async fn a_scan_that_has_ended_is_told_at_once() {
    let server = start_open().await;
    let id = submit(&server, "app").await;
    server.anonymous().cancel(&id).await.unwrap();
    let mut stream = stream(&server, &id).await;
    let only = stream.message().await.unwrap().unwrap();
    assert_eq!((only.change(), only.scan.unwrap().state()), (Change::Ended, v1::ScanState::Cancelled));
    assert!(stream.message().await.unwrap().is_none(), "the stream ends well");
    server.stop().await;
}

#[tokio::test]
async fn dropping_a_watch_cancels_nothing_and_watching_goes_on_elsewhere() {
    let server = start_open().await;
    let id = submit(&server, "app").await;
    let mut dropped = stream(&server, &id).await;
    let mut kept = stream(&server, &id).await;
    assert!(dropped.message().await.unwrap().is_some() && kept.message().await.unwrap().is_some());
    drop(dropped);
    server.plan(&["linux/amd64"]).await;
    assert_eq!(kept.message().await.unwrap().unwrap().change(), Change::Planned);
    let mut late = stream(&server, &id).await;
    let first = late.message().await.unwrap().unwrap();
    assert_eq!((first.change(), first.scan.unwrap().layers_total), (Change::Planned, 2));
    server.stop().await;
}

#[tokio::test]
async fn a_watch_ends_when_its_caller_said() {
    let server = start_open().await;
    let id = submit(&server, "app").await;
    let mut request = Request::new(v1::WatchScanRequest { id });
    // Not by the client's own timer: the header alone.
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let mut stream = raw(&server).await.watch_scan(request).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    server.stop().await;
}

#[tokio::test]
async fn streams_are_bounded_and_make_room_when_they_end() {
    let limits = Limits { streams: 1, ..Limits::default() };
    let config = Config { access: Access::Open(Tenant::default()), limits, ..Config::new(localhost()) };
    let server = start_with(config).await;
    let id = submit(&server, "app").await;
    let first = stream(&server, &id).await;
    let mut client = raw(&server).await;
    let refused = client.watch_scan(v1::WatchScanRequest { id: id.clone() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(first);
    let again = async {
        while client.watch_scan(v1::WatchScanRequest { id: id.clone() }).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("there is room again");
    server.stop().await;
}
