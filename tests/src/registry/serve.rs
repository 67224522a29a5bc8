//! The distribution API, as much of it as pulling needs (OCI distribution-spec).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName,
    LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::http::response::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::reply::Reply;
use super::{Misdeed, Request, Shared, State, listing};
use crate::image::Blob;

/// Accepts connections until dropped.
pub(super) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request: HttpRequest<Incoming>| {
                let response = answer(&request, address, &shared);
                async move { Ok::<_, Infallible>(response) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            // A client that goes away or does not trust us, or a break we made ourselves, is nobody's error.
            let _ended = match tls {
                None => http.serve_connection(TokioIo::new(stream), service).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => http.serve_connection(TokioIo::new(stream), service).await,
                    Err(_) => Ok(()),
                },
            };
        });
    }
}

/// Answers one request and writes it down.
fn answer<B>(request: &HttpRequest<B>, address: SocketAddr, shared: &Arc<Shared>) -> Response<Reply> {
    let header = |name: HeaderName| text(request.headers(), &name);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let authorization = header(AUTHORIZATION);
    let mut state = shared.lock();
    let misdeed = state.faults.iter_mut().find_map(|fault| fault.strike(&path));
    let response =
        respond(request, &path, authorization.as_deref(), &address.to_string(), &state, misdeed.as_ref());
    let pace = state.pace;
    let response = response.map(|body| body.paced(pace));
    let response = match path.rsplit_once("/blobs/") {
        Some((_, digest)) if request.method() == Method::GET && response.status().is_success() => {
            let (shared, digest) = (Arc::clone(shared), digest.to_owned());
            response.map(|body| body.at_end(move || *shared.lock().completed.entry(digest).or_default() += 1))
        }
        _ => response,
    };
    state.requests.push(Request {
        method: request.method().to_string(),
        path,
        authorization,
        range: header(RANGE),
        accept: header(ACCEPT).unwrap_or_default(),
        status: response.status().as_u16(),
    });
    shared.came.notify_all();
    response
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn respond<B>(
    request: &HttpRequest<B>,
    path: &str,
    authorization: Option<&str>,
    host: &str,
    state: &State,
    misdeed: Option<&Misdeed>,
) -> Response<Reply> {
    if let Some(response) = misdeed.and_then(|misdeed| refuse(misdeed, path)) {
        return response;
    }
    if path.starts_with("/token") {
        return match state.auth.token(authorization) {
            Some(token) => finish(Response::builder().header(CONTENT_TYPE, "application/json"), token),
            None => error(Response::builder().status(StatusCode::UNAUTHORIZED), "UNAUTHORIZED"),
        };
    }
    if let Some(challenge) = state.auth.challenge(authorization, host) {
        let response = Response::builder().status(StatusCode::UNAUTHORIZED);
        return error(response.header(WWW_AUTHENTICATE, challenge), "UNAUTHORIZED");
    }
    if path == "/v2/" {
        return finish(Response::builder(), "{}");
    }
    if let Some(response) = listing::answer(path, state) {
        return response;
    }
    match find(path, state) {
        Some((blob, is_manifest)) => content(request, blob, is_manifest, state, misdeed),
        None => error(Response::builder().status(StatusCode::NOT_FOUND), "MANIFEST_UNKNOWN"),
    }
}

/// `/v2/<repository>/{manifests,blobs}/<tag or digest>`
fn find<'a>(path: &str, state: &'a State) -> Option<(&'a Blob, bool)> {
    let path = path.split('?').next()?.strip_prefix("/v2/")?;
    if let Some((_, digest)) = path.rsplit_once("/blobs/") {
        return state.blobs.get(digest).map(|blob| (blob, false));
    }
    let (repository, selector) = path.rsplit_once("/manifests/")?;
    let endless = state.endless.get(repository).filter(|_| !selector.contains(':')).map(|(digest, _)| digest);
    let digest = state.tags.get(&format!("{repository}:{selector}")).or(endless);
    let digest = digest.map_or(selector, String::as_str);
    state.blobs.get(digest).map(|blob| (blob, true))
}

