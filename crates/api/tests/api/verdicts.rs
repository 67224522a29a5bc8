//! Asking for verdicts, and the stream of them.

use plimsoll_proto::v1;
use plimsoll_proto::v1::get_verdict_request::Image;
use plimsoll_proto::v1::verdict_service_client::VerdictServiceClient;
use plimsoll_types::report::VerdictStatus;
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};
use tonic_types::StatusExt as _;

use crate::harness::{Running, digest, now, request, start_open};
use crate::scans::refused;

async fn raw(server: &Running) -> VerdictServiceClient<Channel> {
    VerdictServiceClient::new(server.channel().await)
}

async fn stream(server: &Running, cursor: Option<u64>) -> Streaming<v1::WatchVerdictsResponse> {
    let answer = raw(server).await.watch_verdicts(v1::WatchVerdictsRequest { cursor }).await;
    answer.expect("it is answered").into_inner()
}

fn about(image: Image) -> v1::GetVerdictRequest {
    v1::GetVerdictRequest { image: Some(image), ..Default::default() }
}

#[tokio::test]
async fn a_verdict_is_found_by_reference_and_by_digest() {
    let server = start_open().await;
    let client = server.anonymous();
    let scan = server.judged(&client, "app:1", VerdictStatus::Warn).await;
    let manifest = digest("manifest of linux/amd64").to_string();
    for image in [Image::Reference("app:1".into()), Image::Digest(manifest.clone())] {
        let answer = client.verdict(about(image)).await.unwrap();
        assert_eq!(answer.status(), v1::VerdictStatus::Warn);
        let [verdict] = &answer.verdicts[..] else { panic!("one verdict: {answer:?}") };
        assert_eq!(
            (verdict.manifest_digest.as_str(), verdict.scan_id.as_str()),
            (manifest.as_str(), scan.id.as_str())
        );
        assert_eq!(verdict.reference, "docker.io/library/app:1");
        assert_eq!((verdict.layers_known, verdict.layers_total), (2, 2));
        assert!(verdict.document.is_empty(), "documents are sent when asked for");
    }
    let other = v1::GetVerdictRequest {
        policy_digest: digest("other").to_string(),
        ..about(Image::Digest(manifest))
    };
    assert_eq!(refused(client.verdict(other).await.unwrap_err()), (Code::NotFound, "NO_VERDICT".into()));
    server.stop().await;
}

#[tokio::test]
async fn an_index_is_as_bad_as_its_worst_platform_and_brings_its_documents() {
    let server = start_open().await;
    let client = server.anonymous();
    client.submit(request("app:1")).await.unwrap();
    server.plan(&["linux/amd64", "linux/arm64"]).await;
    for layer in ["shared", "linux/amd64", "linux/arm64"] {
        server.settle("default", layer).await;
    }
    server.judge(&[VerdictStatus::NotJudged, VerdictStatus::Fail]).await;
    let ask =
        v1::GetVerdictRequest { include_document: true, ..about(Image::Digest(digest("index").to_string())) };
    let answer = client.verdict(ask).await.unwrap();
    assert_eq!(answer.status(), v1::VerdictStatus::Fail);
    let statuses: Vec<_> = answer.verdicts.iter().map(v1::Verdict::status).collect();
    assert_eq!(statuses, [v1::VerdictStatus::NotJudged, v1::VerdictStatus::Fail]);
    for verdict in &answer.verdicts {
        let text = String::from_utf8(verdict.document.to_vec()).unwrap();
        assert_eq!(digest(&text).to_string(), verdict.document_digest);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_nobody_asked_about_says_how_to_ask() {
    let server = start_open().await;
    let client = server.anonymous();
    client.submit(request("app:1")).await.unwrap();
    let error = client.verdict(about(Image::Reference("app:1".into()))).await.unwrap_err();
    assert!(error.to_string().contains("plimsoll submit --wait docker.io/library/app:1"), "{error}");
    assert_eq!(refused(error).0, Code::NotFound, "submitted is not judged");
    let nothing = client.verdict(v1::GetVerdictRequest::default()).await.unwrap_err();
    assert_eq!(refused(nothing).0, Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test]
async fn a_document_that_is_lost_is_said_to_be() {
    let server = start_open().await;
    let client = server.anonymous();
    let scan = server.judged(&client, "app:1", VerdictStatus::Pass).await;
    let document = scan.verdicts[0].document_digest.parse().unwrap();
    server.parts.store.delete(&plimsoll_store::Key::Verdict(document)).await.unwrap();
    let ask = v1::GetVerdictRequest { include_document: true, ..about(Image::Reference("app:1".into())) };
    assert_eq!(refused(client.verdict(ask).await.unwrap_err()), (Code::DataLoss, "NO_DOCUMENT".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_stream_goes_on_where_its_reader_stopped() {
    let server = start_open().await;
    let client = server.anonymous();
    for number in 1..=3 {
        server.judged(&client, &format!("app:{number}"), VerdictStatus::Pass).await;
    }
    let mut all = stream(&server, Some(0)).await;
    let first = all.message().await.unwrap().unwrap();
    assert_eq!(first.verdict.unwrap().reference, "docker.io/library/app:1");
    drop(all);
    let mut rest = stream(&server, Some(first.cursor)).await;
    for number in 2..=3 {
        let next = rest.message().await.unwrap().unwrap();
        assert_eq!(
            (next.cursor, next.verdict.unwrap().reference),
            (number, format!("docker.io/library/app:{number}"))
        );
    }
    server.judged(&client, "app:4", VerdictStatus::Fail).await;
    assert_eq!(rest.message().await.unwrap().unwrap().cursor, 4, "and goes on with what is new");
    server.stop().await;
}

#[tokio::test]
async fn without_a_cursor_only_what_is_new_is_told() {
    let server = start_open().await;
    let client = server.anonymous();
    server.judged(&client, "app:1", VerdictStatus::Pass).await;
    let mut new = stream(&server, None).await;
    server.judged(&client, "app:2", VerdictStatus::Pass).await;
    let first = new.message().await.unwrap().unwrap();
    assert_eq!((first.cursor, first.verdict.unwrap().reference.as_str()), (2, "docker.io/library/app:2"));
    server.stop().await;
}

#[tokio::test]
async fn a_cursor_that_is_forgotten_is_out_of_range_and_says_where_to_go_on() {
    let server = start_open().await;
    let client = server.anonymous();
    server.judged(&client, "app:1", VerdictStatus::Pass).await;
    server.judged(&client, "app:2", VerdictStatus::Pass).await;
    server.state().forget(now() + 1, 1).await.unwrap();
    for cursor in [0, 99] {
        let status = raw(&server)
            .await
            .watch_verdicts(v1::WatchVerdictsRequest { cursor: Some(cursor) })
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange, "{cursor}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "CURSOR_OUT_OF_RANGE");
        assert_eq!(info.metadata["newest"], "2");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_of_verdicts_ends_when_its_caller_said() {
    let server = start_open().await;
    let mut request = Request::new(v1::WatchVerdictsRequest::default());
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let mut stream = raw(&server).await.watch_verdicts(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    server.stop().await;
}
