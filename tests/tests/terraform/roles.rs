//! What each role is given on its command line and in its environment, held to the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use plimsoll_queue::Channel;
use plimsoll_tests::binary::plimsoll;
use plimsoll_types::Lane;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

use crate::configuration::{Module, attribute};
use crate::evaluation::{Samples, Scope};

pub(crate) const ROLES: [&str; 3] = ["coordinator", "worker", "aggregator"];

/// Variables that no `--help` lists: those of logs and traces, which every command reads, and the one of the system.
const EVERYWHERE: &[&str] = &["OTEL_EXPORTER_OTLP_ENDPOINT", "PLIMSOLL_LOG", "PLIMSOLL_LOG_FORMAT", "TMPDIR"];

/// A fleet as little as possible is said about.
pub(crate) fn plain() -> Value {
    json!({
        "image": "registry.example/plimsoll@sha256:00",
        "helper_image": "registry.example/aws-cli@sha256:00",
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "security_group_ids": {"load_balancer": "sg-1", "coordinator": "sg-2", "worker": "sg-3", "aggregator": "sg-4"},
        "store": {
            "bucket": "evidence", "bucket_arn": "arn:aws:s3:::evidence", "prefix": "plimsoll",
            "url": store_url(), "kms_key_arn": null,
        },
        "state": {"url_secret_arn": "arn:aws:secretsmanager:state", "kms_key_arn": null},
        "queue": {
            "url": queue_url(),
            "layer_queue_names": ["plimsoll-layers-interactive", "plimsoll-layers-push", "plimsoll-layers-backfill"],
            "layer_queue_arns": ["arn:aws:sqs:1"], "layer_dead_queue_arns": ["arn:aws:sqs:2"],
            "result_queue_arn": "arn:aws:sqs:3", "result_dead_queue_arn": "arn:aws:sqs:4", "kms_key_arn": null,
        },
        "certificate_arn": "arn:aws:acm:certificate",
    })
}

/// A fleet of which everything is said that can be.
pub(crate) fn full() -> Value {
    let mut full = plain();
    let more = json!({
        "registry_cidrs": ["10.60.248.0/24", "10.60.249.0/24"],
        "credentials": {"hub": "arn:aws:secretsmanager:hub", "team-a/pull": "arn:aws:secretsmanager:team-a"},
        "callback_secret_arn": "arn:aws:secretsmanager:callback",
        "policy_file": "policy.yaml",
        "allowlist_files": ["allowlist.yaml", "more.yaml"],
        "crawls_file": "crawls.yaml",
        "events": {"queue_url": events_url(), "queue_arn": "arn:aws:sqs:5", "dead_queue_arn": "arn:aws:sqs:6"},
        "webhooks_secret_arn": "arn:aws:secretsmanager:webhooks",
        "registries": registries(),
        "otlp_endpoint": "http://127.0.0.1:4317",
        "log_level": "warn,plimsoll_fleet=debug",
    });
    full.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    full
}

/// What Terraform makes of the module `queue` with the region of this sample.
fn queue_url() -> Value {
    let queue = Module::at("modules/queue");
    let samples = Samples::from([("data", json!({"aws_region": {"current": {"name": "eu-central-1"}}}))]);
    let scope = Scope::of(&queue, &json!({}), &samples);
    scope.evaluate(attribute(queue.block("output", &["url"]), "value").expect("a value"))
}

/// What AWS would make of the name that the module `events` gives its queue.
fn events_url() -> Value {
    let events = Module::at("modules/events");
    let scope = Scope::of(&events, &json!({}), &Samples::new());
    let name = attribute(events.block("resource", &["aws_sqs_queue", "events"]), "name").expect("a name");
    let name = scope.evaluate(name);
    json!(format!("https://sqs.eu-central-1.amazonaws.com/111122223333/{}", name.as_str().expect("a name")))
}

/// What the example of an organisation says of registries.
fn registries() -> Value {
    let example = Module::at("examples/organisation");
    let samples = Samples::from([("data", json!({"aws_partition": {"current": {"partition": "aws"}}}))]);
    let variables = json!({
        "members": {"team_a": "111122223333", "team_b": "444455556666"},
        "bucket": "evidence", "image": "plimsoll", "helper_image": "aws-cli", "certificate_arn": "arn",
    });
    let scope = Scope::of(&example, &variables, &samples);
    scope.evaluate(attribute(example.block("module", &["fleet"]), "registries").expect("registries"))
}

fn store_url() -> Value {
    let store = Module::at("modules/store");
    let samples = Samples::from([("aws_s3_bucket", json!({"this": {"bucket": "evidence"}}))]);
    let scope = Scope::of(&store, &json!({"bucket": "evidence"}), &samples);
    scope.evaluate(attribute(store.block("output", &["url"]), "value").expect("a value"))
}

