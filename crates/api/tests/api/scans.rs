//! Submitting, looking, listing, cancelling.

use std::time::Duration;

use plimsoll_api::client::Error;
use plimsoll_api::{Access, Config, Limits};
use plimsoll_proto::v1;
use plimsoll_state::{Bell, Role};
use plimsoll_types::Tenant;
use plimsoll_types::report::VerdictStatus;
use tonic::Code;

use crate::harness::{digest, localhost, request, start, start_with};

pub(crate) fn refused(error: Error) -> (Code, String) {
    match error {
        Error::Refused { code, reason, .. } => (code, reason),
        other => panic!("the server should have answered: {other}"),
    }
}

#[tokio::test]
async fn a_scan_can_be_seen_from_its_submission_to_its_verdict() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let submitted = client
        .submit(v1::SubmitScanRequest {
            labels: [("team".to_owned(), "a".to_owned())].into(),
            lane: v1::Lane::Push.into(),
            answer_within: Some(v1::Duration { seconds: 60, nanos: 0 }),
            ..request("registry.example/app")
        })
        .await
        .unwrap();
    assert!(submitted.created);
    let scan = submitted.scan.unwrap();
    assert_eq!(scan.state(), v1::ScanState::Submitted);
    assert_eq!(scan.reference, "registry.example/app:latest");
    assert_eq!(client.scan(&scan.id).await.unwrap(), scan, "what was answered is what is stored");

    server.plan(&["linux/amd64", "linux/arm64"]).await;
    server.settle("a", "shared").await;
    server.settle("a", "linux/amd64").await;
    let analyzing = client.scan(&scan.id).await.unwrap();
    assert_eq!(analyzing.state(), v1::ScanState::Analyzing);
    assert_eq!((analyzing.layers_settled, analyzing.layers_total, analyzing.targets_total), (2, 3, 2));
    assert_eq!(analyzing.index_digest, digest("index").to_string());

    server.judge(&[VerdictStatus::Warn]).await;
    server.settle("a", "linux/arm64").await;
    server.judge(&[VerdictStatus::NotJudged]).await;
    let judged = client.scan(&scan.id).await.unwrap();
    assert_eq!(judged.state(), v1::ScanState::Judged);
    assert_eq!(judged.status(), v1::VerdictStatus::NotJudged, "the worst of both");
    assert!(judged.ended_at.is_some() && judged.failure.is_none());
    let platforms: Vec<_> = judged.verdicts.iter().map(|verdict| verdict.platform.as_str()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    server.stop().await;
}

#[tokio::test]
async fn a_key_is_one_request() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let keyed = |reference: &str| v1::SubmitScanRequest { idempotency_key: "k".into(), ..request(reference) };
    let first = client.submit(keyed("app:1")).await.unwrap();
    let again = client.submit(keyed("docker.io/library/app:1")).await.unwrap();
    assert!(first.created && !again.created);
    assert_eq!(first.scan.as_ref().unwrap().id, again.scan.unwrap().id);

    let other = client.submit(keyed("app:2")).await.unwrap_err();
    assert_eq!(refused(other), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT".into()));

    let stranger = server.client("b", Role::Submit).await;
    assert!(stranger.submit(keyed("app:2")).await.unwrap().created, "keys are a tenant's own");
    server.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_field() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let error = client.submit(v1::SubmitScanRequest { lane: 42, ..request("oci:/tmp") }).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("reference: ") && text.contains("lane: "), "{text}");
    assert_eq!(refused(error).0, Code::InvalidArgument);
    assert_eq!(refused(client.scan("7").await.unwrap_err()).0, Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test]
