//! The API of ECR and of STS, as far as somebody who wants a token needs them, on a free port of loopback.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// More than any request here has.
const MAX_BODY: usize = 64 << 10;

/// What STS gives for a role.
const ROLE: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <AssumedRoleUser><AssumedRoleId>A:plimsoll</AssumedRoleId>\
    <Arn>arn:aws:sts::123456789012:assumed-role/pull/plimsoll</Arn></AssumedRoleUser>\
    <Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
    <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
    </AssumeRoleResult></AssumeRoleResponse>";

/// Gives whoever assumes a role a token with one password. Its thread lasts as long as the program.
pub struct EcrApi {
    address: SocketAddr,
    tokens: Arc<AtomicUsize>,
}

impl EcrApi {
    /// Starts it. Its tokens are for a registry that wants the user `AWS` with `password`.
    pub fn start(password: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, tokens) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let (counted, token) = (Arc::clone(&tokens), STANDARD.encode(format!("AWS:{password}")));
        std::thread::Builder::new().name("ecr".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // One that breaks off asks again.
                let _broken = answer(stream, &token, &counted);
            }
        })?;
        Ok(Self { address, tokens })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many tokens were given away.
    pub fn tokens(&self) -> usize {
        self.tokens.load(Ordering::Relaxed)
    }
}

fn answer(stream: TcpStream, token: &str, tokens: &AtomicUsize) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut signer, mut line) = (0, String::new(), String::new());
    while reader.read_line(&mut line)? > 2 {
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0).min(MAX_BODY);
        }
        if lower.starts_with("authorization:") {
            signer.clone_from(&line);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, kind, text) = if String::from_utf8_lossy(&body).contains("Action=AssumeRole") {
        (200, "text/xml", ROLE.to_owned())
    } else if signer.contains("AKIDROLE") {
        tokens.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_secs();
        let text = format!(
            "{{\"authorizationData\":[{{\"authorizationToken\":\"{token}\",\"expiresAt\":{}}}]}}",
            now + 43_200
        );
        (200, "application/x-amz-json-1.1", text)
    } else {
        (400, "application/x-amz-json-1.1", "{\"__type\":\"AccessDeniedException\"}".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status} answer\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    reader.get_mut().write_all(format!("{head}{text}").as_bytes())
}
