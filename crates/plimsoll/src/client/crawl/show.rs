//! What is shown of crawls.

use std::collections::BTreeMap;

use plimsoll_api::client::messages as v1;

use super::instant;
use crate::client::show::{one_line, status as verdict, word as scan_word};

/// The text form of a state.
pub(super) fn word(state: v1::CrawlState) -> &'static str {
    match state {
        v1::CrawlState::Unspecified => "unknown",
        v1::CrawlState::Running => "running",
        v1::CrawlState::Done => "done",
        v1::CrawlState::Failed => "failed",
        v1::CrawlState::Cancelled => "cancelled",
    }
}

/// `ID  STARTED  STATE  REGISTRY  SO MANY REPOSITORIES AND TAGS`.
pub(super) fn line(crawl: &v1::Crawl) -> String {
    let kind = if crawl.plan_only { "plan " } else { "crawl" };
    let schedule = if crawl.schedule.is_empty() { String::new() } else { format!("  by {}", crawl.schedule) };
    one_line(&format!(
        "{}  {:<20}  {kind}  {:<9}  {}  {} repositories, {} tags{schedule}",
        crawl.id,
        instant(crawl.started_at.as_ref()),
        word(crawl.state()),
        crawl.registry,
        crawl.repositories,
        crawl.tags,
    ))
}

/// How far it is, in one line.
pub(super) fn progress(crawl: &v1::Crawl) -> String {
    let counts = crawl.progress.clone().unwrap_or_default();
    let ended = counts.scans.iter().filter(|scan| is_ended(scan)).map(|scan| scan.count).sum::<u64>();
    let waits = crawl.failure.as_ref().map(|failure| format!("; waits: {}", failure.message));
    one_line(&format!(
        "{}: {} repositories, {} tags, {} images, {ended} of {} scans ended{}",
        word(crawl.state()),
        crawl.repositories,
        crawl.tags,
        counts.images,
        counts.images_asked,
        waits.unwrap_or_default(),
    ))
}

fn is_ended(scan: &v1::ScanCount) -> bool {
    !matches!(scan.state(), v1::ScanState::Submitted | v1::ScanState::Analyzing)
}

/// What there is to do.
pub(super) fn plan(crawl: &v1::Crawl) -> Vec<String> {
    let counts = crawl.progress.clone().unwrap_or_default();
    let plan = counts.planned.unwrap_or_default();
    let (layers, bytes) =
        (plan.layers.saturating_sub(plan.known_layers), plan.bytes.saturating_sub(plan.known_bytes));
    let time = match counts.bytes_per_second {
        0 => "unknown: nothing was pulled from this registry yet".to_owned(),
        speed => format!("about {} at {}/s", time(bytes / speed), size(speed)),
    };
    let mut lines = vec![
        line(crawl),
        format!(
            "images         {}, of which {} were asked for before; {} manifests are no images",
            counts.images, counts.images_asked, counts.not_images
        ),
        format!("layers         {} distinct, {}", plan.layers, size(plan.bytes)),
        format!(
            "shared         {} of the layers, {} of the bytes of all images",
            share(plan.layers, plan.layer_uses),
            share(plan.bytes, plan.bytes_of_uses)
        ),
        format!("known already  {} layers, {}", plan.known_layers, size(plan.known_bytes)),
        format!("to pull        {layers} layers, {}", size(bytes)),
        format!("time           {time}"),
    ];
    lines.extend(failures(&counts));
    lines
}

/// What became of it.
pub(super) fn status(crawl: &v1::Crawl) -> Vec<String> {
    let counts = crawl.progress.clone().unwrap_or_default();
    let (plan, actual) = (counts.planned.unwrap_or_default(), counts.actual.unwrap_or_default());
    let (layers, bytes) =
        (plan.layers.saturating_sub(plan.known_layers), plan.bytes.saturating_sub(plan.known_bytes));
    let given_up = match actual.failed_layers {
        0 => String::new(),
        some => format!("; {some} given up"),
    };
    let mut lines = vec![
        line(crawl),
        format!("images         {}; {} manifests are no images", counts.images, counts.not_images),
        format!("planned        {layers} layers, {}", size(bytes)),
        format!(
            "actual         {} layers, {} ({} of what was planned){given_up}",
            actual.layers,
            size(actual.bytes),
            percent(actual.bytes, bytes)
        ),
    ];
    for (lane, scans) in by_lane(&counts.scans) {
        lines.push(format!("{lane:<13}  {scans}"));
    }
    if let Some(failure) = &crawl.failure {
        let verb = if crawl.state() == v1::CrawlState::Running { "waits" } else { "ended" };
        lines.push(one_line(&format!("{verb:<13}  {} ({})", failure.message, failure.kind)));
    }
    lines.extend(failures(&counts));
    lines
}