/// The misdeeds that need no content.
fn refuse(misdeed: &Misdeed, path: &str) -> Option<Response<Reply>> {
    let builder = Response::builder();
    let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some(match misdeed {
        Misdeed::Status(code) => finish(builder.status(status(*code)), Bytes::new()),
        Misdeed::TooManyRequests(after) => {
            let mut builder = builder.status(StatusCode::TOO_MANY_REQUESTS);
            if let Some(after) = after {
                builder = builder.header(RETRY_AFTER, after.to_string());
            }
            error(builder, "TOOMANYREQUESTS")
        }
        Misdeed::RedirectTo(host) => {
            let location = format!("http://{host}{path}");
            let builder = builder.status(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, location);
            finish(builder, Bytes::new())
        }
        _ => return None,
    })
}

fn content<B>(
    request: &HttpRequest<B>,
    blob: &Blob,
    is_manifest: bool,
    state: &State,
    misdeed: Option<&Misdeed>,
) -> Response<Reply> {
    let mut bytes = blob.bytes.clone();
    match misdeed {
        Some(Misdeed::WrongBytes) => bytes = changed(&bytes, 0),
        Some(Misdeed::Longer(more)) => bytes = changed(&bytes, *more),
        _ => {}
    }
    let media_type = if is_manifest { blob.media_type.as_str() } else { "application/octet-stream" };
    let mut builder = Response::builder()
        .header(CONTENT_TYPE, media_type)
        .header(ACCEPT_RANGES, "bytes")
        .header("docker-content-digest", &blob.digest);
    let range = text(request.headers(), &RANGE).filter(|_| misdeed != Some(&Misdeed::NoRanges));
    if let Some(range) = range.filter(|_| !is_manifest) {
        let total = bytes.len();
        let Some((start, end)) = parse_range(&range, total) else {
            let builder = builder.status(StatusCode::RANGE_NOT_SATISFIABLE);
            return finish(builder.header(CONTENT_RANGE, format!("bytes */{total}")), Bytes::new());
        };
        bytes = bytes.slice(start..end);
        builder = builder
            .status(StatusCode::PARTIAL_CONTENT)
            .header(CONTENT_RANGE, format!("bytes {start}-{}/{total}", end - 1));
    }
    builder = builder.header(CONTENT_LENGTH, bytes.len());
    let body = match misdeed {
        _ if *request.method() == Method::HEAD => Reply::whole(Bytes::new()),
        Some(Misdeed::CutAfter(length)) => Reply::cut(&bytes, *length),
        Some(Misdeed::Hold(length)) => Reply::held(bytes, *length, state.released.subscribe()),
        _ => Reply::whole(bytes),
    };
    builder.body(body).expect("every header is valid")
}

/// Another first byte, or zeros at the end.
fn changed(bytes: &Bytes, more: usize) -> Bytes {
    let mut changed = bytes.to_vec();
    if more == 0 {
        changed.iter_mut().take(1).for_each(|byte| *byte ^= 0xff);
    }
    changed.resize(changed.len() + more, 0);
    changed.into()
}

/// `bytes=<start>-[<end>]` as a half-open range within `total`.
fn parse_range(range: &str, total: usize) -> Option<(usize, usize)> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start: usize = start.parse().ok()?;
    let end = if end.is_empty() { total } else { end.parse::<usize>().ok()?.saturating_add(1).min(total) };
    (start < end).then_some((start, end))
}

fn error(builder: Builder, code: &str) -> Response<Reply> {
    let body = format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"{code}\"}}]}}");
    finish(builder.header(CONTENT_TYPE, "application/json"), body)
}

fn finish(builder: Builder, body: impl Into<Bytes>) -> Response<Reply> {
    builder.body(Reply::whole(body)).expect("every header is valid")
}
