//! What a fleet tells of itself over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::fleet::{Fleet, image, installs, listening};
use crate::places::{Broker, Places};

/// An answer with its status line and headers.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// The value of a series; its labels are part of its name.
fn find(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().expect("a number"))
}

/// The value of a series that is there.
pub(crate) fn value(metrics: &str, series: &str) -> f64 {
    find(metrics, series).unwrap_or_else(|| panic!("{series} in {metrics}"))
}

/// What is counted, once everything that a client could see the end of has been.
fn settled(address: &str, scans: f64) -> String {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let metrics = get(address, "/metrics");
        let judged = find(&metrics, r#"plimsoll_fleet_judge_seconds_count{outcome="judged"}"#);
        if judged == Some(scans) && find(&metrics, "plimsoll_fleet_jobs_held") == Some(0.0) {
            return metrics;
        }
        assert!(Instant::now() < patience, "{metrics}");
    }
}

#[test]
fn a_fleet_counts_what_it_does_and_names_nobody() {
    let fleet = Fleet::start();
    let image = image("amd64", &[installs("quay", "1.0"), installs("jetty", "1.2")]);
    let reference = fleet.registry.push("harbour/app", "1", &image);
    for _ in 0..2 {
        let answer = fleet.judge(&reference);
        assert_eq!(answer.code, 1, "{answer:?}");
    }

    let metrics = settled(&fleet.http, 2.0);
    for (series, expected) in [
        (r#"plimsoll_fleet_verdicts_total{status="fail"}"#, 2.0),
        (r#"plimsoll_fleet_submit_to_verdict_seconds_count{lane="interactive"}"#, 2.0),
        (r#"plimsoll_fleet_judge_seconds_count{outcome="judged"}"#, 2.0),
        (r#"plimsoll_fleet_plan_seconds_count{outcome="planned"}"#, 2.0),
        (r#"plimsoll_fleet_planned_layers_total{work="new"}"#, 2.0),
        (r#"plimsoll_fleet_planned_layers_total{work="saved"}"#, 2.0),
        (r#"plimsoll_fleet_job_seconds_count{kind="layer",outcome="analyzed"}"#, 2.0),
        (r#"plimsoll_fleet_results_total{outcome="settled"}"#, 2.0),
        (r#"plimsoll_fleet_backlog_layers{lane="backfill"}"#, 0.0),
        ("plimsoll_fleet_jobs_oldest_lease_seconds", 0.0),
        (r#"plimsoll_api_calls_total{method="SubmitScan",code="OK"}"#, 2.0),
    ] {
        let value = value(&metrics, series);
        assert!((value - expected).abs() < 0.5, "{series} is {value} and not {expected}: {metrics}");
    }
    assert!(value(&metrics, "plimsoll_fleet_pulled_bytes_total") > 0.0, "{metrics}");
    assert!(!metrics.contains("harbour") && !metrics.contains("default"), "{metrics}");
    // A name that was registered twice would make an exposition no scraper reads.
    let mut named: Vec<_> = metrics.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let all = named.len();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), all, "{metrics}");
}

/// A role that is killed when the test ends.
struct Role(Child);

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn workers_and_aggregators_say_whether_they_are_ready() {
    let Some(places) = Places::make(Broker::RabbitMq) else { return };
    let fleet = Fleet::start();
    let start = |role: &str, more: &[&str]| {
        let mut command = fleet.command(&[role, "--queue", &places.queue, "--http", "127.0.0.1:0"]);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.args(["--store", &places.store]).args(more);
        command.env("PLIMSOLL_LOG_FORMAT", "json").stderr(Stdio::piped());
        let mut process = command.spawn().expect("plimsoll runs");
        let (_, http) = listening(&mut process);
        (Role(process), http)
    };
    for ((_role, http), parts) in [
        (start("worker", &[]), "\r\n\r\nqueue: ok\nstore: ok\n"),
        (start("aggregator", &["--state", &places.state]), "\r\n\r\nstate: ok\nqueue: ok\nstore: ok\n"),
    ] {
        let ready = get(&http, "/readyz");
        assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with(parts), "{ready}");
        assert!(get(&http, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(get(&http, "/metrics").contains("# TYPE plimsoll_fleet_"));
    }
}
