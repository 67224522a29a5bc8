//! Alerts, dashboards and scaling rules ask for metrics that the roles show, and say to people what helps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::exposition::Exposition;
use crate::yaml::{document, list, names, path, read, text};
use crate::{promql, roles};

const ALERTS: &str = "infra/prometheus/alerts.yml";
const DASHBOARDS: &str = "infra/grafana/dashboards";
const RUNBOOKS: &str = "infra/runbooks";

fn alerts() -> Vec<Value> {
    let rules = document(ALERTS);
    let groups = list(&rules["groups"]).iter();
    let alerts: Vec<_> = groups.flat_map(|group| list(&group["rules"]).iter().cloned()).collect();
    assert!(alerts.len() > 10, "{ALERTS} has alerts");
    alerts
}

fn dashboards() -> Vec<(String, Value)> {
    let parse = |name: String| {
        let place = format!("{DASHBOARDS}/{name}");
        let dashboard =
            serde_json::from_str(&read(&place)).unwrap_or_else(|error| panic!("{place}: {error}"));
        (name, dashboard)
    };
    names(DASHBOARDS).into_iter().map(parse).collect()
}

/// Panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row")
}

/// Queries, and the texts in which their answers' labels are named.
fn queries() -> Vec<(String, Vec<String>)> {
    let of_alert = |alert: Value| {
        let annotations = alert["annotations"].as_object().expect("annotations").values();
        (text(&alert["expr"]).to_owned(), annotations.map(|value| text(value).to_owned()).collect())
    };
    let mut all: Vec<_> = alerts().into_iter().map(of_alert).collect();
    for (_, dashboard) in dashboards() {
        let targets = panels(&dashboard).flat_map(|panel| list(&panel["targets"]));
        all.extend(targets.map(|target| {
            (text(&target["expr"]).to_owned(), vec![text(&target["legendFormat"]).to_owned()])
        }));
    }
    let scaled = document("infra/kubernetes/components/keda/scaledobject.yaml");
    let triggers = list(&scaled["spec"]["triggers"]).iter();
    all.extend(triggers.map(|trigger| (text(&trigger["metadata"]["query"]).to_owned(), Vec::new())));
    all
}

/// Labels in `{{ $labels.name }}`, as alerts have it, and in `{{name}}`, as legends do.
fn named_labels(template: &str) -> BTreeSet<String> {
    let names = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let names = names.map(|name| name.split('|').next().unwrap_or_default().trim());
    names
        .filter(|name| *name != "$value")
        .map(|name| name.trim_start_matches("$labels.").to_owned())
        .collect()
}

#[test]
fn what_is_asked_for_is_what_the_roles_show() {
    let Some(known) = roles::metrics() else { return };
    let mut complaints = Vec::new();
    for (query, templates) in queries() {
        match promql::labels(&query, &known) {
            Ok(labels) => {
                let named = templates.iter().flat_map(|template| named_labels(template));
                let absent = named.filter(|label| !labels.contains(label));
                complaints.extend(absent.map(|label| format!("{query}: a text names the label {label}")));
            }
            Err(found) => complaints.extend(found),
        }
    }
    complaints.extend(unknown_names(&known));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Names of metrics anywhere in what deploys Plimsoll: texts, scaling rules in other languages.
fn unknown_names(known: &Exposition) -> Vec<String> {
    let mut complaints = Vec::new();
    for directory in ["docker", "infra", "terraform"] {
        files(&path(directory), &mut |file, content| {
            for name in metric_names(content) {
                if !known.knows(&name) {
                    complaints.push(format!("{}: no role shows {name}", file.display()));
                }
            }
        });
    }
    complaints
}

/// Calls `each` with every text file below a directory.
fn files(directory: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry").path();
        if entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if entry.is_dir() {
            files(&entry, each);
        } else if let Ok(content) = fs::read_to_string(&entry) {
            each(&entry, &content);
        }
    }
}

