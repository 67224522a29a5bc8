//! Who watches the fleet finds it: names and ports in infra/ are those of the file.

use serde_json::Value;

use crate::file::{Compose, defaults, text_of, yaml};

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn prometheus_scrapes_services_that_are_here_where_they_listen() {
    let compose = Compose::ours();
    let prometheus = yaml(&text_of("infra/prometheus/prometheus.yml"));
    let jobs = prometheus["scrape_configs"].as_array().expect("jobs");
    let mut roles = 0;
    for job in jobs {
        for found in job["dns_sd_configs"].as_array().into_iter().flatten() {
            for name in texts(&found["names"]) {
                let service = compose.service(name).unwrap_or_else(|| panic!("there is no service {name}"));
                let listening = service.environment()["PLIMSOLL_HTTP"];
                assert_eq!(listening, format!("0.0.0.0:{}", found["port"]), "{name}");
                roles += 1;
            }
        }
        for found in job["static_configs"].as_array().into_iter().flatten() {
            for target in texts(&found["targets"]) {
                let (name, _) = target.split_once(':').expect("a port");
                assert!(name == "localhost" || compose.service(name).is_some(), "there is no service {name}");
            }
        }
    }
    assert_eq!(roles, 3);
}

#[test]
fn spans_go_where_the_collector_listens() {
    let compose = Compose::ours();
    let collector = yaml(&text_of("infra/otel/collector.yaml"));
    let listening =
        collector["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].as_str().expect("an address");
    let (_, port) = listening.rsplit_once(':').expect("a port");
    for role in ["coordinator", "worker", "aggregator"] {
        let service = compose.service(role).expect("a role");
        let endpoint = service.environment()["OTEL_EXPORTER_OTLP_ENDPOINT"];
        assert_eq!(endpoint, format!("http://otel-collector:{port}"), "{role}");
    }
}

#[test]
fn grafana_finds_its_dashboards_and_prometheus() {
    let compose = Compose::ours();
    let mounted = compose.service("grafana").expect("grafana").mounts();
    let providers = yaml(&text_of("infra/grafana/provisioning/dashboards/plimsoll.yaml"));
    let path = providers["providers"][0]["options"]["path"].as_str().expect("a path");
    assert!(mounted.iter().any(|(from, to)| from == "../infra/grafana/dashboards" && to == path), "{path}");
    let sources = yaml(&text_of("infra/grafana/provisioning/datasources/prometheus.yaml"));
    let url = sources["datasources"][0]["url"].as_str().expect("a URL");
    assert_eq!(url, "http://prometheus:9090");
    assert!(compose.service("prometheus").is_some());
}

/// Hosts in URLs of the environment and the commands that are no services here.
fn strangers(compose: &Compose) -> Vec<String> {
    let mut strangers = Vec::new();
    for service in compose.services() {
        for text in service.environment().into_values().chain(service.list("command")).map(defaults) {
            for (at, _) in text.match_indices("://") {
                let authority = text[at + 3..].split(['/', '?', '&']).next().unwrap_or_default();
                let host = authority.rsplit('@').next().unwrap_or_default();
                let name = host.split(':').next().unwrap_or_default();
                // A bucket is no host, and Docker Hub is elsewhere.
                let elsewhere = text[..at].ends_with("s3") || name == "docker.io";
                if !elsewhere && compose.service(name).is_none() {
                    strangers.push(format!("{}: {host}", service.name));
                }
            }
        }
    }
    strangers
}

#[test]
fn every_address_is_that_of_a_service() {
    assert_eq!(strangers(&Compose::ours()), Vec::<String>::new());
    assert_eq!(
        strangers(&Compose::with("http://coordinator:7465", "http://server:7465")),
        ["judge: server:7465"]
    );
    assert!(!strangers(&Compose::with("@postgres:5432", "@localhost:5432")).is_empty());
}