/// What one role is told.
pub(crate) struct Told {
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Variables whose values are secrets.
    pub(crate) secrets: BTreeSet<String>,
}

impl Told {
    pub(crate) fn of(role: &str, variables: &Value) -> Self {
        let fleet = Module::at("modules/fleet");
        let scope = Scope::of(&fleet, variables, &Samples::new());
        let call = fleet.block("module", &[role]);
        let evaluate = |name: &str| attribute(call, name).map_or(json!({}), |given| scope.evaluate(given));
        let environment = evaluate("environment");
        let set = environment.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
        let environment =
            set.map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect();
        let secrets = attribute(call, "secrets");
        // The values are ARNs of other modules; what counts here is which variables there are.
        let secrets = secrets.map_or(json!({}), |given| scope.evaluate(given));
        Self {
            command: serde_json::from_value(evaluate("command")).expect("texts"),
            environment,
            secrets: secrets.as_object().expect("an object").keys().cloned().collect(),
        }
    }
}

/// The binary with nothing of the environment of this test.
fn binary() -> Command {
    let mut command = Command::new(plimsoll().expect("the binary"));
    command.env_clear();
    command
}

fn help(role: &str) -> String {
    let output = binary().args([role, "--help"]).output().expect("plimsoll runs");
    assert!(output.status.success(), "there is no role {role}: {output:?}");
    // Lines are folded where a terminal would end.
    let folded = String::from_utf8(output.stdout).expect("text");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn variables_are_those_the_role_reads() {
    for role in ROLES {
        let help = help(role);
        let told = Told::of(role, &full());
        for name in told.environment.keys().chain(&told.secrets) {
            let read = EVERYWHERE.contains(&&**name)
                || (help.contains(&format!("[env: {name}=")) || help.contains(&format!("[env: {name}]")));
            assert!(read, "{role} is given {name}, which it does not read");
        }
    }
}

#[test]
fn a_role_is_given_everything_it_cannot_do_without() {
    for role in ROLES {
        let help = help(role);
        let usage = help.split("Usage: ").nth(1).expect("a usage line");
        let usage = usage.split(" Options: ").next().expect("options after it");
        let told = Told::of(role, &plain());
        for option in usage.split_whitespace().filter(|word| word.starts_with("--")) {
            let variable =
                format!("PLIMSOLL_{}", option.trim_start_matches('-').to_uppercase().replace('-', "_"));
            let given = told.environment.contains_key(&variable)
                || told.secrets.contains(&variable)
                || told.command.iter().any(|argument| argument.split('=').next() == Some(option));
            assert!(given, "{role} needs {option}, and has it from nowhere");
        }
    }
}

#[test]
fn the_binary_takes_what_a_role_is_told() {
    for (role, variables) in ROLES.into_iter().flat_map(|role| [(role, plain()), (role, full())]) {
        let output = started(role, &variables, |_| {});
        let said = String::from_utf8_lossy(&output.stderr);
        // It got as far as the first service, which is not there.
        assert_eq!(output.status.code(), Some(3), "{role}: {said}");
        assert!(
            said.contains("plimsoll: --state: ") || said.contains("plimsoll: --store: "),
            "{role}: {said}"
        );
    }
}

#[test]
fn the_test_above_would_notice_a_mistake() {
    let output = started("worker", &plain(), |told| told.command.push("--allow-network=everywhere".into()));
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let wrong = |told: &mut Told| drop(told.environment.insert("PLIMSOLL_SLOTS".into(), "many".into()));
    let output = started("worker", &plain(), wrong);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}

/// The binary as a role, with services that cannot be.
fn started(role: &str, variables: &Value, change: impl FnOnce(&mut Told)) -> Output {
    let mut told = Told::of(role, variables);
    change(&mut told);
    assert_eq!(told.command[0], role);
    let mut command = binary();
    command.args(&told.command).envs(&told.environment);
    for name in &told.secrets {
        command.env(name, "nowhere:");
    }
    // A worker has no secret of a database, and opens the store first.
    if !told.secrets.contains("PLIMSOLL_STATE") {
        command.env("PLIMSOLL_STORE", "s3://");
    }
    command.output().expect("plimsoll runs")
}

#[tokio::test]
async fn queues_have_the_names_that_the_binary_gives_them() {
    let queue = Module::at("modules/queue");
    let scope = Scope::of(&queue, &json!({}), &Samples::new());
    let local = |name: &str| -> Vec<String> {
        serde_json::from_value(scope.evaluate(&queue.locals()[name])).unwrap()
    };
    let name = |channel: Channel| channel.to_string().replace('.', "-");
    let lanes: Vec<String> = Lane::ALL.iter().map(|lane| name(Channel::layers(*lane))).collect();
    let prefixed =
        |names: Vec<String>| -> Vec<String> { names.iter().map(|name| format!("plimsoll-{name}")).collect() };
    assert_eq!(prefixed(local("layers")), lanes);
    assert_eq!(prefixed(local("channels")), [lanes, vec![name(Channel::results())]].concat());

    let url = queue_url();
    let opened = plimsoll_queue::open(url.as_str().unwrap()).await;
    assert!(opened.is_ok(), "{url} is no queue");
}

#[test]
fn a_queue_and_its_dead_letters_are_named_by_the_channel() {
    let queue = Module::at("modules/queue");
    let samples = Samples::from([("each", json!({"key": "layers-push"}))]);
    let scope = Scope::of(&queue, &json!({"prefix": "team-a"}), &samples);
    let name = |label: &str| {
        scope.evaluate(attribute(queue.block("resource", &["aws_sqs_queue", label]), "name").unwrap())
    };
    assert_eq!(
        (name("ready"), name("dead")),
        (json!("team-a-layers-push"), json!("team-a-layers-push-dead"))
    );
}

#[tokio::test]
async fn events_are_read_from_a_queue_that_the_binary_finds_and_set_aside_beside_it() {
    let url = events_url();
    let opened = plimsoll_queue::open_inbox(url.as_str().unwrap()).await;
    assert!(opened.is_ok(), "{url} is no queue of events");
    let events = Module::at("modules/events");
    let scope = Scope::of(&events, &json!({"prefix": "team-a"}), &Samples::new());
    let name = |label: &str| {
        scope.evaluate(attribute(events.block("resource", &["aws_sqs_queue", label]), "name").unwrap())
    };
    // Where nothing else is said, the binary looks for what it sets aside under this name.
    assert_eq!((name("events"), name("dead")), (json!("team-a-events"), json!("team-a-events-dead")));
}

#[test]
fn what_is_said_of_registries_is_understood_and_asks_for_the_roles_that_members_have() {
    let text = serde_json::to_string(&json!({"registries": registries()})).unwrap();
    let map = plimsoll_oci::RegistryMap::parse(&text).unwrap();
    let host = "444455556666.dkr.ecr.eu-central-1.amazonaws.com";
    let account = map.find(host).expect("an entry").ecr_account(host).unwrap().expect("it is in ECR");
    let member = Module::at("modules/member");
    let scope = Scope::of(&member, &json!({"bus_arn": "arn", "reader_role_arns": ["arn"]}), &Samples::new());
    let role =
        scope.evaluate(attribute(member.block("resource", &["aws_iam_role", "pull"]), "name").unwrap());
    assert_eq!(account.role, Some(format!("arn:aws:iam::444455556666:role/{}", role.as_str().unwrap())));
}

#[test]
fn the_url_of_the_database_is_one_and_verifies_the_server() {
    let state = Module::at("modules/state");
    let samples = Samples::from([
        ("aws_db_instance", json!({"this": {"address": "db.example", "port": 5432}})),
        (
            "ephemeral",
            json!({"aws_secretsmanager_secret_version": {"password": {"secret_string": "hunter2"}}}),
        ),
    ]);
    let variables = json!({"subnet_ids": [], "security_group_ids": []});
    let url = |variables: &Value| -> String {
        let scope = Scope::of(&state, variables, &samples);
        let secret = state.block("resource", &["aws_secretsmanager_secret_version", "url"]);
        scope.evaluate(attribute(secret, "secret_string_wo").unwrap()).as_str().unwrap().to_owned()
    };
    let verified = url(&variables);
    let options: PgConnectOptions = verified.parse().unwrap();
    assert_eq!(
        (options.get_host(), options.get_port(), options.get_username()),
        ("db.example", 5432, "plimsoll")
    );
    assert_eq!(options.get_database(), Some("plimsoll"));
    assert!(verified.ends_with("?sslmode=verify-full&sslrootcert=/inputs/rds-ca.pem"), "{verified}");
    let merely_encrypted = url(&json!({"subnet_ids": [], "security_group_ids": [], "ca_file": null}));
    assert!(merely_encrypted.ends_with("?sslmode=require"), "{merely_encrypted}");
}

#[test]
fn a_worker_has_time_to_hand_back_what_it_holds_and_memory_for_its_layers() {
    let told = Told::of("worker", &plain());
    let number = |name: &str| -> u64 { told.environment[name].parse().unwrap() };
    let fleet = Module::at("modules/fleet");
    let scope = Scope::of(&fleet, &plain(), &Samples::new());
    let given = |name: &str| {
        scope.evaluate(attribute(fleet.block("module", &["worker"]), name).unwrap()).as_u64().unwrap()
    };
    assert!(given("stop_seconds") <= 120, "Fargate kills after 120 seconds");
    assert!(number("PLIMSOLL_GRACE") + 15 <= given("stop_seconds"), "it is killed while it hands back");
    assert!(number("PLIMSOLL_SLOTS") * number("PLIMSOLL_JOB_MEMORY") + 1024 <= given("memory_mib"));
}
