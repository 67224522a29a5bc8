use std::time::Duration;

use futures_util::TryStreamExt;
use plimsoll_http::Backoff;
use plimsoll_types::{ImageSource, media_type};

use super::*;
use crate::{Credentials, Document, Secret, open, parse_document, select_platform};
use server::{Answer, Hub, Seen};

mod ecr;
pub(super) mod server;

const MANIFEST: &str = media_type::OCI_MANIFEST;

fn quick() -> Backoff {
    Backoff { first: Duration::from_millis(1), ..Backoff::default() }
}

fn options(credentials: Credentials) -> Options {
    Options { credentials: Some(credentials), backoff: quick(), ..Options::default() }
}

fn basic() -> Credentials {
    Credentials::Basic { username: "user".into(), password: Secret::new("pass") }
}

/// `user:pass` as it is sent.
const BASIC: &str = "Basic dXNlcjpwYXNz";

async fn source(hub: &Hub, credentials: Credentials) -> Box<dyn Source> {
    named(hub, "app:1", credentials).await
}

async fn named(hub: &Hub, name: &str, credentials: Credentials) -> Box<dyn Source> {
    let source: ImageSource = format!("{}/{name}", hub.address()).parse().unwrap();
    open(&source, &options(credentials)).await.unwrap()
}

fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor { media_type: String::new(), digest: digest_of(bytes), size: bytes.len() as u64 }
}

