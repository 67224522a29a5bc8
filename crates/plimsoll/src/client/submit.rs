//! `plimsoll submit`.

use std::process::ExitCode;

use plimsoll_api::client::{messages as v1, random_key};
use plimsoll_types::Lane;

use super::args::SubmitArgs;
use super::{Trouble, connect, show, watch};

pub(super) async fn run(arguments: SubmitArgs) -> Result<ExitCode, Trouble> {
    let request = request(&arguments)?;
    let client = connect::client(arguments.server)?;
    let submitted = client.submit(request).await?;
    let scan = submitted.scan.unwrap_or_default();
    if !arguments.wait {
        show::say(&scan.id)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.watching.quiet {
        eprintln!("plimsoll: scan {} of {}", scan.id, show::one_line(&scan.reference));
    }
    watch::follow(&client, &scan.id, &arguments.watching).await
}

fn request(arguments: &SubmitArgs) -> Result<v1::SubmitScanRequest, Trouble> {
    let idempotency_key = match &arguments.idempotency_key {
        Some(key) => key.clone(),
        // So that a reply that is lost costs a second call, and not a second scan.
        None => random_key()?,
    };
    let lane = match arguments.lane {
        Lane::Interactive => v1::Lane::Interactive,
        Lane::Push => v1::Lane::Push,
        Lane::Backfill => v1::Lane::Backfill,
    };
    Ok(v1::SubmitScanRequest {
        reference: arguments.reference.clone(),
        platforms: arguments.platform.iter().map(ToString::to_string).collect(),
        policy_digest: arguments.policy.map(|digest| digest.to_string()).unwrap_or_default(),
        allowlist_digests: arguments.allowlist.iter().map(ToString::to_string).collect(),
        allow_blind: arguments.allow_blind.iter().map(ToString::to_string).collect(),
        lane: lane.into(),
        answer_within: arguments.deadline.map(|within| v1::Duration {
            seconds: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
            nanos: within.subsec_nanos() as i32,
        }),
        callback_url: arguments.callback.clone().unwrap_or_default(),
        idempotency_key,
        labels: arguments.label.iter().cloned().collect(),
        credential: arguments.credential.clone().unwrap_or_default(),
        plain_http: arguments.plain_http,
    })
}
