//! `plimsoll status` and `plimsoll cancel`.

use std::process::ExitCode;

use jiff::Timestamp;
use plimsoll_api::client::{Client, messages as v1};
use plimsoll_types::ScanState;

use super::args::{CancelArgs, StatusArgs};
use super::{Trouble, connect, crawl, show};

/// The most a server gives at a time.
const PAGE: u32 = 500;

pub(super) async fn run(arguments: StatusArgs) -> Result<ExitCode, Trouble> {
    let request = v1::ListScansRequest {
        state: arguments.state.map_or(v1::ScanState::Unspecified, state).into(),
        reference: arguments.reference.unwrap_or_default(),
        label: arguments.label.map(|(key, value)| v1::list_scans_request::LabelFilter { key, value }),
        ..Default::default()
    };
    let client = connect::client(arguments.server)?;
    if let Some(id) = arguments.crawl {
        return crawl::status(&client, id).await;
    }
    if arguments.crawls {
        return crawl::list(&client, arguments.limit).await;
    }
    match arguments.scan {
        Some(id) => one(&client.scan(&id.to_string()).await?),
        None => list(&client, request, arguments.limit).await,
    }
}

pub(super) async fn cancel(arguments: CancelArgs) -> Result<ExitCode, Trouble> {
    let client = connect::client(arguments.server)?;
    if let Some(id) = arguments.crawl {
        return crawl::cancel(&client, id).await;
    }
    // One of the two is there, or the command line was refused.
    let id = arguments.scan.map(|id| id.to_string()).unwrap_or_default();
    let scan = client.cancel(&id).await?;
    if scan.state() == v1::ScanState::Cancelled {
        show::say(&line(&scan))?;
        return Ok(ExitCode::SUCCESS);
    }
    let state = show::word(scan.state());
    Err(Trouble::new(format!("scan {} had ended before: {state}; nothing was cancelled", scan.id)))
}

fn one(scan: &v1::Scan) -> Result<ExitCode, Trouble> {
    show::say(&line(scan))?;
    if matches!(scan.state(), v1::ScanState::Submitted | v1::ScanState::Analyzing) {
        let waits = scan.failure.as_ref().map(|failure| format!("; the last attempt: {}", failure.message));
        let (id, far) = (&scan.id, show::progress(scan));
        let waits = waits.unwrap_or_default();
        return Err(Trouble::new(format!(
            "not judged yet: {far}{waits}; `plimsoll watch {id}` waits for it"
        )));
    }
    show::ended(scan, 2)
}

async fn list(client: &Client, mut request: v1::ListScansRequest, limit: u32) -> Result<ExitCode, Trouble> {
    let mut left = limit;
    while left > 0 {
        request.page_size = left.min(PAGE);
        let page = client.list(request.clone()).await?;
        for scan in &page.scans {
            show::say(&line(scan))?;
        }
        left = left.saturating_sub(page.scans.len() as u32);
        if page.next_page_token.is_empty() || page.scans.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(ExitCode::SUCCESS)
}

/// `ID  SUBMITTED  LANE  HOW FAR  REFERENCE`.
fn line(scan: &v1::Scan) -> String {
    let submitted = scan.submitted_at.and_then(|at| Timestamp::from_second(at.seconds).ok());
    let submitted = submitted.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let far = match scan.state() {
        v1::ScanState::Judged => show::status(scan.status()).as_str().to_owned(),
        v1::ScanState::Analyzing => format!("analyzing {}/{}", scan.layers_settled, scan.layers_total),
        state => show::word(state).to_owned(),
    };
    let lane = match scan.lane() {
        v1::Lane::Push => "push",
        v1::Lane::Backfill => "backfill",
        v1::Lane::Interactive | v1::Lane::Unspecified => "interactive",
    };
    show::one_line(&format!("{}  {submitted:<20}  {lane:<11}  {far:<17}  {}", scan.id, scan.reference))
}

fn state(state: ScanState) -> v1::ScanState {
    match state {
        ScanState::Submitted => v1::ScanState::Submitted,
        ScanState::Analyzing => v1::ScanState::Analyzing,
        ScanState::Judged => v1::ScanState::Judged,
        ScanState::Failed => v1::ScanState::Failed,
        ScanState::Gone => v1::ScanState::Gone,
        ScanState::Cancelled => v1::ScanState::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_a_scan_is() {
        let scan = v1::Scan {
            id: "0193e4a0-8c1f-7d2a-9a6b-0123456789ab".into(),
            reference: "app\u{1b}:1".into(),
            state: v1::ScanState::Analyzing.into(),
            layers_settled: 3,
            layers_total: 12,
            submitted_at: Some(v1::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            ..Default::default()
        };
        assert_eq!(
            line(&scan),
            "0193e4a0-8c1f-7d2a-9a6b-0123456789ab  2023-11-14T22:13:20Z  interactive  analyzing 3/12     app\\u{1b}:1"
        );
    }
}
