//! Docker's credential helpers: `docker-credential-NAME get`, the server on stdin, JSON on stdout.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::{Credentials, Secret};
use crate::Error;

/// A helper may ask a cloud, but nobody may have to type.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes an answer may have.
const MAX_ANSWER: u64 = 1 << 20;

/// What helpers say when they have nothing (docker-credential-helpers, `credentials/error.go`).
const NOT_FOUND: &str = "credentials not found";

/// The name under which an identity token comes instead of a name.
const TOKEN: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks the helper `name` for `server`; `None` if it has nothing for it.
pub(super) async fn get(name: &str, server: &str) -> Result<Option<Credentials>, Error> {
    let program = format!("docker-credential-{name}");
    // The name comes from a file and is looked up in PATH; it must not lead anywhere else.
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        let why = "not the name of a credential helper; correct Docker's config.json".to_owned();
        return Err(Error::Credentials { what: program, why });
    }
    run(name, OsStr::new(&program), server).await
}

/// Runs `program`, the helper `name`.
pub(super) async fn run(name: &str, program: &OsStr, server: &str) -> Result<Option<Credentials>, Error> {
    let error = |why: String| Error::Credentials { what: format!("docker-credential-{name}"), why };
    let output = match tokio::time::timeout(TIMEOUT, ask(program, server)).await {
        Ok(Ok(output)) => output,
        Ok(Err(source)) if source.kind() == io::ErrorKind::NotFound => {
            let why = "this credential helper is named in Docker's config.json and is not in PATH; install it \
                       or remove the entry";
            return Err(error(why.to_owned()));
        }
        Ok(Err(source)) => return Err(error(format!("the credential helper cannot be run: {source}"))),
        Err(_) => return Err(error(format!("gave no answer within {} s", TIMEOUT.as_secs()))),
    };
    if !output.status.success() {
        let said =
            String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout });
        if said.contains(NOT_FOUND) {
            return Ok(None);
        }
        let said: String = said.trim().chars().take(300).collect();
        return Err(error(format!("failed for {server} ({}): {said}", output.status)));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| error("answered with something that is not its protocol's JSON".to_owned()))?;
    Ok(match (answer.username.as_str(), answer.secret.as_str()) {
        (_, "") => None,
        (TOKEN, secret) => Some(Credentials::IdentityToken(Secret::new(secret))),
        (username, secret) => {
            Some(Credentials::Basic { username: username.to_owned(), password: Secret::new(secret) })
        }
    })
}

async fn ask(program: &OsStr, server: &str) -> io::Result<Output> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that answers without reading is odd, and its answer counts.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(read_capped(stdout), read_capped(stderr))?;
    Ok(Output { status: child.wait().await?, stdout, stderr })
}

async fn read_capped(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_ANSWER + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MAX_ANSWER {
        return Err(io::Error::other(format!("it wrote more than {MAX_ANSWER} bytes")));
    }
    Ok(bytes)
}
