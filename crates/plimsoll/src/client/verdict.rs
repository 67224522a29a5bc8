//! `plimsoll verdict`.

use std::io::Write as _;
use std::process::ExitCode;

use plimsoll_api::client::messages as v1;

use super::args::VerdictArgs;
use super::{Trouble, connect, show};
use crate::exit;

pub(super) async fn run(arguments: VerdictArgs) -> Result<ExitCode, Trouble> {
    let request = v1::GetVerdictRequest {
        image: Some(arguments.image),
        policy_digest: arguments.policy.map(|digest| digest.to_string()).unwrap_or_default(),
        include_document: arguments.json,
    };
    let client = connect::client(arguments.server)?;
    let answer = client.verdict(request).await?;
    for verdict in &answer.verdicts {
        if arguments.json {
            document(&verdict.document)?;
        } else {
            show::say(&show::verdict(verdict))?;
        }
    }
    Ok(ExitCode::from(exit::of(show::status(answer.status()), arguments.warn_exit_code)))
}

/// A document as it is stored, byte for byte, and a line end.
fn document(bytes: &[u8]) -> Result<(), Trouble> {
    let mut stdout = std::io::stdout().lock();
    let written =
        stdout.write_all(bytes).and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush());
    written.map_err(|error| Trouble::new(format!("cannot write to standard output: {error}")))
}
