use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use plimsoll_types::Retry;
use tokio::net::TcpListener;

use super::*;
use crate::Refusal;

type Answer = hyper::Response<Full<Bytes>>;

/// Serves `answer` on a loopback port until the runtime ends.
async fn serve(answer: impl Fn(hyper::Request<Incoming>) -> Answer + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let mut response = hyper::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::from(body)).unwrap()
}

fn client(config: Config) -> Client {
    Client::new(Config { proxy: Proxy::None, ..config }).unwrap()
}

fn quick() -> Backoff {
    Backoff { first: Duration::from_millis(1), ..Backoff::default() }
}

fn get(url: &str) -> Request {
    let secret = reqwest::header::HeaderValue::from_static("Bearer secret");
    Request::get(url.parse().unwrap()).header(AUTHORIZATION, secret)
}

/// A server that answers `200` with the Authorization header it got, and `301` at `/to?URL` to URL.
async fn echo() -> SocketAddr {
    serve(|request| {
        if request.uri().path() == "/to" {
            return answer(301, &[("location", request.uri().query().unwrap_or_default())], "");
        }
        let authorization = request.headers().get(AUTHORIZATION).map_or("none", |v| v.to_str().unwrap());
        hyper::Response::new(Full::from(authorization.to_owned()))
    })
    .await
}

async fn text(response: Result<Response, Error>) -> String {
    String::from_utf8(response.unwrap().bytes_capped(1000).await.unwrap().into()).unwrap()
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let (here, there) = (echo().await, echo().await);
    let client = client(Config::default());
    let same = client.send(get(&format!("http://{here}/to?/x"))).await;
    assert_eq!(text(same).await, "Bearer secret");
    let other_port = client.send(get(&format!("http://{here}/to?http://{there}/x"))).await;
    assert_eq!(text(other_port).await, "none");
    let other_name = format!("http://{here}/to?http://localhost:{}/x", here.port());
    assert_eq!(text(client.send(get(&other_name)).await).await, "none");
}

#[tokio::test]
async fn credentials_do_not_come_back_with_a_second_redirect() {
    let (here, there) = (echo().await, echo().await);
    let round_trip = format!("http://{here}/to?http://{there}/to?http://{here}/x");
    assert_eq!(text(client(Config::default()).send(get(&round_trip)).await).await, "none");
}

#[tokio::test]
async fn credentials_in_a_location_are_not_used() {
    let (here, there) = (echo().await, echo().await);
    let url = format!("http://{here}/to?http://user:pw@{there}/x");
    assert_eq!(text(client(Config::default()).send(get(&url)).await).await, "none");
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let here = serve(|_| answer(302, &[("location", "/again")], "")).await;
    let error = client(Config::default()).send(get(&format!("http://{here}/"))).await.unwrap_err();
    assert!(matches!(&error, Error::Redirect { why, .. } if why == "more than 10 times"), "{error}");
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn a_redirected_post_is_handed_back() {
    let here = serve(|_| answer(307, &[("location", "http://example.invalid/")], "")).await;
    let post = Request::new(Method::POST, format!("http://{here}/").parse().unwrap()).body("secret");
    assert_eq!(client(Config::default()).send(post).await.unwrap().status(), 307);
}

#[tokio::test]
async fn a_body_at_the_cap_passes_and_one_byte_more_does_not() {
    let here = serve(|_| answer(200, &[], "12345")).await;
    let client = client(Config::default());
    let send = || client.send(get(&format!("http://{here}/")));
    assert_eq!(send().await.unwrap().bytes_capped(5).await.unwrap(), "12345");
    let error = send().await.unwrap().bytes_capped(4).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 4, .. }), "{error}");
}

