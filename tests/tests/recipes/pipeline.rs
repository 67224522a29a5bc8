//! What only holds between the parts of a recipe: the order of stages, and what they hand on.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::scripts::{recipe, root};

#[test]
fn a_pipeline_deploys_nothing_that_was_not_judged() {
    let pipeline = &recipe("aws/pipeline.yml")["Resources"]["Pipeline"]["Properties"];
    let stages = pipeline["Stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Source", "Build", "Judge"]);
    let judge = &stages[2]["Actions"][0]["Configuration"];
    let variables: Value = serde_json::from_str(judge["EnvironmentVariables"].as_str().unwrap()).unwrap();
    assert_eq!((&variables[0]["name"], &variables[0]["value"]), (&"IMAGE".into(), &"#{Build.IMAGE}".into()));
    // The stage before hands the digest on under that name.
    assert_eq!(stages[1]["Actions"][0]["Namespace"], "Build");
    let exported = &recipe("aws/build.buildspec.yml")["env"]["exported-variables"];
    assert!(exported.as_array().unwrap().contains(&"IMAGE".into()));
}

#[test]
fn a_template_refers_to_what_it_has() {
    let template = recipe("aws/pipeline.yml");
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for part in ["Parameters", "Resources"] {
        known.extend(template[part].as_object().unwrap().keys().map(String::as_str));
    }
    let mut used = BTreeSet::new();
    referred(&template["Resources"], &mut used);
    for name in &used {
        assert!(known.contains(&**name), "{name} is not there");
    }
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        assert!(used.contains(parameter), "{parameter} is asked for and not used");
    }
    for project in ["Build", "Judge"] {
        let file = &template["Resources"][project]["Properties"]["Source"]["BuildSpec"];
        assert!(root().join("aws").join(file.as_str().unwrap()).is_file(), "{file}");
    }
}

fn referred(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let (1, Some(Value::String(name))) = (object.len(), object.get("Ref")) {
                found.insert(name.clone());
            }
            object.values().for_each(|value| referred(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| referred(value, found)),
        _ => {}
    }
}

#[test]
fn github_pushes_what_was_judged_and_gives_each_job_no_more_than_it_needs() {
    let recipe = recipe("github/judge.yml");
    assert_eq!(recipe["jobs"]["push"]["needs"], "judge");
    assert!(recipe["permissions"].as_object().unwrap().is_empty());
    for (name, job) in recipe["jobs"].as_object().unwrap() {
        assert!(job["permissions"].is_object() && job["timeout-minutes"].is_u64(), "{name}");
    }
    assert!(recipe["jobs"]["judge"]["permissions"].get("packages").is_none(), "who judges does not push");
    // What a stranger may choose (a branch, a title) is never pasted into a script.
    for job in recipe["jobs"].as_object().unwrap().values() {
        for run in job["steps"].as_array().unwrap().iter().filter_map(|step| step["run"].as_str()) {
            assert!(!run.contains("${{"), "{run}");
        }
    }
}
