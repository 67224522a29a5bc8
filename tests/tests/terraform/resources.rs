//! Promises of single resources: encrypted, not public, kept.

use hcl::expr::Expression;
use hcl::structure::Block;

use crate::configuration::{Module, attribute, nested, root};

fn is(block: &Block, name: &str, value: impl Into<Expression>) -> bool {
    attribute(block, name) == Some(&value.into())
}

#[test]
fn evidence_does_not_expire_and_uploads_are_not_left_behind() {
    let store = Module::at("modules/store");
    let lifecycle = store.block("resource", &["aws_s3_bucket_lifecycle_configuration", "this"]);
    let rules: Vec<&Block> = nested(lifecycle, "rule")
        .chain(nested(lifecycle, "dynamic").flat_map(|dynamic| nested(dynamic, "content")))
        .collect();
    assert!(rules.iter().any(|rule| nested(rule, "abort_incomplete_multipart_upload").count() == 1));
    for rule in rules {
        for kind in ["expiration", "transition"] {
            assert_eq!(nested(rule, kind).count(), 0, "a rule has {kind}");
        }
    }
}

#[test]
fn the_bucket_is_private_encrypted_and_reached_by_tls_only() {
    let store = Module::at("modules/store");
    let private = store.block("resource", &["aws_s3_bucket_public_access_block", "this"]);
    for what in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
    {
        assert!(is(private, what, true), "{what}");
    }
    store.block("resource", &["aws_s3_bucket_server_side_encryption_configuration", "this"]);
    assert!(refuses_what_is_in_the_clear(&store, "bucket", "s3:*"));
    assert!(is(store.block("variable", &["force_destroy"]), "default", false));
}

#[test]
fn queues_are_encrypted_and_reached_by_tls_only_and_count_no_receives() {
    for (path, document) in [("modules/queue", "tls"), ("modules/events", "queue")] {
        let module = Module::at(path);
        for queue in module.of("resource").filter(|block| block.labels()[0].as_str() == "aws_sqs_queue") {
            let name = queue.labels()[1].as_str();
            assert!(attribute(queue, "sqs_managed_sse_enabled").is_some(), "{path}: {name} is not encrypted");
            // Receives are no attempts: a worker that was scaled in has received, too.
            assert!(attribute(queue, "redrive_policy").is_none(), "{path}: {name} counts receives");
        }
        assert!(refuses_what_is_in_the_clear(&module, document, "sqs:*"), "{path}");
    }
}

fn refuses_what_is_in_the_clear(module: &Module, document: &str, action: &str) -> bool {
    nested(module.block("data", &["aws_iam_policy_document", document]), "statement").any(|statement| {
        is(statement, "effect", "Deny")
            && attribute(statement, "actions") == Some(&Expression::Array(vec![action.into()]))
            && nested(statement, "condition")
                .any(|condition| is(condition, "variable", "aws:SecureTransport"))
    })
}

#[test]
fn the_database_is_encrypted_backed_up_and_not_public_and_its_password_is_written_nowhere() {
    let state = Module::at("modules/state");
    let database = state.block("resource", &["aws_db_instance", "this"]);
    assert!(is(database, "storage_encrypted", true) && is(database, "publicly_accessible", false));
    assert!(
        is(database, "skip_final_snapshot", false)
            && is(state.block("variable", &["deletion_protection"]), "default", true)
    );
    assert!(attribute(database, "backup_retention_period").is_some());
    let parameters = state.block("resource", &["aws_db_parameter_group", "this"]);
    assert!(
        nested(parameters, "parameter").any(|it| is(it, "name", "rds.force_ssl") && is(it, "value", "1"))
    );
    // Only the write-only arguments stay out of the state file.
    for block in &state.blocks {
        for attribute in ["password", "secret_string", "manage_master_user_password"] {
            assert!(
                crate::configuration::attribute(block, attribute).is_none(),
                "{attribute} ends in the state file"
            );
        }
    }
}

#[test]
fn events_are_those_of_images_and_come_from_the_rules_alone() {
    let events = Module::at("modules/events");
    let wanted = hcl::format::to_string(&events.locals()["wanted"]).unwrap();
    for word in ["aws.ecr", "ECR Image Action", "PUSH", "DELETE", "SUCCESS"] {
        assert!(wanted.contains(word), "{word} is not in {wanted}");
    }
    let target = events.block("resource", &["aws_cloudwatch_event_target", "this"]);
    assert_eq!(nested(target, "dead_letter_config").count(), 1, "what cannot be delivered is lost");
    let policy = events.block("data", &["aws_iam_policy_document", "queue"]);
    let sends = nested(policy, "statement").find(|statement| is(statement, "effect", "Allow")).unwrap();
    assert!(nested(sends, "condition").any(|condition| is(condition, "variable", "aws:SourceArn")));
}

#[test]
fn versions_are_bounded_on_both_sides() {
    for module in Module::all() {
        let terraform =
            module.of("terraform").next().unwrap_or_else(|| panic!("{}: no versions", module.name()));
        let bounded = |version: &Expression| match version {
            Expression::String(text) => text.contains(">=") && text.contains('<') && text.contains(", "),
            _ => false,
        };
        assert!(
            attribute(terraform, "required_version").is_some_and(bounded),
            "{}: Terraform",
            module.name()
        );
        let providers = nested(terraform, "required_providers").next().unwrap();
        for provider in providers.body().attributes() {
            let Expression::Object(said) = provider.expr() else {
                panic!("{}: {}", module.name(), provider.key())
            };
            let version =
                said.iter().find(|(key, _)| key.to_string() == "version").map(|(_, version)| version);
            assert!(version.is_some_and(bounded), "{}: {}", module.name(), provider.key());
        }
    }
}

#[test]
fn no_account_is_written_down() {
    let mut files = 0;
    for module in Module::all() {
        for entry in std::fs::read_dir(&module.path).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| ["tf", "md", "sh"].iter().any(|text| end == *text)) {
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
                // Those of documentation, which belong to nobody.
                let account = numbers
                    .find(|number| number.len() == 12 && !["111122223333", "444455556666"].contains(number));
                assert_eq!(account, None, "{}", path.display());
            }
        }
    }
    assert!(files > 40 && root().join("README.md").is_file());
}
