use proptest::prelude::*;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;

const NOW: i64 = 1_700_000_000_000;

fn message() -> v1::SubmitScanRequest {
    v1::SubmitScanRequest { reference: "registry.example/app:1".into(), ..Default::default() }
}

fn request(message: v1::SubmitScanRequest) -> Result<ScanRequest, Status> {
    scan_request(message, Tenant::default(), NOW)
}

/// The fields a status complains of.
fn fields(result: Result<ScanRequest, Status>) -> Vec<String> {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_details_bad_request().unwrap();
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[test]
fn a_reference_is_enough() {
    let expected = ScanRequest::new(Tenant::default(), "registry.example/app:1");
    assert_eq!(request(message()).unwrap(), expected);
}

#[test]
fn every_field_arrives() {
    let digest = Digest::from_bytes([7; 32]);
    let full = v1::SubmitScanRequest {
        reference: "nginx".into(),
        platforms: vec!["linux/arm64".into(), "linux/aarch64".into(), "linux/amd64".into()],
        policy_digest: digest.to_string(),
        allowlist_digests: vec![digest.to_string()],
        allow_blind: vec!["windows".into()],
        lane: v1::Lane::Backfill.into(),
        answer_within: Some(v1::Duration { seconds: 2, nanos: 500_000_000 }),
        callback_url: "https://ci.example/hooks?job=7".into(),
        idempotency_key: "job-7".into(),
        labels: [("team".to_owned(), "a".to_owned())].into(),
        credential: "pull".into(),
        plain_http: true,
    };
    let expected = ScanRequest {
        tenant: Tenant::default(),
        reference: "docker.io/library/nginx:latest".into(),
        platforms: vec![Platform::new("linux", "arm64", None), Platform::new("linux", "amd64", None)],
        policy: Some(digest),
        allowlists: vec![digest],
        allow_blind: vec![BlindKind::Windows],
        lane: Lane::Backfill,
        deadline: Some(NOW + 2500),
        callback: Some("https://ci.example/hooks?job=7".into()),
        idempotency_key: Some("job-7".into()),
        labels: [("team".to_owned(), "a".to_owned())].into(),
        credential: Some("pull".into()),
        plain_http: true,
    };
    assert_eq!(request(full).unwrap(), expected);
}

#[test]
fn all_wrong_fields_are_named_at_once() {
    let wrong = v1::SubmitScanRequest {
        reference: "oci:/images/a".into(),
        platforms: vec!["linux/amd64".into(), "linux".into()],
        policy_digest: "sha256:7".into(),
        allowlist_digests: vec![String::new()],
        allow_blind: vec!["everything".into()],
        lane: 9,
        answer_within: Some(v1::Duration { seconds: -1, nanos: 0 }),
        callback_url: "ftp://ci.example".into(),
        labels: [(String::new(), String::new())].into(),
        ..Default::default()
    };
    let expected = [
        "policy_digest",
        "labels",
        "reference",
        "platforms[1]",
        "allowlist_digests[0]",
        "allow_blind[0]",
        "lane",
        "answer_within",
        "callback_url",
    ];
    assert_eq!(fields(request(wrong)), expected);
}

#[test]
fn lists_are_bounded_before_they_are_read() {
    let many = |count| v1::SubmitScanRequest { platforms: vec!["linux/amd64".into(); count], ..message() };
    assert_eq!(request(many(64)).unwrap().platforms.len(), 1);
    assert_eq!(fields(request(many(65))), ["platforms"]);
}

#[test]
fn texts_are_bounded() {
    let key = |len| v1::SubmitScanRequest { idempotency_key: "k".repeat(len), ..message() };
    assert!(request(key(255)).is_ok());
    assert_eq!(fields(request(key(256))), ["request"]);
}

#[test]
fn a_deadline_is_near_enough_to_be_meant() {
    let within = |seconds, nanos| deadline(Some(v1::Duration { seconds, nanos }), NOW);
    assert_eq!(within(0, 1_000_000), Ok(Some(NOW + 1)));
    assert_eq!(within(30 * 24 * 3600, 0), Ok(Some(NOW + LONGEST)));
    for (seconds, nanos) in [(0, 0), (0, 999_999), (-1, 0), (30 * 24 * 3600, 1_000_000), (i64::MAX, i32::MAX)]
    {
        assert!(within(seconds, nanos).is_err(), "{seconds} s {nanos} ns");
    }
}

#[test]
fn a_callback_is_a_plain_url() {
    for good in ["http://127.0.0.1:8080/", "https://ci.example", "https://[::1]/a?b=c"] {
        assert_eq!(callback(good.into()), Ok(Some(good.to_owned())));
    }
    for bad in [
        "/path",
        "ci.example",
        "file:///etc/passwd",
        "https://user:pass@ci.example/",
        "https://a b/",
        "https://a/#b",
    ] {
        assert!(callback(bad.into()).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_taken_within_bounds_or_refused_by_field(
        reference in "\\PC{0,40}|[a-z./:@]{1,40}",
        platform in "\\PC{0,20}",
        callback_url in "\\PC{0,40}|https?://\\PC{0,20}",
        idempotency_key in "\\PC{0,300}|[\\x00-\\x7f]{0,10}",
        seconds: i64,
        nanos: i32,
        lane: i32,
    ) {
        let message = v1::SubmitScanRequest {
            reference,
            platforms: vec![platform],
            callback_url,
            idempotency_key,
            answer_within: Some(v1::Duration { seconds, nanos }),
            lane,
            ..Default::default()
        };
        match request(message) {
            Ok(request) => prop_assert_eq!(request.check(), Ok(())),
            Err(status) => {
                prop_assert_eq!(status.code(), Code::InvalidArgument);
                prop_assert!(!status.get_details_bad_request().unwrap().field_violations.is_empty());
            }
        }
    }
}
