//! `plimsoll watch`, and the waiting of `submit --wait`.

use std::process::ExitCode;

use plimsoll_api::client::{Client, messages as v1};
use v1::watch_scan_response::Change;

use super::args::{WatchArgs, Watching};
use super::{Trouble, connect, show};

pub(super) async fn run(arguments: WatchArgs) -> Result<ExitCode, Trouble> {
    let client = connect::client(arguments.server)?;
    follow(&client, &arguments.scan.to_string(), &arguments.watching).await
}

/// Follows a scan to its end: progress on standard error, verdicts on standard output.
pub(super) async fn follow(client: &Client, id: &str, watching: &Watching) -> Result<ExitCode, Trouble> {
    let mut told = 0;
    let seen = |scan: &v1::Scan, change| {
        if !watching.quiet {
            for line in news(scan, change, &mut told) {
                eprintln!("plimsoll: {}", show::one_line(&line));
            }
        }
    };
    let scan = client.watch(id, seen).await?;
    show::ended(&scan, watching.warn_exit_code)
}

/// What is worth a line. Verdicts are told once, and the last of them on standard output only.
fn news(scan: &v1::Scan, change: Change, told: &mut usize) -> Vec<String> {
    match change {
        Change::Planned => {
            let platforms = if scan.targets_total == 1 { "platform" } else { "platforms" };
            vec![format!("{} {platforms}, {} layers", scan.targets_total, scan.layers_total)]
        }
        Change::Layer => vec![format!("layer {} of {}", scan.layers_settled, scan.layers_total)],
        Change::Verdict => {
            let news =
                scan.verdicts.iter().skip(*told).map(|verdict| {
                    format!("{}: {}", verdict.platform, show::status(verdict.status()).as_str())
                });
            let news = news.collect();
            *told = scan.verdicts.len();
            news
        }
        Change::None if scan.failure.is_some() => {
            let failure = scan.failure.as_ref().map(|failure| failure.message.as_str());
            vec![format!("waiting to try again: {}", failure.unwrap_or_default())]
        }
        Change::None => vec![show::progress(scan)],
        Change::Ended | Change::Unspecified => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_news_once() {
        let verdict = |platform: &str| v1::Verdict {
            platform: platform.into(),
            status: v1::VerdictStatus::Pass.into(),
            ..Default::default()
        };
        let mut scan = v1::Scan { verdicts: vec![verdict("linux/amd64")], ..Default::default() };
        let mut told = 0;
        assert_eq!(news(&scan, Change::Verdict, &mut told), ["linux/amd64: pass"]);
        scan.verdicts.push(verdict("linux/arm64"));
        assert_eq!(news(&scan, Change::Verdict, &mut told), ["linux/arm64: pass"]);
    }

    #[test]
    fn progress_counts_layers() {
        let scan = v1::Scan { layers_settled: 3, layers_total: 12, targets_total: 2, ..Default::default() };
        assert_eq!(news(&scan, Change::Layer, &mut 0), ["layer 3 of 12"]);
        assert_eq!(news(&scan, Change::Planned, &mut 0), ["2 platforms, 12 layers"]);
    }
}