async fn read(source: &dyn Source, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
    let chunks: Vec<Bytes> = source.blob(descriptor).await?.try_collect().await?;
    Ok(chunks.concat())
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A hub with `document` at tag 1.
async fn with_manifest(document: &'static str) -> Hub {
    Hub::start(move |seen: &Seen| match seen.path.as_str() {
        "/v2/app/manifests/1" => Answer::ok(document).header("content-type", MANIFEST),
        _ => Answer::status(404),
    })
    .await
}

/// A hub that wants a token of `/token`, which in turn wants `authorization`.
async fn with_tokens(authorization: Option<&'static str>, life: u64, lasts: usize) -> Hub {
    Hub::start(move |seen: &Seen| {
        if seen.path == "/token" {
            if seen.authorization.as_deref() != authorization {
                return Answer::status(401);
            }
            let number = seen.count_of("/token");
            return Answer::ok(format!(r#"{{"token":"t{number}","expires_in":{life}}}"#));
        }
        let newest = format!("Bearer t{}", seen.count_of("/token"));
        let served = seen.history.iter().filter(|path| path.starts_with("/v2/")).count();
        if seen.authorization.as_deref() == Some(newest.as_str()) && served % lasts != 0 {
            return Answer::ok("{}").header("content-type", MANIFEST);
        }
        let realm =
            format!(r#"Bearer realm="http://{}/token",service="hub",scope="repository:app:pull""#, seen.host);
        Answer::status(401).header("www-authenticate", &realm)
    })
    .await
}

#[tokio::test]
async fn a_manifest_comes_with_its_digest_and_type() {
    let hub = with_manifest(r#"{"config":{}}"#).await;
    let fetched = source(&hub, Credentials::Anonymous).await.resolve().await.unwrap();
    assert_eq!(fetched.descriptor.digest, digest_of(br#"{"config":{}}"#));
    assert_eq!((fetched.descriptor.media_type.as_str(), fetched.descriptor.size), (MANIFEST, 13));
    assert!(hub.seen()[0].accept.contains(media_type::OCI_INDEX));
}

#[tokio::test]
async fn credentials_wait_until_they_are_asked_for() {
    let hub = with_manifest("{}").await;
    source(&hub, basic()).await.resolve().await.unwrap();
    assert_eq!(hub.seen()[0].authorization, None);
}

#[tokio::test]
async fn basic_credentials_answer_a_basic_challenge_and_are_kept() {
    let hub = Hub::start(|seen: &Seen| match seen.authorization.as_deref() {
        Some(BASIC) => Answer::ok("{}"),
        _ => Answer::status(401).header("www-authenticate", r#"Basic realm="x""#),
    })
    .await;
    let source = source(&hub, basic()).await;
    source.resolve().await.unwrap();
    source.resolve().await.unwrap();
    assert_eq!(hub.seen().len(), 3);
}

#[tokio::test]
async fn wrong_or_no_credentials_are_unauthorized() {
    let hub = Hub::start(|_: &Seen| {
        Answer::status(401)
            .header("www-authenticate", "Basic")
            .body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"go away"}]}"#)
    })
    .await;
    for (credentials, requests) in [(Credentials::Anonymous, 1), (basic(), 2)] {
        hub.forget();
        let error = source(&hub, credentials).await.resolve().await.unwrap_err();
        assert_eq!(error.kind(), "unauthorized");
        assert!(
            error.to_string().contains("go away") && error.to_string().contains("docker login"),
            "{error}"
        );
        assert_eq!(hub.seen().len(), requests);
    }
}

#[tokio::test]
async fn anonymous_tokens_are_fetched_once() {
    let hub = with_tokens(None, 300, 1000).await;
    let source = source(&hub, Credentials::Anonymous).await;
    source.resolve().await.unwrap();
    source.resolve().await.unwrap();
    let paths: Vec<String> = hub.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/v2/app/manifests/1", "/token", "/v2/app/manifests/1", "/v2/app/manifests/1"]);
    assert_eq!(hub.seen()[1].query, "service=hub&scope=repository%3Aapp%3Apull");
}

#[tokio::test]
async fn tokens_for_a_name_and_password() {
    let hub = with_tokens(Some(BASIC), 300, 1000).await;
    source(&hub, basic()).await.resolve().await.unwrap();
    let error = source(&hub, Credentials::Anonymous).await.resolve().await.unwrap_err();
    assert_eq!(error.kind(), "unauthorized");
}

#[tokio::test]
async fn a_refused_token_is_renewed() {
    // Every third request finds its token refused.
    let hub = with_tokens(None, 300, 3).await;
    let source = source(&hub, Credentials::Anonymous).await;
    for _ in 0..4 {
        source.resolve().await.unwrap();
    }
    assert!(hub.count("/token") > 1);
}

#[tokio::test]
async fn an_ending_token_is_renewed_before_it_is_refused() {
    let hub = with_tokens(None, 0, 1000).await;
    let source = source(&hub, Credentials::Anonymous).await;
    source.resolve().await.unwrap();
    hub.forget();
    source.resolve().await.unwrap();
    let paths: Vec<String> = hub.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths[0], "/token");
}

#[tokio::test]
async fn an_identity_token_is_posted() {
    let hub = Hub::start(|seen: &Seen| match (seen.path.as_str(), seen.authorization.as_deref()) {
        ("/token", None) if seen.method == "POST" && seen.body.contains("refresh_token=id%26token") => {
            Answer::ok(r#"{"access_token":"t"}"#)
        }
        (_, Some("Bearer t")) => Answer::ok("{}"),
        _ => {
            let realm = format!(r#"Bearer realm="http://{}/token",service="hub""#, seen.host);
            Answer::status(401).header("www-authenticate", &realm)
        }
    })
    .await;
    let identity = Credentials::IdentityToken(Secret::new("id&token"));
    source(&hub, identity).await.resolve().await.unwrap();
    let post = &hub.seen()[1];
    assert!(post.body.contains("grant_type=refresh_token") && post.body.contains("service=hub"), "{post:?}");
    assert!(post.body.contains("scope=repository%3Aapp%3Apull"), "{post:?}");
    assert_eq!(post.query, "");
}

#[tokio::test]
async fn a_registry_token_is_used_as_it_is() {
    let hub = Hub::start(|seen: &Seen| match seen.authorization.as_deref() {
        Some("Bearer mine") => Answer::ok("{}"),
        _ => Answer::status(401).header("www-authenticate", r#"Bearer realm="https://nowhere.invalid/""#),
    })
    .await;
    source(&hub, Credentials::RegistryToken(Secret::new("mine"))).await.resolve().await.unwrap();
}

#[tokio::test]
async fn a_token_service_in_the_clear_gets_nothing_from_an_https_registry() {
    let reference: Reference = "r.io/app:1".parse().unwrap();
    let http = Client::new(Config::default()).unwrap();
    let secure = Authenticator::new(http, reference, Lookup::Given(basic()), false);
    let challenge = challenge::best([r#"Bearer realm="http://127.0.0.1:9/token""#]);
    let error = secure.answer(challenge, None).await.unwrap_err();
    assert!(error.kind() == "unauthorized" && error.to_string().contains("in the clear"), "{error}");
}

#[tokio::test]
async fn blobs_elsewhere_are_fetched_without_credentials() {
    let content = noise(100_000);
    let elsewhere = content.clone();
    let store = Hub::start(move |_: &Seen| Answer::ok(elsewhere.clone())).await;
    let target = format!("http://{}/signed?key=1", store.address());
    let hub = Hub::start(move |seen: &Seen| match seen.authorization.as_deref() {
        Some(BASIC) => Answer::status(307).header("location", &target),
        _ => Answer::status(401).header("www-authenticate", "Basic"),
    })
    .await;
    let source = source(&hub, basic()).await;
    assert_eq!(read(&*source, &blob(&content)).await.unwrap(), content);
    assert_eq!(store.seen()[0].authorization, None);
}

#[tokio::test]
async fn a_challenge_of_another_host_is_not_answered() {
    let greedy = Hub::start(|_: &Seen| Answer::status(401).header("www-authenticate", "Basic")).await;
    let target = format!("http://{}/", greedy.address());
    let hub = Hub::start(move |_: &Seen| Answer::status(302).header("location", &target)).await;
    let error = source(&hub, basic()).await.resolve().await.unwrap_err();
    assert_eq!(error.kind(), "unauthorized");
    assert!(greedy.seen().iter().all(|seen| seen.authorization.is_none()));
    assert_eq!(greedy.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_loop_is_an_error() {
    let hub = Hub::start(|seen: &Seen| Answer::status(302).header("location", &seen.path)).await;
    let error = source(&hub, Credentials::Anonymous).await.resolve().await.unwrap_err();
    assert!(error.kind() == "unreachable" && error.to_string().contains("redirects more than"), "{error}");
}

#[tokio::test]
async fn a_broken_connection_is_resumed_where_it_broke() {
    let content = noise(3_000_000);
    let served = content.clone();
    let hub = Hub::start(move |seen: &Seen| Answer::ok(served.clone()).ranged(seen).cut_after(700_000)).await;
    let source = source(&hub, Credentials::Anonymous).await;
    assert_eq!(read(&*source, &blob(&content)).await.unwrap(), content);
    let ranges: Vec<Option<String>> = hub.seen().into_iter().map(|seen| seen.range).collect();
    assert!(ranges.len() >= 5 && ranges[0].is_none(), "{ranges:?}");
    assert!(ranges[1..].iter().all(|range| range.as_deref().unwrap().starts_with("bytes=")), "{ranges:?}");
}

#[tokio::test]
async fn a_registry_without_ranges_is_resumed_by_skipping() {
    let content = noise(1_000_000);
    let served = content.clone();
    let hub = Hub::start(move |seen: &Seen| {
        let answer = Answer::ok(served.clone());
        if seen.history.is_empty() { answer.cut_after(600_000) } else { answer }
    })
    .await;
    let source = source(&hub, Credentials::Anonymous).await;
    assert_eq!(read(&*source, &blob(&content)).await.unwrap(), content);
}

#[tokio::test]
async fn no_progress_ends_in_a_retryable_error() {
    let content = noise(500_000);
    let served = content.clone();
    let hub = Hub::start(move |seen: &Seen| Answer::ok(served.clone()).ranged(seen).cut_after(10)).await;
    let source = source(&hub, Credentials::Anonymous).await;
    let error = read(&*source, &blob(&content)).await.unwrap_err();
    assert!(error.kind() == "interrupted" && error.retry().is_retryable(), "{error}");
    assert_eq!(hub.seen().len(), 4);
}

#[tokio::test]
async fn another_range_than_asked_for_is_refused() {
    let content = noise(500_000);
    let served = content.clone();
    let hub = Hub::start(move |seen: &Seen| match &seen.range {
        None => Answer::ok(served.clone()).cut_after(300_000),
        Some(_) => Answer::ok(&served[1..])
            .with_status(206)
            .header("content-range", &format!("bytes 1-{}/{}", served.len() - 1, served.len())),
    })
    .await;
    let source = source(&hub, Credentials::Anonymous).await;
    let error = read(&*source, &blob(&content)).await.unwrap_err();
    assert!(error.kind() == "registry_error" && error.to_string().contains("another range"), "{error}");
}

#[tokio::test]
async fn a_blob_of_another_size_is_an_error() {
    for chunked in [false, true] {
        let hub = Hub::start(move |_: &Seen| {
            let answer = Answer::ok(noise(1000));
            if chunked { answer.chunked() } else { answer }
        })
        .await;
        let source = source(&hub, Credentials::Anonymous).await;
        for size in [999, 1001] {
            let descriptor = Descriptor { size, ..blob(b"") };
            let error = read(&*source, &descriptor).await.unwrap_err();
            assert_eq!(error.kind(), "size_mismatch", "chunked {chunked}, size {size}: {error}");
        }
        assert_eq!(read(&*source, &Descriptor { size: 1000, ..blob(b"") }).await.unwrap(), noise(1000));
    }
}

#[tokio::test]
async fn a_busy_registry_is_waited_for() {
    for status in [429, 503, 500] {
        let hub = Hub::start(move |seen: &Seen| match seen.history.len() {
            0 | 1 => Answer::status(status).header("retry-after", "0"),
            _ => Answer::ok("{}"),
        })
        .await;
        source(&hub, Credentials::Anonymous).await.resolve().await.unwrap();
        assert_eq!(hub.seen().len(), 3);
    }
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let hub = Hub::start(|_: &Seen| Answer::status(429).header("retry-after", "3600")).await;
    let error = source(&hub, Credentials::Anonymous).await.resolve().await.unwrap_err();
    assert_eq!(error.kind(), "rate_limited");
    assert_eq!(error.retry(), plimsoll_types::Retry::After(Some(Duration::from_secs(3600))));
    assert_eq!(hub.seen().len(), 1);
}

#[tokio::test]
async fn statuses_are_typed() {
    for (status, kind, requests) in
        [(404, "not_found", 1), (403, "denied", 1), (400, "registry_error", 1), (502, "registry_error", 4)]
    {
        let hub = Hub::start(move |_: &Seen| Answer::status(status)).await;
        let error = source(&hub, Credentials::Anonymous).await.resolve().await.unwrap_err();
        assert_eq!((error.kind(), hub.seen().len()), (kind, requests), "{error}");
        assert_eq!(error.retry().is_retryable(), status == 502);
    }
}

#[tokio::test]
async fn an_oversized_manifest_is_refused_stated_or_not() {
    let limit = Limits::default().manifest as usize;
    for (length, chunked, fits) in [(limit, true, true), (limit + 1, false, false), (limit + 1, true, false)]
    {
        let hub = Hub::start(move |_: &Seen| {
            let answer = Answer::ok(vec![b' '; length]);
            if chunked { answer.chunked() } else { answer }
        })
        .await;
        match source(&hub, Credentials::Anonymous).await.resolve().await {
            Ok(fetched) => assert!(fits && fetched.bytes.len() == length),
            Err(error) => assert!(!fits && error.kind() == "too_large", "{error}"),
        }
    }
}

#[tokio::test]
async fn a_lying_digest_is_found_out() {
    let other = digest_of(b"other");
    let hub =
        Hub::start(move |_: &Seen| Answer::ok("{}").header("docker-content-digest", &other.to_string()))
            .await;
    let by_tag = source(&hub, Credentials::Anonymous).await;
    assert_eq!(by_tag.resolve().await.unwrap_err().kind(), "digest_mismatch");

    let hub = Hub::start(|_: &Seen| Answer::ok("{}")).await;
    let by_digest = named(&hub, &format!("app@{other}"), Credentials::Anonymous).await;
    assert_eq!(by_digest.resolve().await.unwrap_err().kind(), "digest_mismatch");
    assert_eq!(by_digest.manifest(&other).await.unwrap_err().kind(), "digest_mismatch");
    assert_eq!(
        by_digest.config(&Descriptor { size: 2, ..blob(b"other") }).await.unwrap_err().kind(),
        "digest_mismatch"
    );
    assert!(by_digest.manifest(&digest_of(b"{}")).await.is_ok());
}

#[tokio::test]
async fn a_config_announced_too_large_is_not_asked_for() {
    let hub = Hub::start(|_: &Seen| Answer::ok("{}")).await;
    let source = source(&hub, Credentials::Anonymous).await;
    let descriptor = Descriptor { size: Limits::default().config + 1, ..blob(b"{}") };
    assert_eq!(source.config(&descriptor).await.unwrap_err().kind(), "too_large");
    assert!(hub.seen().is_empty());
    assert_eq!(source.config(&blob(b"{}")).await.unwrap(), "{}");
}

#[tokio::test]
async fn a_foreign_layer_that_is_not_there_says_so() {
    let hub = Hub::start(|_: &Seen| Answer::status(404)).await;
    let source = source(&hub, Credentials::Anonymous).await;
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let descriptor = Descriptor { media_type: foreign.into(), ..blob(b"x") };
    assert_eq!(read(&*source, &descriptor).await.unwrap_err().kind(), "foreign_layer");
    assert_eq!(read(&*source, &blob(b"x")).await.unwrap_err().kind(), "not_found");
}

#[tokio::test]
async fn an_index_leads_to_the_manifest_of_a_platform() {
    let manifest = r#"{"schemaVersion":2,"config":{}}"#;
    let digest = digest_of(manifest.as_bytes());
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{},
        "platform":{{"os":"linux","architecture":"s390x"}}}}]}}"#,
        manifest.len()
    );
    let hub = Hub::start(move |seen: &Seen| match seen.path.strip_prefix("/v2/app/manifests/") {
        Some("1") => Answer::ok(index.clone()).header("content-type", media_type::DOCKER_LIST),
        Some(other) if other == digest.to_string() => Answer::ok(manifest).header("content-type", MANIFEST),
        _ => Answer::status(404),
    })
    .await;
    let source = source(&hub, Credentials::Anonymous).await;
    let fetched = source.resolve().await.unwrap();
    let document = parse_document(&fetched.descriptor.media_type, &fetched.bytes).unwrap();
    let Document::Index(entries) = document else { panic!("{document:?}") };
    let entry = select_platform(&entries, &"linux/s390x".parse().unwrap()).unwrap();
    assert_eq!(source.manifest(&entry.descriptor.digest).await.unwrap().bytes, manifest);
}

#[test]
fn registries_are_spoken_to_in_the_clear_only_on_loopback_or_on_request() {
    for (name, plain, url) in [
        ("nginx", false, "https://registry-1.docker.io/v2/library/nginx/"),
        ("localhost:5000/a", false, "http://localhost:5000/v2/a/"),
        ("127.0.0.1:5000/a/b", false, "http://127.0.0.1:5000/v2/a/b/"),
        ("10.0.0.1:5000/a", false, "https://10.0.0.1:5000/v2/a/"),
        ("10.0.0.1:5000/a", true, "http://10.0.0.1:5000/v2/a/"),
    ] {
        assert_eq!(base_url(&name.parse().unwrap(), plain).unwrap().as_str(), url);
    }
}
