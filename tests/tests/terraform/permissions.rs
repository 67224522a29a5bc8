//! Who may do what, and who reaches whom.

use std::collections::BTreeSet;

use hcl::expr::Expression;
use hcl::structure::Block;
use serde_json::json;

use crate::configuration::{Module, attribute, nested};
use crate::evaluation::{Samples, Scope};
use crate::roles::{Told, plain};

const DOCUMENT: &str = "aws_iam_policy_document";

/// The statements of a policy document, those of its sources, and those that are there only sometimes.
fn statements(module: &Module, name: &str) -> Vec<Block> {
    let document = module.block("data", &[DOCUMENT, name]);
    let mut found: Vec<Block> = nested(document, "statement").cloned().collect();
    for dynamic in nested(document, "dynamic").filter(|block| block.labels()[0].as_str() == "statement") {
        found.extend(nested(dynamic, "content").cloned());
    }
    for source in Module::references(document).iter().filter(|path| path[0] == "data" && path[1] == DOCUMENT)
    {
        found.extend(statements(module, &source[2]));
    }
    found
}

/// What some statements are about. Constant but for what `locals` say.
fn actions(module: &Module, statements: &[Block]) -> BTreeSet<String> {
    let samples = Samples::from([(
        "data",
        json!({"aws_caller_identity": {"current": {"account_id": "1"}}, "aws_partition": {"current": {"partition": "aws"}}}),
    )]);
    let context = Scope::of(module, &variables(module), &samples);
    let of = |statement: &Block| -> Vec<String> {
        serde_json::from_value(context.evaluate(attribute(statement, "actions").expect("actions")))
            .expect("texts")
    };
    statements.iter().flat_map(of).collect()
}

/// Samples of the variables that have no default.
fn variables(module: &Module) -> serde_json::Value {
    if module.name() == "modules/fleet" {
        return plain();
    }
    let without = module.of("variable").filter(|variable| attribute(variable, "default").is_none());
    without.map(|variable| (variable.labels()[0].as_str().to_owned(), json!("x"))).collect()
}

fn may(role: &str) -> BTreeSet<String> {
    let fleet = Module::at("modules/fleet");
    actions(&fleet, &statements(&fleet, role))
}

#[test]
fn a_worker_reads_registries_takes_jobs_and_writes_evidence_and_has_no_database() {
    let exactly = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sts:AssumeRole",
    ];
    assert_eq!(may("worker"), exactly.map(String::from).into());
    let told = Told::of("worker", &plain());
    assert!(told.secrets.is_empty() && !told.environment.contains_key("PLIMSOLL_STATE"));
}

#[test]
fn a_worker_writes_evidence_and_deletes_nothing_but_damaged_links() {
    let fleet = Module::at("modules/fleet");
    let scope = Scope::of(&fleet, &plain(), &Samples::new());
    let places = |action: &str| -> BTreeSet<String> {
        let with = statements(&fleet, "worker").into_iter().filter(|statement| {
            scope
                .evaluate(attribute(statement, "actions").unwrap())
                .as_array()
                .unwrap()
                .contains(&json!(action))
        });
        let resources = with.flat_map(|statement| -> Vec<String> {
            serde_json::from_value(scope.evaluate(attribute(&statement, "resources").unwrap())).unwrap()
        });
        resources.collect()
    };
    let below =
        |kinds: &[&str]| kinds.iter().map(|kind| format!("arn:aws:s3:::evidence/plimsoll/{kind}")).collect();
    assert_eq!(places("s3:PutObject"), below(&["blobs/*", "format", "layers/*"]));
    assert_eq!(places("s3:DeleteObject"), below(&["blobs/*"]));
}

#[test]
fn an_aggregator_never_logs_in_to_a_registry_and_a_coordinator_never_takes_jobs() {
    let aggregator = may("aggregator");
    assert!(
        !aggregator.iter().any(|action| action.starts_with("ecr:") || action.starts_with("sts:")),
        "{aggregator:?}"
    );
    let coordinator = may("coordinator");
    assert!(coordinator.contains("ecr:ListImages") && coordinator.contains("sqs:SendMessage"));
}

#[test]
fn nothing_is_allowed_in_general() {
    let mut documents = 0;
    for module in Module::all() {
        for document in module.of("data").filter(|block| block.labels()[0].as_str() == DOCUMENT) {
            documents += 1;
            let name = document.labels()[1].as_str();
            let direct: Vec<Block> = statements(&module, name);
            for statement in direct.iter().filter(|statement| !denies(statement)) {
                for action in actions(&module, std::slice::from_ref(statement)) {
                    assert!(!action.contains('*'), "{}: {name} allows {action}", module.name());
                }
                let anybody = nested(statement, "principals").any(|who| {
                    matches!(attribute(who, "identifiers"), Some(Expression::Array(all)) if all.contains(&Expression::from("*")))
                });
                assert!(
                    !anybody || nested(statement, "condition").count() > 0,
                    "{}: {name} lets anybody in",
                    module.name()
                );
            }
        }
    }
    assert!(documents >= 15, "only {documents} documents are found");
}

fn denies(statement: &Block) -> bool {
    matches!(attribute(statement, "effect"), Some(Expression::String(effect)) if effect == "Deny")
}

#[test]
fn only_coordinators_and_aggregators_reach_the_database_and_aggregators_no_registry() {
    let network = Module::at("modules/network");
    let scope = Scope::of(&network, &json!({}), &Samples::new());
    let local = |name: &str| scope.evaluate(&network.locals()[name]);
    let edges = local("edges");
    let edges = edges.as_object().unwrap();
    let into = |to: &str| -> BTreeSet<&str> {
        edges.values().filter(|edge| edge["to"] == to).map(|edge| edge["from"].as_str().unwrap()).collect()
    };
    assert_eq!(into("database"), BTreeSet::from(["aggregator", "coordinator"]));
    assert_eq!(into("coordinator"), BTreeSet::from(["load_balancer"]));
    for edge in edges.values() {
        assert!(local("groups").get(edge["from"].as_str().unwrap()).is_some(), "{edge}");
        assert!(local("groups").get(edge["to"].as_str().unwrap()).is_some(), "{edge}");
    }
    // Whoever goes out of the VPC: by default those who read registries, and no aggregator.
    let out: BTreeSet<String> = ["registry", "callbacks"]
        .into_iter()
        .flat_map(|name| local(name).as_object().unwrap().values().cloned().collect::<Vec<_>>())
        .map(|place| place["from"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(out, BTreeSet::from(["coordinator".into(), "worker".into()]));
}