#[tokio::test]
async fn the_guard_holds_for_literals_names_and_redirects() {
    let here = echo().await;
    let guarded = client(Config { policy: AddressPolicy::public(), ..Config::default() });
    for url in [
        format!("http://{here}/"),
        format!("http://localhost:{}/", here.port()),
        format!("http://0x7f.1:{}/", here.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", here.port()),
    ] {
        let error = guarded.send(get(&url)).await.unwrap_err();
        assert!(matches!(error, Error::Refused { refusal: Refusal::Loopback, .. }), "{url}: {error}");
        assert_eq!(error.retry(), Retry::Never);
    }

    let only_here = AddressPolicy::public().allow("127.0.0.1".parse().unwrap());
    let guarded = client(Config { policy: only_here, ..Config::default() });
    assert_eq!(text(guarded.send(get(&format!("http://{here}/"))).await).await, "Bearer secret");
    for target in ["http://127.0.0.2/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/"] {
        let error = guarded.send(get(&format!("http://{here}/to?{target}"))).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{target}: {error}");
    }
}

#[tokio::test]
async fn other_schemes_are_refused_even_in_a_redirect() {
    let here = echo().await;
    let error = client(Config::default()).send(get(&format!("http://{here}/to?file:///etc/passwd"))).await;
    assert!(matches!(error, Err(Error::InvalidUrl { .. })), "{error:?}");
}

#[tokio::test]
async fn a_proxy_is_used_for_others_and_never_for_loopback() {
    let here = echo().await;
    let proxy = serve(|request| hyper::Response::new(Full::from(format!("proxied {}", request.uri())))).await;
    let client =
        Client::new(Config { proxy: Proxy::Url(format!("http://{proxy}")), ..Config::default() }).unwrap();
    let far = client.send(get("http://registry.invalid/v2/")).await;
    assert_eq!(text(far).await, "proxied http://registry.invalid/v2/");
    assert_eq!(text(client.send(get(&format!("http://{here}/"))).await).await, "Bearer secret");
}

#[tokio::test]
async fn a_wrong_proxy_is_reported_at_once_and_without_its_password() {
    let proxy = Proxy::Url("http://user:geheim@:port".to_owned());
    let error = Client::new(Config { proxy, ..Config::default() }).unwrap_err();
    assert!(matches!(error, Error::Setup(_)) && !error.to_string().contains("geheim"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_worth_another_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(Config::default()).send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }) && error.retry().is_retryable(), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_silent_host_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = client(Config { read_timeout: Duration::from_millis(50), ..Config::default() });
    let error = client.send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }) && error.retry().is_retryable(), "{error}");
}

#[tokio::test]
async fn plain_http_where_tls_is_expected_is_a_trust_error() {
    let here = echo().await;
    let error = client(Config::default()).send(get(&format!("https://{here}/"))).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

#[tokio::test]
async fn text_is_fetched_through_a_busy_server() {
    let asked = Arc::new(Mutex::new(0));
    let here = serve(move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        if *asked < 3 { answer(503, &[("retry-after", "0")], "") } else { answer(200, &[], "list") }
    })
    .await;
    let client = client(Config { backoff: quick(), ..Config::default() });
    assert_eq!(client.fetch_text(&format!("http://{here}/"), 100).await.unwrap(), "list");
}

#[tokio::test]
async fn text_errors_are_typed() {
    let here = serve(|request| match request.uri().path() {
        "/busy" => answer(429, &[("retry-after", "3600")], ""),
        "/gone" => answer(404, &[], ""),
        _ => hyper::Response::new(Full::from(vec![0xff])),
    })
    .await;
    let client = client(Config { backoff: quick(), ..Config::default() });
    let fetch = |path: &str| {
        let (client, url) = (client.clone(), format!("http://{here}{path}"));
        async move { client.fetch_text(&url, 100).await.unwrap_err() }
    };
    assert_eq!(fetch("/busy").await.retry(), Retry::After(Some(Duration::from_secs(3600))));
    assert_eq!(fetch("/gone").await.retry(), Retry::Never);
    assert!(matches!(fetch("/binary").await, Error::NotText { .. }));
    let error = client.fetch_text("http://example.com/list", 100).await.unwrap_err();
    assert!(error.to_string().contains("only https"), "{error}");
}

#[tokio::test]
async fn a_redirect_out_of_tls_is_followed_only_on_request() {
    let from: Url = "https://r.io/v2/".parse().unwrap();
    let redirect = || {
        let response = hyper::Response::builder().status(302).header("location", "http://store.example/x");
        reqwest::Response::from(response.body("").unwrap())
    };
    let error = client(Config::default()).next_hop(&from, &redirect()).unwrap_err();
    assert!(matches!(&error, Error::Redirect { why, .. } if why.contains("from https to http")), "{error}");
    let lax = client(Config { allow_downgrade: true, ..Config::default() });
    let next = lax.next_hop(&from, &redirect()).unwrap().unwrap();
    assert_eq!(next.as_str(), "http://store.example/x");
}
