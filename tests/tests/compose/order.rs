//! What is healthy, and who waits for whom.

use std::collections::BTreeSet;

use crate::file::{Compose, Service};

/// Images with nothing in them that could ask whether they are healthy.
const UNASKED: &[&str] = &["otel-collector"];

/// Says of every service that nobody can tell to be healthy, or that waits in vain, why.
fn complaints(compose: &Compose) -> Vec<String> {
    let mut complaints = Vec::new();
    for service in compose.services() {
        let asked = service.get("healthcheck")["test"].is_array();
        if !asked && !service.is_one_shot() && !UNASKED.contains(&service.name) {
            complaints.push(format!("{}: no health check", service.name));
        }
        for (other, condition) in service.depends_on() {
            complaints.extend(
                in_vain(compose.service(other), condition)
                    .map(|why| format!("{} waits for {other}: {why}", service.name)),
            );
        }
    }
    complaints.sort();
    complaints
}

fn in_vain(other: Option<Service>, condition: &str) -> Option<&'static str> {
    let Some(other) = other else { return Some("there is no such service") };
    match condition {
        "service_healthy" if !other.get("healthcheck")["test"].is_array() => Some("it has no health check"),
        "service_completed_successfully" if !other.is_one_shot() => Some("it does not end"),
        "service_healthy" | "service_completed_successfully" => None,
        _ => Some("that it has started says nothing"),
    }
}

/// Whom a service waits for, and whom these wait for.
fn before<'a>(compose: &'a Compose, name: &str, found: &mut BTreeSet<&'a str>) {
    for other in compose.service(name).into_iter().flat_map(|service| service.depends_on().into_keys()) {
        if found.insert(other) {
            before(compose, other, found);
        }
    }
}

#[test]
fn everything_that_runs_is_asked_for_its_health_and_nobody_waits_in_vain() {
    assert_eq!(complaints(&Compose::ours()), Vec::<String>::new());
}

#[test]
fn judging_waits_for_all_it_takes() {
    let compose = Compose::ours();
    let mut needed = BTreeSet::new();
    before(&compose, "judge", &mut needed);
    let all = ["coordinator", "worker", "aggregator", "knowledge", "token", "bucket", "image"];
    let services = ["postgres", "rabbitmq", "s3", "registry"];
    for service in all.iter().chain(&services) {
        assert!(needed.contains(service), "{service}");
    }
    assert!(!needed.contains("judge"), "a circle");
}

#[test]
fn who_waits_in_vain_is_found() {
    let unasked = Compose::with("test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, plimsoll]", "disable: true");
    assert_eq!(
        complaints(&unasked),
        [
            "aggregator waits for postgres: it has no health check",
            "coordinator waits for postgres: it has no health check",
            "postgres: no health check",
            "token waits for postgres: it has no health check",
        ]
    );
    let nobody =
        Compose::with("registry: {condition: service_healthy}", "repository: {condition: service_healthy}");
    assert_eq!(complaints(&nobody), ["image waits for repository: there is no such service"]);
    let endless = Compose::with(
        "prometheus: {condition: service_healthy}",
        "prometheus: {condition: service_completed_successfully}",
    );
    assert_eq!(complaints(&endless), ["grafana waits for prometheus: it does not end"]);
}
