//! The manifests: whether each role gets what it reads and may do what it has to, and no more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::network::{Peer, may_reach, selects};
use crate::objects::{Build, Workload, builds};
use crate::roles;
use crate::yaml::{list, text};

/// Variables that roles read by libraries, as the READMEs of telemetry, store and queue say.
const LIBRARIES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "PLIMSOLL_LOG",
    "PLIMSOLL_LOG_FORMAT",
    "TMPDIR",
];
/// What stands for a secret: a service that nobody can mistake for one.
const NOWHERE: &str = "nowhere:";

#[test]
fn a_container_is_given_what_its_role_reads_and_accepts() {
    for build in builds().unwrap_or_default() {
        for workload in build.workloads() {
            let arguments = workload.arguments();
            let read = roles::variables(arguments[0]);
            let mut command = roles::plimsoll(&arguments);
            for variable in workload.variables() {
                let (name, place) = (variable.name, workload.place());
                assert!(read.contains(name) || LIBRARIES.contains(&name), "{place}: nobody reads {name}");
                command.env(name, variable.value.unwrap_or(NOWHERE));
            }
            // It gets as far as opening the first of these, which is behind everything that can be wrong with arguments.
            for name in ["PLIMSOLL_STATE", "PLIMSOLL_QUEUE"] {
                if read.contains(name) {
                    command.env(name, NOWHERE);
                }
            }
            command.env("PLIMSOLL_STORE", "/dev/null/store");
            let output = roles::run(&mut command);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{}: {said}", workload.place());
            assert!(said.contains("--state") || said.contains("--store"), "{}: {said}", workload.place());
        }
    }
}

#[test]
fn what_is_wrong_with_arguments_is_told_from_a_service_that_is_not_there() {
    let base = |more: &[&str]| {
        let mut command =
            roles::plimsoll(&[&["worker", "--queue", NOWHERE, "--store", "/dev/null/store"], more].concat());
        roles::run(&mut command).status.code()
    };
    assert_eq!(base(&[]), Some(3));
    assert_eq!(base(&["--no-such-flag"]), Some(64));
    assert_eq!(base(&["--allow-network", "10.0.0.0/64"]), Some(64));
}

