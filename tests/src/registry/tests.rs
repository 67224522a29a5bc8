use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;
use crate::image::{ImageBuilder, Layer};

/// The status line, the headers and the body of one request, as raw as it gets.
fn ask(registry: &Registry, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(registry.host()).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    // A connection that breaks still gave what came before.
    let _broken = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

fn serving() -> (Registry, Image) {
    let image = ImageBuilder::new("amd64").layer(Layer::new("x").file("a", vec![7; 100_000])).build();
    let registry = Registry::start().unwrap();
    registry.push("demo/app", "1", &image);
    (registry, image)
}

#[test]
fn an_image_is_served_by_tag_and_digest_and_every_request_is_counted() {
    let (registry, image) = serving();
    let (head, body) = ask(&registry, "GET", "/v2/demo/app/manifests/1", "");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains(&image.manifest.digest), "{head}");
    assert_eq!(body, image.manifest.bytes);
    assert_eq!(registry.layer_pulls(&image), [0]);
    let blob = &image.layers[0].blob;
    assert_eq!(ask(&registry, "GET", &format!("/v2/demo/app/blobs/{}", blob.digest), "").1, blob.bytes);
    assert_eq!(registry.layer_pulls(&image), [1]);
    assert!(ask(&registry, "GET", "/v2/demo/app/manifests/2", "").0.starts_with("HTTP/1.1 404"));
    assert_eq!(registry.requests().len(), 3);
}

#[test]
fn a_broken_pull_can_be_resumed() {
    let (registry, image) = serving();
    let blob = &image.layers[0].blob;
    let path = format!("/v2/demo/app/blobs/{}", blob.digest);
    registry.fault(Fault::times(1, "/blobs/", Misdeed::CutAfter(100)));
    let (head, first) = ask(&registry, "GET", &path, "");
    assert!(head.contains(&format!("content-length: {}", blob.bytes.len())), "{head}");
    assert_eq!(first, blob.bytes[..100]);
    let (head, rest) = ask(&registry, "GET", &path, "range: bytes=100-\r\n");
    assert!(head.starts_with("HTTP/1.1 206"), "{head}");
    assert_eq!([first, rest].concat(), blob.bytes);
    assert!(ask(&registry, "GET", &path, "range: bytes=9999999-\r\n").0.starts_with("HTTP/1.1 416"));
}

#[test]
fn faults_act_as_told_and_stop() {
    let (registry, image) = serving();
    let path = "/v2/demo/app/manifests/1";
    for (misdeed, expected) in [
        (Misdeed::TooManyRequests(Some(7)), "retry-after: 7"),
        (Misdeed::Status(503), "503"),
        (
            Misdeed::RedirectTo("localhost:1".to_owned()),
            "location: http://localhost:1/v2/demo/app/manifests/1",
        ),
    ] {
        registry.fault(Fault::times(1, "/manifests/", misdeed));
        let (head, _) = ask(&registry, "GET", path, "");
        assert!(head.contains(expected), "{head}");
    }
    registry.fault(Fault::times(1, "/manifests/", Misdeed::WrongBytes));
    assert_ne!(ask(&registry, "GET", path, "").1, image.manifest.bytes);
    registry.fault(Fault::times(1, "/manifests/", Misdeed::Longer(5000)));
    assert_eq!(ask(&registry, "GET", path, "").1.len(), image.manifest.bytes.len() + 5000);
    assert_eq!(ask(&registry, "GET", path, "").1, image.manifest.bytes);
}

#[test]
fn credentials_are_asked_for() {
    let (registry, _) = serving();
    let path = "/v2/demo/app/manifests/1";
    registry.require(Auth::Basic { user: "u".to_owned(), password: "p".to_owned() });
    assert!(ask(&registry, "GET", path, "").0.contains("www-authenticate: Basic"));
    assert!(ask(&registry, "GET", path, "authorization: Basic dTpw\r\n").0.starts_with("HTTP/1.1 200"));
    registry.require(Auth::Bearer { user: Some(("u".to_owned(), "p".to_owned())) });
    assert!(ask(&registry, "GET", path, "").0.contains("www-authenticate: Bearer realm="));
    assert!(ask(&registry, "GET", "/token", "").0.starts_with("HTTP/1.1 401"));
    let (_, token) = ask(&registry, "GET", "/token?service=tests", "authorization: Basic dTpw\r\n");
    let token: serde_json::Value = serde_json::from_slice(&token).unwrap();
    let bearer = format!("authorization: Bearer {}\r\n", token["token"].as_str().unwrap());
    assert!(ask(&registry, "GET", path, &bearer).0.starts_with("HTTP/1.1 200"));
}

#[test]
fn a_slow_blob_comes_whole_and_counts_when_it_has() {
    let (registry, image) = serving();
    let blob = &image.layers[0].blob;
    let path = format!("/v2/demo/app/blobs/{}", blob.digest);
    registry.slow_down(3, Duration::from_millis(1));
    assert_eq!(ask(&registry, "GET", &path, "").1, blob.bytes);
    ask(&registry, "HEAD", &path, "");
    registry.fault(Fault::times(1, "/blobs/", Misdeed::CutAfter(100)));
    ask(&registry, "GET", &path, "");
    assert_eq!((registry.completed(&blob.digest), registry.count("GET", "/blobs/")), (1, 2));
}

#[test]
fn a_body_that_is_held_comes_whole_when_it_is_let_go() {
    let (registry, image) = serving();
    let path = format!("/v2/demo/app/blobs/{}", image.layers[0].blob.digest);
    registry.fault(Fault::times(1, "/blobs/", Misdeed::Hold(10)));
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&registry, "GET", &path, "").1);
        assert!(registry.wait_for(1, "GET", "/blobs/", Duration::from_secs(60)));
        assert!(!registry.wait_for(2, "GET", "/blobs/", Duration::from_millis(50)), "nobody else asked");
        assert!(!asked.is_finished());
        registry.release();
        assert_eq!(asked.join().unwrap(), image.layers[0].blob.bytes);
    });
}
