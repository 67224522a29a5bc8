//! `plimsoll scan`: the steps of the fleet, one after the other, in this process.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use plimsoll_fleet::document::document;
use plimsoll_fleet::judge::{Rules, judge};
use plimsoll_fleet::{Engine, EngineLimits, analyze, fold, plan, resolve};
use plimsoll_oci::{Options, Source};
use plimsoll_types::report::{Action, Image, Reason, Report, ReportError, SCHEMA, Verdict, VerdictStatus};
use plimsoll_types::{Platform, Retry};

use crate::cli::ScanArgs;
use crate::failure::Failure;
use crate::progress::Bar;
use crate::{exit, inputs, output};

/// Scans, writes the reports, and says how it went.
pub(crate) fn run(arguments: ScanArgs) -> ExitCode {
    let (targets, color, warn) = (arguments.format.clone(), arguments.color, arguments.warn_exit_code);
    if let Some(place) = named_twice(&arguments) {
        output::complain(&format!(
            "only one --format (or --document) can go to {place}; write the others to files of their own (F=FILE)"
        ));
        return exit::usage_code();
    }
    let now = arguments.clock.unwrap_or_else(Timestamp::now);
    let asked = arguments.image.to_string();
    let mut report = match judged(arguments, now) {
        Ok(report) => {
            if let Some(why) = why_not_judged(&report) {
                output::complain(&format!("not judged: {why}"));
            }
            report
        }
        Err(failure) => {
            output::complain(&failure.to_string());
            not_judged(&asked, failure.report(), now)
        }
    };
    report.verdict.exit_code = exit::of(report.verdict.status, warn);
    match output::write(&report, &targets, color) {
        Ok(()) => ExitCode::from(report.verdict.exit_code),
        Err(why) => {
            output::complain(&why);
            ExitCode::from(VerdictStatus::NotJudged.exit_code())
        }
    }
}

/// A place that two things were to be written to.
fn named_twice(arguments: &ScanArgs) -> Option<String> {
    let document = arguments.document.iter().map(Some);
    let mut places: Vec<_> =
        arguments.format.iter().map(|target| target.file.as_ref()).chain(document).collect();
    places.sort();
    let twice = places.windows(2).find(|pair| pair[0] == pair[1])?[0];
    Some(twice.map_or("standard output".into(), |file| file.display().to_string()))
}

/// The first reason that leaves an image not judged.
fn why_not_judged(report: &Report) -> Option<&str> {
    let counts = |reason: &&Reason| reason.action == Action::NotJudged && reason.allowlisted.is_none();
    let not_judged = report.verdict.status == VerdictStatus::NotJudged;
    report.verdict.reasons.iter().find(counts).filter(|_| not_judged).map(|reason| reason.message.as_str())
}

/// Runs the scan on a runtime of its own; a panic anywhere in it is a failure like others.
fn judged(arguments: ScanArgs, now: Timestamp) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("internal", format!("no runtime: {error}")))?;
    let bar = Bar::new(arguments.quiet);
    let progress = bar.progress();
    let result = runtime.block_on(async { tokio::spawn(scan(arguments, now, progress)).await });
    bar.clear();
    // What is still pulling after a failure must not hold up the answer.
    runtime.shutdown_background();
    match result {
        Ok(result) => result,
        Err(_) => Err(Failure::new("panic", "the scan panicked; please report it with the text above")),
    }
}