async fn a_policy_the_store_does_not_have_is_refused() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let policy = v1::SubmitScanRequest { policy_digest: digest("none").to_string(), ..request("app") };
    let error = refused(client.submit(policy).await.unwrap_err());
    assert_eq!(error, (Code::FailedPrecondition, "NO_SUCH_POLICY".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended_by_the_server() {
    let limits = Limits { call: Duration::ZERO, ..Limits::default() };
    let config = Config { access: Access::Open(Tenant::default()), limits, ..Config::new(localhost()) };
    let server = start_with(config).await;
    let error = server.anonymous().list(v1::ListScansRequest::default()).await.unwrap_err();
    assert_eq!(refused(error), (Code::DeadlineExceeded, "CALL_DEADLINE".into()));
    server.stop().await;
}

#[tokio::test]
async fn submitting_rings_the_bell() {
    let server = start().await;
    let mut bell = server.parts.state.listen(Bell::Submitted);
    let client = server.client("a", Role::Submit).await;
    client.submit(request("app")).await.unwrap();
    bell.rung().await;
    server.stop().await;
}

#[tokio::test]
async fn lists_are_pages_of_the_newest_first() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let labelled = v1::SubmitScanRequest {
            labels: [("parity".to_owned(), (number % 2).to_string())].into(),
            ..request(&format!("app:{number}"))
        };
        ids.push(client.submit(labelled).await.unwrap().scan.unwrap().id);
        // Ids made in one millisecond have no order.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut page = v1::ListScansRequest { page_size: 2, ..Default::default() };
    loop {
        let answer = client.list(page.clone()).await.unwrap();
        seen.extend(answer.scans.into_iter().map(|scan| scan.id));
        if answer.next_page_token.is_empty() {
            break;
        }
        page.page_token = answer.next_page_token;
    }
    assert_eq!(seen, ids);

    let label = v1::list_scans_request::LabelFilter { key: "parity".into(), value: "1".into() };
    let odd = v1::ListScansRequest { label: Some(label), ..Default::default() };
    let odd: Vec<_> = client.list(odd).await.unwrap().scans.into_iter().map(|scan| scan.id).collect();
    assert_eq!(odd, [ids[1].clone(), ids[3].clone()]);

    let one = v1::ListScansRequest { reference: "app:3".into(), ..Default::default() };
    assert_eq!(client.list(one).await.unwrap().scans.len(), 1);
    let judged = v1::ListScansRequest { state: v1::ScanState::Judged.into(), ..Default::default() };
    assert!(client.list(judged).await.unwrap().scans.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn an_end_stays_an_end() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let scan = client.submit(request("app:1")).await.unwrap().scan.unwrap();
    let cancelled = client.cancel(&scan.id).await.unwrap();
    assert_eq!(cancelled.state(), v1::ScanState::Cancelled);
    assert_eq!(client.cancel(&scan.id).await.unwrap(), cancelled, "again is no error and changes nothing");

    let judged = server.judged(&client, "app:2", VerdictStatus::Pass).await;
    assert_eq!(client.cancel(&judged.id).await.unwrap(), judged);
    let nobody = "0193e4a0-8c1f-7d2a-9a6b-0123456789ab";
    assert_eq!(refused(client.cancel(nobody).await.unwrap_err()), (Code::NotFound, "NO_SUCH_SCAN".into()));
    server.stop().await;
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let server = start().await;
    let (a, b) = (server.client("a", Role::Submit).await, server.client("b", Role::Admin).await);
    let scan = server.judged(&a, "app:1", VerdictStatus::Pass).await;
    let not_found = (Code::NotFound, "NO_SUCH_SCAN".to_owned());
    assert_eq!(refused(b.scan(&scan.id).await.unwrap_err()), not_found);
    assert_eq!(refused(b.cancel(&scan.id).await.unwrap_err()), not_found);
    assert_eq!(refused(b.watch(&scan.id, |_, _| ()).await.unwrap_err()), not_found);
    assert!(b.list(v1::ListScansRequest::default()).await.unwrap().scans.is_empty());
    for image in [
        v1::get_verdict_request::Image::Reference("app:1".into()),
        v1::get_verdict_request::Image::Digest(scan.verdicts[0].manifest_digest.clone()),
    ] {
        let ask = v1::GetVerdictRequest { image: Some(image), ..Default::default() };
        assert!(a.verdict(ask.clone()).await.is_ok());
        assert_eq!(refused(b.verdict(ask).await.unwrap_err()), (Code::NotFound, "NO_VERDICT".into()));
    }
    server.stop().await;
}
