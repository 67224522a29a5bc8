//! An S3 server in memory, with troubles to order: no socket, and no clock but the paused one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::{Credentials, HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_s3::error::ConnectorError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::retries::ErrorKind;
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::connect::Way;

/// What goes wrong with one request.
#[derive(Clone, Copy)]
pub(super) enum Trouble {
    /// The answer is this status and code, and nothing is done.
    Refuse(u16, &'static str),
    /// It is done, and the connection breaks before the answer.
    LoseReply,
    /// It is done, and the server hangs up before it has answered, which HTTP clients tell apart.
    HangUp,
    /// It is done whatever the condition says.
    IgnoreCondition,
}

/// Says what goes wrong, from the operation, the object's name, and how often it was tried before.
type Plan = dyn Fn(&str, &str, usize) -> Option<Trouble> + Send + Sync;

#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, BytesMut>,
    tried: BTreeMap<(&'static str, String), usize>,
    encrypted: BTreeSet<&'static str>,
    sent: u64,
}

#[derive(Clone)]
pub(super) struct Server {
    held: Arc<Mutex<Held>>,
    plan: Arc<Plan>,
    operations: UnboundedSender<&'static str>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// A server, and the operations it is asked for as they come.
    pub(super) fn new(
        plan: impl Fn(&str, &str, usize) -> Option<Trouble> + Send + Sync + 'static,
    ) -> (Self, UnboundedReceiver<&'static str>) {
        let (operations, seen) = unbounded_channel();
        (Self { held: Arc::default(), plan: Arc::new(plan), operations }, seen)
    }

    pub(super) fn way(&self) -> Way {
        let credentials = Credentials::new("key", "secret", None, None, "tests");
        Way { http: SharedHttpClient::new(self.clone()), credentials: Some(credentials) }
    }

    pub(super) fn hold(&self, name: &str, bytes: &'static [u8]) {
        self.held.lock().unwrap().objects.insert(name.to_owned(), Bytes::from_static(bytes));
    }

    /// Which operations asked for encryption.
    pub(super) fn encrypted(&self) -> Vec<&'static str> {
        self.held.lock().unwrap().encrypted.iter().copied().collect()
    }

    /// Bytes of parts that arrived.
    pub(super) fn sent(&self) -> u64 {
        self.held.lock().unwrap().sent
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = operation(request);
        // http://server/bucket/NAME?QUERY
        let (path, query) = request.uri().split_once('?').unwrap_or((request.uri(), ""));
        let name = path.splitn(5, '/').nth(4).unwrap_or_default().to_owned();
        let mut held = self.held.lock().unwrap();
        if request.headers().get("x-amz-server-side-encryption").is_some() {
            held.encrypted.insert(operation);
        }
        let tried = held.tried.entry((operation, name.clone())).or_default();
        let trouble = (self.plan)(operation, &name, *tried);
        *tried += 1;
        let is_conditional = request.headers().get("if-none-match") == Some("*")
            && !matches!(trouble, Some(Trouble::IgnoreCondition));
        let (status, body) = match trouble {
            Some(Trouble::Refuse(status, code)) => (status, refusal(code)),
            _ => held.act(operation, name, query, request.body(), is_conditional),
        };
        drop(held);
        // Nobody listens in most tests.
        let _unheard = self.operations.send(operation);
        if matches!(trouble, Some(Trouble::LoseReply)) {
            return Err(ConnectorError::io("connection reset".into()));
        }
        if matches!(trouble, Some(Trouble::HangUp)) {
            let error = "connection closed before message completed".into();
            return Err(ConnectorError::other(error, Some(ErrorKind::TransientError)));
        }
        let mut reply = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        if status == 503 {
            reply.headers_mut().insert("retry-after", "7");
        }
        Ok(reply)
    }
}

impl Held {
    fn act(
        &mut self,
        operation: &str,
        name: String,
        query: &str,
        body: &SdkBody,
        is_conditional: bool,
    ) -> (u16, Bytes) {
        // Bodies are in memory, so that they can be sent again.
        let sent = || Bytes::copy_from_slice(body.bytes().expect("a body in memory"));
        if is_conditional && self.objects.contains_key(&name) {
            return (412, refusal("PreconditionFailed"));
        }
        match operation {
            "put" => {
                self.objects.insert(name, sent());
                (200, Bytes::new())
            }
            "begin" => {
                self.uploads.insert(name, BytesMut::new());
                let id =
                    "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
                (200, id.into())
            }
            "part" => {
                assert!(query.contains("uploadId=1"), "{query}");
                self.sent += sent().len() as u64;
                self.uploads.get_mut(&name).expect("an upload").extend_from_slice(&sent());
                (200, Bytes::new())
            }
            "complete" => match self.uploads.remove(&name) {
                Some(parts) => {
                    self.objects.insert(name, parts.freeze());
                    (200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>".into())
                }
                None => (404, refusal("NoSuchUpload")),
            },
            "abort" => {
                self.uploads.remove(&name);
                (204, Bytes::new())
            }
            _ => match self.objects.get(&name) {
                // Whole, whatever the range.
                Some(bytes) if operation == "get" => (200, bytes.clone()),
                Some(_) => (200, Bytes::new()),
                None => (404, refusal("NoSuchKey")),
            },
        }
    }
}

fn refusal(code: &str) -> Bytes {
    format!("<Error><Code>{code}</Code><Message>so it is</Message></Error>").into()
}

fn operation(request: &HttpRequest) -> &'static str {
    let has = |part| request.uri().contains(part);
    match request.method() {
        "PUT" if has("partNumber=") => "part",
        "PUT" => "put",
        "POST" if has("uploadId=") => "complete",
        "POST" => "begin",
        "DELETE" if has("uploadId=") => "abort",
        "HEAD" => "head",
        "GET" => "get",
        other => panic!("no test asks for {other}"),
    }
}

impl HttpConnector for Server {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl HttpClient for Server {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