/// Words that can only be the name of a metric, since crates are named in them.
fn metric_names(content: &str) -> BTreeSet<String> {
    let words = content.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let scopes = ["plimsoll_api_", "plimsoll_deliver_", "plimsoll_fleet_", "plimsoll_trigger_"];
    words
        .filter(|word| scopes.iter().any(|scope| word.len() > scope.len() && word.starts_with(scope)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_of_metrics_are_found_in_any_text() {
    let found = metric_names(
        "a(`plimsoll_fleet_jobs_held`), plimsoll_fleet_ and \"plimsoll_api_streams\" plimsoll_x_y",
    );
    assert_eq!(found, ["plimsoll_api_streams", "plimsoll_fleet_jobs_held"].map(str::to_owned).into());
    assert_eq!(
        named_labels("a {{ $labels.lane }} {{ $value | humanize }} {{role}}"),
        ["lane", "role"].map(str::to_owned).into()
    );
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let mut alerted = BTreeSet::new();
    for alert in alerts() {
        let name = text(&alert["alert"]);
        let severity = text(&alert["labels"]["severity"]);
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        let runbook = format!("{RUNBOOKS}/{name}.md");
        assert_eq!(text(&alert["annotations"]["runbook"]), runbook);
        let content = read(&runbook);
        assert!(content.starts_with(&format!("# {name}\n")), "{runbook} has its name on top");
        assert!(
            content.contains("**Look**") && content.contains("**Do**"),
            "{runbook} says where to look and what to do"
        );
        assert!(alerted.insert(format!("{name}.md")), "{name} is there once");
    }
    assert_eq!(alerted, names(RUNBOOKS).into_iter().collect());
    // Names of alerts in runbooks and on dashboards.
    for directory in [RUNBOOKS, DASHBOARDS] {
        files(&path(directory), &mut |file, content| {
            let words = content.split(|c: char| !c.is_ascii_alphanumeric());
            for word in words.filter(|word| word.len() > 8 && word.starts_with("Plimsoll")) {
                assert!(alerted.contains(&format!("{word}.md")), "{}: {word} is no alert", file.display());
            }
        });
    }
}

#[test]
fn a_dashboard_can_be_provisioned_and_explains_its_panels() {
    let mut identities = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        assert_eq!(
            format!("{}.json", text(&dashboard["uid"])),
            name,
            "its address does not change with its title"
        );
        assert!(identities.insert(text(&dashboard["title"]).to_owned()), "{name}");
        let variables = list(&dashboard["templating"]["list"]).iter();
        assert!(variables.clone().any(|variable| variable["name"] == "datasource"), "{name}");
        let ids: BTreeSet<_> = list(&dashboard["panels"]).iter().map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids.len(), list(&dashboard["panels"]).len(), "{name}: ids of panels differ");
        for panel in panels(&dashboard) {
            assert!(!text(&panel["description"]).is_empty(), "{name}: {}", panel["title"]);
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {}", panel["title"]);
        }
    }
}

#[test]
fn prometheus_scrapes_every_role_where_it_listens_by_itself() {
    let config = document("infra/prometheus/prometheus.yml");
    let job =
        list(&config["scrape_configs"]).iter().find(|job| job["job_name"] == "plimsoll").expect("a job");
    let found = &job["dns_sd_configs"][0];
    assert_eq!(found["names"], serde_json::json!(["coordinator", "worker", "aggregator"]));
    assert_eq!(found["port"], plimsoll_api::HTTP_PORT);
    assert_eq!(job["relabel_configs"][0]["target_label"], "role");
    assert_eq!(config["rule_files"], serde_json::json!(["alerts.yml"]));
    let interval = &config["global"]["scrape_interval"];
    let source = document("infra/grafana/provisioning/datasources/prometheus.yaml");
    assert_eq!(&source["datasources"][0]["jsonData"]["timeInterval"], interval);
}

#[test]
fn a_collector_limits_its_memory_first_and_keeps_no_secret() {
    let collector = document("infra/otel/collector.yaml");
    let backend = document("infra/otel/backend.yaml");
    for (name, pipeline) in collector["service"]["pipelines"].as_object().expect("pipelines") {
        assert_eq!(pipeline["processors"], serde_json::json!(["memory_limiter", "batch"]), "{name}");
        for (kind, section) in [("receivers", "receivers"), ("exporters", "exporters")] {
            for component in list(&pipeline[kind]) {
                let there =
                    [section, "connectors"].iter().any(|place| !collector[place][text(component)].is_null());
                assert!(there, "{name}: {component} is configured");
            }
        }
    }
    for component in list(&backend["service"]["pipelines"]["traces"]["exporters"]) {
        let component = text(component);
        assert!(
            !backend["exporters"][component].is_null() || !collector["connectors"][component].is_null(),
            "{component}"
        );
    }
    let exporter = &backend["exporters"]["otlp/backend"];
    for value in [&exporter["endpoint"], &exporter["headers"]["authorization"]] {
        assert!(text(value).starts_with("${env:"), "{value} comes from outside");
    }
}