#[test]
fn every_role_is_asked_how_it_is_where_it_listens() {
    for build in builds().unwrap_or_default() {
        for workload in build.workloads().iter().filter(|workload| workload.object["kind"] == "Deployment") {
            let (container, place) = (workload.container(), workload.place());
            let variables = workload.variables();
            let listens = variables.iter().find(|variable| variable.name == "PLIMSOLL_HTTP");
            let listens = listens.and_then(|variable| variable.value).expect("an address");
            let ports = list(&container["ports"]).iter();
            let http = ports.clone().find(|port| port["name"] == "http").expect("a port for health");
            assert_eq!(format!("0.0.0.0:{}", http["containerPort"]), listens, "{place}");
            for (probe, path) in
                [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
            {
                assert_eq!(
                    container[probe]["httpGet"],
                    json!({"path": path, "port": "http"}),
                    "{place}: {probe}"
                );
            }
            // Readiness waits two seconds for each part, all at once.
            assert!(container["readinessProbe"]["timeoutSeconds"].as_u64() > Some(2), "{place}");
        }
        let service = build.named("Service", "plimsoll");
        let coordinator = build.workload("coordinator");
        assert!(selects(&json!({"matchLabels": service["spec"]["selector"]}), coordinator.pod_labels()));
        assert_eq!(service["spec"]["ports"][0]["port"], plimsoll_api::GRPC_PORT);
    }
}

#[test]
fn no_container_can_be_more_than_it_is() {
    for build in builds().unwrap_or_default() {
        let mut accounts = BTreeSet::new();
        for workload in build.workloads() {
            let (pod, container, place) = (workload.pod(), workload.container(), workload.place());
            let (of_pod, of_container) = (&pod["securityContext"], &container["securityContext"]);
            assert_eq!(of_pod["runAsNonRoot"], true, "{place}");
            assert!(of_pod["runAsUser"].as_u64() > Some(0), "{place}");
            assert_eq!(of_pod["seccompProfile"]["type"], "RuntimeDefault", "{place}");
            assert_eq!(of_container["readOnlyRootFilesystem"], true, "{place}");
            assert_eq!(of_container["allowPrivilegeEscalation"], false, "{place}");
            assert_eq!(of_container["capabilities"], json!({"drop": ["ALL"]}), "{place}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{place}");
            let account = text(&pod["serviceAccountName"]);
            assert_eq!(
                build.named("ServiceAccount", account)["automountServiceAccountToken"],
                false,
                "{place}"
            );
            assert!(accounts.insert(account), "{place}: {account} is another role's");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{place}");
            mounts_are_there(&workload);
        }
        assert_eq!(build.of_kind("Secret").count(), 0, "{}: secrets are named, not brought", build.name);
        let namespace = build.named("Namespace", "plimsoll");
        assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    }
}

/// What is mounted exists, what a variable names is mounted, and no variable brings a password along.
fn mounts_are_there(workload: &Workload<'_>) {
    let place = workload.place();
    let volumes: BTreeSet<_> =
        list(&workload.pod()["volumes"]).iter().map(|volume| text(&volume["name"])).collect();
    let mounts = list(&workload.container()["volumeMounts"]);
    assert!(mounts.iter().all(|mount| volumes.contains(text(&mount["name"]))), "{place}");
    let mounted = |file: &str| mounts.iter().any(|mount| file.starts_with(text(&mount["mountPath"])));
    for variable in workload.variables() {
        let value = variable.value.unwrap_or_default();
        assert!(
            !value.starts_with('/') || mounted(value),
            "{place}: {} names what is not there",
            variable.name
        );
        assert!(!value.contains('@'), "{place}: {} looks like a secret", variable.name);
    }
    for argument in workload.arguments() {
        if let Some((_, file)) = argument.split_once("=/") {
            assert!(mounted(&format!("/{file}")), "{place}: {argument}");
        }
    }
}

/// Bytes of a quantity such as `2560Mi`.
fn bytes(quantity: &Value) -> u64 {
    let quantity = text(quantity);
    let (number, unit) = quantity.split_at(quantity.len() - 2);
    let shift =
        [("Ki", 10), ("Mi", 20), ("Gi", 30)].iter().find(|(name, _)| *name == unit).expect("a unit").1;
    number.parse::<u64>().expect("a number") << shift
}

#[test]
fn a_role_has_the_time_and_the_memory_it_was_promised() {
    for build in builds().unwrap_or_default() {
        for (role, least) in [("coordinator", 15), ("aggregator", 15), ("worker", 0)] {
            let workload = build.workload(role);
            let patience = workload.pod()["terminationGracePeriodSeconds"].as_u64().expect("seconds");
            let least = if role == "worker" { workload.number("PLIMSOLL_GRACE") + 15 } else { least };
            assert!(patience > least, "{}: {patience} s", workload.place());
            let budget = build.named("PodDisruptionBudget", &format!("plimsoll-{role}"));
            assert!(selects(&budget["spec"]["selector"], workload.pod_labels()), "{}", workload.place());
        }
        let worker = build.workload("worker");
        let jobs = worker.number("PLIMSOLL_SLOTS") * (worker.number("PLIMSOLL_JOB_MEMORY") << 20);
        let limit = bytes(&worker.container()["resources"]["limits"]["memory"]);
        assert!(limit >= jobs + (256 << 20), "{}: {limit} bytes for jobs of {jobs}", worker.place());
    }
}

/// Where things are in each build. A build without an entry has not been thought about.
fn places(build: &Build) -> Vec<(&'static str, Peer, u16)> {
    let service = |name: &str| Peer::Pod {
        namespace: json!({"plimsoll.dev/services": "true"}),
        labels: json!({"plimsoll.dev/service": name}),
    };
    let elsewhere = vec![
        ("nothing", Peer::address("169.254.169.254"), 80),
        ("nothing", Peer::address("10.0.0.1"), 443),
        ("nothing", service("other"), 443),
    ];
    let own = match build.name.as_str() {
        "base" | "cluster" => vec![
            ("state", service("state"), 5432),
            ("queue", service("queue"), 5672),
            ("store", service("store"), 8333),
            ("registries", Peer::address("203.0.113.10"), 443),
        ],
        "eks" => vec![
            ("state", Peer::address("10.0.32.10"), 5432),
            ("queue", Peer::address("10.0.48.20"), 443),
            ("store", Peer::address("10.0.48.5"), 443),
            ("registries", Peer::address("10.0.48.40"), 443),
            ("nothing", Peer::address("203.0.113.10"), 443),
        ],
        other => panic!("{other}: say here where its services are"),
    };
    own.into_iter().chain(elsewhere).collect()
}

#[test]
fn a_worker_reaches_no_database_and_an_aggregator_no_registry() {
    for build in builds().unwrap_or_default() {
        let policies: Vec<_> = build.of_kind("NetworkPolicy").collect();
        for (role, needs) in [
            ("coordinator", &["state", "queue", "store", "registries"][..]),
            ("worker", &["queue", "store", "registries"]),
            ("aggregator", &["state", "queue", "store"]),
            ("gc", &["state", "store"]),
        ] {
            let workload = build.workload(role);
            let may = |peer: &Peer, protocol, port| {
                may_reach(&policies, workload.pod_labels(), peer, protocol, port)
            };
            for (name, peer, port) in places(&build) {
                let expected = needs.contains(&name);
                assert_eq!(may(&peer, "TCP", port), expected, "{}: {name} at {peer:?}", workload.place());
            }
            let names = Peer::Pod {
                namespace: json!({"kubernetes.io/metadata.name": "kube-system"}),
                labels: json!({"k8s-app": "kube-dns"}),
            };
            assert!(may(&names, "UDP", 53), "{} asks for names", workload.place());
        }
    }
}

#[test]
fn workers_are_scaled_by_lane_the_urgent_one_soonest() {
    let mut scaled = 0;
    for build in builds().unwrap_or_default() {
        for object in build.of_kind("ScaledObject") {
            scaled += 1;
            let target = build.named("Deployment", text(&object["spec"]["scaleTargetRef"]["name"]));
            assert!(
                target["spec"]["replicas"].is_null(),
                "{}: two would set the number of workers",
                build.name
            );
            let triggers = list(&object["spec"]["triggers"]);
            let lanes: Vec<_> = triggers.iter().map(|trigger| text(&trigger["name"])).collect();
            assert_eq!(lanes, ["interactive", "push", "backfill"]);
            let mut before = 0.0;
            for (trigger, lane) in triggers.iter().zip(lanes) {
                // The backlog over the number of workers; what nobody tells is not zero.
                assert_eq!(trigger["metricType"], "AverageValue");
                assert_eq!(trigger["metadata"]["ignoreNullValues"], "false");
                assert!(text(&trigger["metadata"]["query"]).contains(&format!("lane=\"{lane}\"")));
                let threshold: f64 = text(&trigger["metadata"]["threshold"]).parse().expect("a number");
                assert!(threshold > before, "{lane}: {threshold}");
                before = threshold;
            }
        }
    }
    if scaled == 0 {
        println!("skipped: nothing was built that is scaled");
    }
}