async fn scan(
    arguments: ScanArgs,
    now: Timestamp,
    progress: Arc<plimsoll_fleet::Progress>,
) -> Result<Report, Failure> {
    let mut watch = Stopwatch::new();
    let policy = inputs::policy(arguments.policy.as_deref()).await?;
    let mut allowlists = Vec::new();
    for place in &arguments.allowlist {
        allowlists.push(inputs::allowlist(place).await?);
    }
    let knowledge = arguments.db.as_deref().map(inputs::snapshot).transpose()?;
    let engine = Engine::new(inputs::store(arguments.store).await?, EngineLimits::default());
    watch.lap("load");

    let asked = arguments.platform;
    let platform = asked.clone().unwrap_or_else(Platform::host_linux);
    let options =
        Options { plain_http: arguments.plain_http, platform: Some(platform.clone()), ..Options::default() };
    let source: Arc<dyn Source> = plimsoll_oci::open(&arguments.image, &options).await?.into();
    let image = resolve::resolve(&engine, &*source, &platform).await?;
    // An image without an index has one platform; another one that was asked for by name is not there.
    if let Some(wanted) = &asked {
        image.must_be_for(wanted)?;
    }
    watch.lap("resolve");

    let (plan, mut folded) = match attempt(&engine, &source, &image, &progress, &mut watch).await {
        // Something in the store was damaged or vanished under the scan: it is made anew, once.
        Err(error) if is_store_fault(&error) => {
            attempt(&engine, &source, &image, &progress, &mut watch).await?
        }
        result => result?,
    };
    let rules = Rules {
        knowledge: knowledge.as_ref(),
        policy: &policy,
        allowlists: &allowlists,
        allow_blind: &arguments.allow_blind,
        now,
    };
    let mut report = judge(&arguments.image.to_string(), &image, &plan, &mut folded, &rules)?;
    if let Some(file) = &arguments.document {
        let document = document(&image, &plan, &rules, &report).map_err(plimsoll_fleet::Error::from)?;
        output::write_whole(file, |out| out.write_all(&document.bytes))
            .map_err(|error| Failure::new("output", output::unwritable(file, &error)))?;
    }
    watch.lap("judge");
    // Freeing a hundred thousand files takes as long as judging them, and the process soon ends.
    tokio::task::spawn_blocking(move || drop(folded));
    report.timings = watch.timings();
    Ok(report)
}

async fn attempt(
    engine: &Engine,
    source: &Arc<dyn Source>,
    image: &resolve::Resolved,
    progress: &Arc<plimsoll_fleet::Progress>,
    watch: &mut Stopwatch,
) -> Result<(plan::Plan, fold::Folded), plimsoll_fleet::Error> {
    let plan = plan::plan(engine, image).await?;
    watch.lap("plan");
    analyze::analyze(engine, Arc::clone(source), &plan, Arc::clone(progress)).await?;
    watch.lap("analyze");
    let folded = fold::fold(engine, &plan).await?;
    watch.lap("fold");
    Ok((plan, folded))
}

fn is_store_fault(error: &plimsoll_fleet::Error) -> bool {
    matches!(error, plimsoll_fleet::Error::Damaged { .. } | plimsoll_fleet::Error::Vanished { .. })
        && error.retry() != Retry::Never
}

/// The report of an image nobody could judge.
fn not_judged(reference: &str, error: ReportError, now: Timestamp) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        image: Some(Image::unresolved(reference)),
        distro: None,
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        coverage: plimsoll_types::report::Coverage::default(),
        verdict: Verdict {
            status: VerdictStatus::NotJudged,
            exit_code: VerdictStatus::NotJudged.exit_code(),
            reasons: Vec::new(),
            policy_digest: None,
            knowledge_digest: None,
            evaluated_at: now.to_string(),
        },
        error: Some(error),
        timings: BTreeMap::new(),
    }
}

/// Milliseconds per step.
struct Stopwatch {
    start: Instant,
    last: Instant,
    laps: BTreeMap<String, f64>,
}

impl Stopwatch {
    fn new() -> Self {
        let now = Instant::now();
        Self { start: now, last: now, laps: BTreeMap::new() }
    }

    fn lap(&mut self, step: &str) {
        let now = Instant::now();
        *self.laps.entry(format!("{step}_ms")).or_default() += milliseconds(now - self.last);
        self.last = now;
    }

    fn timings(mut self) -> BTreeMap<String, f64> {
        self.laps.insert("total_ms".into(), milliseconds(self.start.elapsed()));
        self.laps
    }
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_whole_report_that_says_not_judged() {
        let failure = Failure::new("not_found", "gone");
        let report = not_judged("r.io/app:1", failure.report(), Timestamp::UNIX_EPOCH);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdict"]["exit_code"], 3);
        assert_eq!(json["error"]["kind"], "not_found");
        assert_eq!(json["image"]["reference"], "r.io/app:1", "whoever scans many can tell which one failed");
        assert!(json["image"]["digest"].is_null() && json["image"]["layers"].is_array());
        assert!(json["packages"].is_array());
    }
}
