//! The architecture as a test: which crate may depend on which, and which third-party crate belongs to whom.
//!
//! The table is the whole list of normal and build dependencies between the crates of this workspace. Development
//! dependencies are free, and `plimsoll-tests` may use anything, but nothing may use it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every crate and the crates it may use. A crate that is missing here is an error, so that a new one is drawn
/// into the picture before it is built.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("version", &[]),
    ("telemetry", &[]),
    ("http", &["types"]),
    ("proto", &["types"]),
    ("layer", &["types"]),
    ("queue", &["types", "telemetry"]),
    ("store", &["types"]),
    ("state", &["types"]),
    ("oci", &["types", "http"]),
    ("analyze", &["types", "layer"]),
    ("inventory", &["types"]),
    ("knowledge", &["types", "version", "http"]),
    ("policy", &["types", "version"]),
    ("report", &["types", "version"]),
    (
        "fleet",
        &[
            "types",
            "telemetry",
            "proto",
            "oci",
            "layer",
            "queue",
            "store",
            "state",
            "analyze",
            "inventory",
            "knowledge",
            "policy",
        ],
    ),
    ("trigger", &["types", "http", "oci", "queue", "state"]),
    ("deliver", &["types", "telemetry", "http", "store", "state", "report"]),
    ("api", &["types", "telemetry", "proto", "store", "state", "policy", "report", "trigger"]),
    // Neither layer, analyze nor inventory: `scan` goes through the steps of fleet, as the roles do.
    (
        "plimsoll",
        &[
            "types",
            "version",
            "telemetry",
            "http",
            "proto",
            "queue",
            "store",
            "state",
            "oci",
            "knowledge",
            "policy",
            "report",
            "fleet",
            "trigger",
            "deliver",
            "api",
        ],
    ),
];

/// Third-party crates with an owner; a trailing `*` stands for any ending. The owner is the one place where the
/// library can be watched, limited or replaced.
const OWNERS: &[(&str, &[&str])] = &[
    ("aws-sdk-ecr", &["oci"]),
    ("aws-sdk-s3", &["store"]),
    ("aws-sdk-sqs", &["queue"]),
    ("axum*", &["api"]),
    ("flate2", &["layer"]),
    ("lapin", &["queue"]),
    ("oci-spec", &["oci"]),
    ("opentelemetry*", &["telemetry"]),
    ("prost*", &["proto"]),
    ("protox", &["proto"]),
    ("reqwest", &["http"]),
    ("sqlx*", &["state"]),
    ("tar", &["layer"]),
    ("tonic", &["api", "proto"]),
    ("tonic-*", &["api", "proto"]),
    ("tracing-opentelemetry", &["telemetry"]),
    // Layers are zstd streams; the evidence codec is zstd of protobuf.
    ("zstd*", &["layer", "proto"]),
];

/// The workspace's own end-to-end package: free in what it uses, used by none.
const TESTS: &str = "tests";

/// A crate's short name and the full names of its normal and build dependencies.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn short(package: &str) -> Option<&str> {
    if package == "plimsoll" { Some(package) } else { package.strip_prefix("plimsoll-") }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

/// Says of every arrow that is not allowed why it is not.
fn forbidden(graph: &Graph) -> Vec<String> {
    let mut complaints = Vec::new();
    for (user, dependencies) in graph {
        if user == TESTS {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == user) else {
            complaints.push(format!("{user}: not in the table of crates"));
            continue;
        };
        for dependency in dependencies {
            complaints.extend(complaint(user, allowed, dependency));
        }
    }
    complaints
}

fn complaint(user: &str, allowed: &[&str], dependency: &str) -> Option<String> {
    if let Some(used) = short(dependency) {
        return (!allowed.contains(&used)).then(|| format!("{user} -> {used}: not an arrow of the design"));
    }
    let (_, owners) = OWNERS.iter().find(|(pattern, _)| matches(pattern, dependency))?;
    (!owners.contains(&user)).then(|| format!("{user} -> {dependency}: only for {}", owners.join(" and ")))
}

/// Reads the graph from `cargo metadata --no-deps`: what the manifests say, whatever features are on.
fn graph(metadata: &serde_json::Value) -> Graph {
    let mut graph = Graph::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().expect("a package has a name");
        let name = short(name).unwrap_or(name);
        let dependencies = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
            .filter_map(|dependency| dependency["name"].as_str())
            .map(str::to_owned);
        graph.entry(name.to_owned()).or_default().extend(dependencies);
    }
    graph
}

fn made_up(user: &str, dependencies: &[&str]) -> Graph {
    Graph::from([(user.to_owned(), dependencies.iter().map(|name| (*name).to_owned()).collect())])
}

#[test]
fn the_workspace_has_no_arrow_but_those_of_the_design() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let graph = graph(&serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON"));
    assert!(
        graph.len() > 10 && graph.contains_key("plimsoll"),
        "cargo metadata shows the workspace: {graph:?}"
    );
    assert_eq!(forbidden(&graph), Vec::<String>::new());
}

#[test]
fn an_arrow_outside_the_table_is_found() {
    assert_eq!(
        forbidden(&made_up("plimsoll", &["plimsoll-fleet", "plimsoll-layer"])),
        ["plimsoll -> layer: not an arrow of the design"]
    );
    assert_eq!(
        forbidden(&made_up("types", &["plimsoll-version"])),
        ["types -> version: not an arrow of the design"]
    );
    assert_eq!(
        forbidden(&made_up("fleet", &["plimsoll"])),
        ["fleet -> plimsoll: not an arrow of the design"]
    );
}

#[test]
fn a_library_outside_its_only_owner_is_found() {
    assert_eq!(forbidden(&made_up("oci", &["reqwest"])), ["oci -> reqwest: only for http"]);
    assert_eq!(
        forbidden(&made_up("fleet", &["opentelemetry_sdk"])),
        ["fleet -> opentelemetry_sdk: only for telemetry"]
    );
    assert_eq!(forbidden(&made_up("store", &["zstd"])), ["store -> zstd: only for layer and proto"]);
    assert!(forbidden(&made_up("proto", &["zstd", "prost", "prost-build"])).is_empty());
}

#[test]
fn a_crate_that_is_not_in_the_table_is_found() {
    assert_eq!(forbidden(&made_up("utils", &[])), ["utils: not in the table of crates"]);
}

#[test]
fn the_tests_may_use_anything_and_nothing_may_use_them() {
    assert!(forbidden(&made_up("tests", &["plimsoll-layer", "tar", "reqwest"])).is_empty());
    assert_eq!(
        forbidden(&made_up("fleet", &["plimsoll-tests"])),
        ["fleet -> tests: not an arrow of the design"]
    );
}

#[test]
fn only_development_dependencies_are_free() {
    let metadata = serde_json::json!({"packages": [{"name": "plimsoll-oci", "dependencies": [
        {"name": "tar", "kind": "dev"},
        {"name": "flate2", "kind": "build"},
        {"name": "reqwest", "kind": null},
    ]}]});
    assert_eq!(
        forbidden(&graph(&metadata)),
        ["oci -> flate2: only for layer", "oci -> reqwest: only for http"]
    );
}

#[test]
fn the_table_only_points_downwards() {
    for (place, (user, allowed)) in ARROWS.iter().enumerate() {
        for used in *allowed {
            let at = ARROWS.iter().position(|(name, _)| name == used);
            assert!(at.is_some_and(|at| at < place), "{user} -> {used}: a crate listed above it");
        }
    }
}