/// `judged 12 (pass 10, fail 2), failed 1` for each lane.
fn by_lane(scans: &[v1::ScanCount]) -> Vec<(&'static str, String)> {
    let mut lanes: BTreeMap<i32, BTreeMap<i32, (u64, Vec<String>)>> = BTreeMap::new();
    for scan in scans {
        let state = lanes.entry(scan.lane).or_default().entry(scan.state).or_default();
        state.0 += scan.count;
        if scan.state() == v1::ScanState::Judged {
            state.1.push(format!("{} {}", verdict(scan.status()).as_str(), scan.count));
        }
    }
    let lane_word = |lane| match v1::Lane::try_from(lane) {
        Ok(v1::Lane::Push) => "push",
        Ok(v1::Lane::Backfill) => "backfill",
        Ok(v1::Lane::Interactive | v1::Lane::Unspecified) => "interactive",
        Err(_) => "another lane",
    };
    let text = |states: BTreeMap<i32, (u64, Vec<String>)>| {
        let states = states.into_iter().map(|(state, (count, verdicts))| {
            let state = v1::ScanState::try_from(state).unwrap_or_default();
            let verdicts =
                if verdicts.is_empty() { String::new() } else { format!(" ({})", verdicts.join(", ")) };
            format!("{} {count}{verdicts}", scan_word(state))
        });
        states.collect::<Vec<_>>().join(", ")
    };
    lanes.into_iter().map(|(lane, states)| (lane_word(lane), text(states))).collect()
}

fn failures(counts: &v1::CrawlProgress) -> Vec<String> {
    let line = |failure: &v1::FailureCount| {
        one_line(&format!("{:<13}  {}, for example: {}", failure.kind, failure.count, failure.example))
    };
    counts.failures.iter().map(line).collect()
}

/// How much less the distinct ones are than all of them.
fn share(distinct: u64, all: u64) -> String {
    percent(all.saturating_sub(distinct), all)
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "none".to_owned();
    }
    format!("{:.0}%", part as f64 * 100.0 / whole as f64)
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Seconds for people.
fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds.div_ceil(60)),
        3600..172_800 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(state: v1::ScanState, status: v1::VerdictStatus, count: u64) -> v1::ScanCount {
        v1::ScanCount { lane: v1::Lane::Backfill.into(), state: state.into(), status: status.into(), count }
    }

    fn crawl() -> v1::Crawl {
        let planned = v1::CrawlPlan {
            layers: 10,
            bytes: 2_000_000_000,
            layer_uses: 40,
            bytes_of_uses: 8_000_000_000,
            known_layers: 2,
            known_bytes: 500_000_000,
        };
        let progress = v1::CrawlProgress {
            images: 9,
            images_asked: 8,
            not_images: 1,
            planned: Some(planned),
            actual: Some(v1::CrawlActual {
                layers: 4,
                bytes: 750_000_000,
                failed_layers: 1,
                settled_at: None,
            }),
            scans: vec![
                scan(v1::ScanState::Judged, v1::VerdictStatus::Fail, 2),
                scan(v1::ScanState::Judged, v1::VerdictStatus::Pass, 3),
                scan(v1::ScanState::Analyzing, v1::VerdictStatus::Unspecified, 4),
            ],
            failures: vec![v1::FailureCount {
                kind: "bad_manifest".into(),
                count: 2,
                example: "a:1 is\nbroken".into(),
            }],
            bytes_per_second: 10_000_000,
        };
        v1::Crawl { id: "7".into(), registry: "r.io".into(), progress: Some(progress), ..Default::default() }
    }

    #[test]
    fn a_plan_says_what_there_is_to_do() {
        let text = plan(&crawl()).join("\n");
        for part in [
            "9, of which 8 were asked for before; 1 manifests are no images",
            "10 distinct, 2.0 GB",
            "75% of the layers, 75% of the bytes",
            "2 layers, 500.0 MB",
            "8 layers, 1.5 GB",
            "about 3m at 10.0 MB/s",
            "bad_manifest   2, for example: a:1 is broken",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }

    #[test]
    fn a_status_holds_what_happened_against_the_plan() {
        let text = status(&crawl()).join("\n");
        for part in [
            "planned        8 layers, 1.5 GB",
            "actual         4 layers, 750.0 MB (50% of what was planned); 1 given up",
            "backfill       analyzing 4, judged 5 (fail 2, pass 3)",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(progress(&crawl()).contains("5 of 8 scans ended"), "{}", progress(&crawl()));
    }

    #[test]
    fn sizes_and_times_are_written_as_people_do() {
        assert_eq!(
            [0, 999, 1000, 999_999, 1_500_000].map(size),
            ["0 B", "999 B", "1.0 kB", "1.0 MB", "1.5 MB"]
        );
        assert_eq!([5, 61, 7260, 864_000].map(time), ["5s", "2m", "2h 1m", "10 days"]);
        assert_eq!(percent(1, 0), "none");
    }
}
