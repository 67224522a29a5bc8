//! The containers of a task: what they may do to the machine they are on, and what they are told.

use serde_json::{Value, json};

use crate::configuration::Module;
use crate::evaluation::{Samples, Scope};

/// The two containers of a role: its own, and the one that brings its files.
fn containers(target_groups: &Value) -> (Value, Value) {
    let service = Module::at("modules/fleet/service");
    let samples = Samples::from([
        ("data", json!({"aws_region": {"current": {"name": "eu-central-1"}}})),
        ("aws_cloudwatch_log_group", json!({"this": {"name": "/plimsoll/worker"}})),
    ]);
    let variables = json!({
        "name": "plimsoll-worker", "role": "worker", "cluster": {"name": "c", "arn": "arn:c"},
        "image": "plimsoll", "helper_image": "aws-cli", "architecture": "ARM64", "user": "65532:65532",
        "command": ["worker"], "environment": {"PLIMSOLL_SLOTS": "2", "PLIMSOLL_LOG": null},
        "secrets": {"PLIMSOLL_STATE": "arn:state"}, "secret_files": {"hub": "arn:hub"},
        "inputs_url": "s3://evidence/inputs/worker/", "inputs_seconds": 300,
        "cpu": 1, "memory_mib": 1, "disk_gib": 1, "stop_seconds": 120, "tasks": {"min": 1, "max": 1},
        "subnet_ids": [], "security_group_id": "sg", "policy_json": "{}", "log_days": 1, "target_groups": target_groups,
    });
    let scope = Scope::of(&service, &variables, &samples);
    let both = scope.evaluate(&service.locals()["containers"]);
    let [own, helper] = both.as_array().expect("a list of containers").as_slice() else { panic!("{both}") };
    (own.clone(), helper.clone())
}

#[test]
fn a_role_is_not_root_has_no_capabilities_and_writes_nowhere_but_to_its_scratch() {
    let (own, helper) = containers(&json!([]));
    assert_eq!(own["user"], "65532:65532");
    for container in [&own, &helper] {
        assert_eq!(container["readonlyRootFilesystem"], true);
        assert_eq!(container["linuxParameters"]["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(container["essential"], true);
        assert!(container.get("privileged").is_none());
    }
    let writable = own["mountPoints"].as_array().unwrap().iter().filter(|mount| mount["readOnly"] != true);
    assert_eq!(writable.map(|mount| &mount["containerPath"]).collect::<Vec<_>>(), ["/scratch"]);
}

#[test]
fn whether_a_role_lives_is_asked_of_the_binary_that_the_image_has() {
    let (own, _) = containers(&json!([]));
    let command: Vec<String> = serde_json::from_value(own["healthCheck"]["command"].clone()).unwrap();
    let [how, program, arguments @ ..] = command.as_slice() else { panic!("{command:?}") };
    assert_eq!(how, "CMD", "there is no shell in that image");
    let dockerfile = crate::configuration::root().join("../docker/Dockerfile");
    let dockerfile = std::fs::read_to_string(dockerfile).unwrap();
    assert!(dockerfile.lines().any(|line| line == format!("ENTRYPOINT [\"{program}\"]")), "{program}");
    let binary = plimsoll_tests::binary::plimsoll().unwrap();
    let help = std::process::Command::new(binary).args(arguments).arg("--help").output().unwrap();
    assert!(help.status.success(), "{arguments:?}: {help:?}");
    // It asks where the role listens.
    assert!(String::from_utf8_lossy(&help.stdout).contains("PLIMSOLL_HTTP"));
}

#[test]
fn secrets_are_references_and_variables_without_a_value_are_left_out() {
    let (own, helper) = containers(&json!([]));
    assert_eq!(own["secrets"], json!([{"name": "PLIMSOLL_STATE", "valueFrom": "arn:state"}]));
    assert_eq!(helper["secrets"], json!([{"name": "INPUT_hub", "valueFrom": "arn:hub"}]));
    let names: Vec<_> =
        own["environment"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["PLIMSOLL_SLOTS", "TMPDIR"]);
    assert!(own["environment"][1]["value"] == "/scratch");
}

#[test]
fn a_role_starts_once_its_files_are_there_and_has_its_time_to_stop() {
    let (own, helper) = containers(&json!([{"arn": "arn:lb", "port": 7465}]));
    assert_eq!(own["dependsOn"], json!([{"containerName": helper["name"], "condition": "HEALTHY"}]));
    assert!(helper["healthCheck"]["command"][1].as_str().unwrap().contains("/inputs/.ready"));
    assert_eq!((&own["stopTimeout"], &own["portMappings"][0]["containerPort"]), (&json!(120), &json!(7465)));
    assert!(containers(&json!([])).0["portMappings"].as_array().unwrap().is_empty());
}
