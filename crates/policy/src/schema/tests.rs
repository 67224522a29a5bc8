use serde_json::{Value, json};

use super::schema;
use crate::gates::ALL;
use crate::{DEFAULT_POLICY, Policy};

/// JSON is YAML, so one document can be given to both.
fn both(policy: &Value) -> (bool, bool) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    (validator.is_valid(policy), Policy::parse(&policy.to_string()).is_ok())
}

fn with_rule(rule: &Value) -> Value {
    json!({"schema": "plimsoll.policy/v1", "name": "t", "rules": [rule]})
}

/// Text to JSON for the examples of parameters, through this crate's own reader.
fn yaml(text: &str) -> Value {
    fn value(node: &crate::yaml::Node) -> Value {
        match &node.tree {
            crate::yaml::Tree::Scalar { text, plain: true } => {
                serde_json::from_str(text).unwrap_or_else(|_| json!(text))
            }
            crate::yaml::Tree::Scalar { text, .. } => json!(text),
            crate::yaml::Tree::List(items) => items.iter().map(value).collect(),
            crate::yaml::Tree::Map(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect()
            }
        }
    }
    value(&crate::yaml::parse(text, &mut crate::Mistakes::default()).unwrap())
}

#[test]
fn the_default_policy_is_valid() {
    assert_eq!(both(&yaml(DEFAULT_POLICY)), (true, true));
}

#[test]
fn parser_and_schema_accept_the_example_of_every_parameter() {
    for (gate, trigger) in ALL.iter().flat_map(|gate| gate.triggers().iter().map(move |t| (gate, t))) {
        for param in trigger.params {
            // Parameters that need another one, or exclude each other, are tried with what they need.
            let companion = |name: &&crate::Param| {
                name.required
                    || (param.name == "severity_comparison" && name.name == "severity")
                    || (matches!(param.name, "ignore_paths" | "kinds") && name.name == "paths")
                    || (param.name == "versions" && name.name == "names")
            };
            let mut params: serde_json::Map<String, Value> = trigger
                .params
                .iter()
                .filter(companion)
                .map(|param| (param.name.to_owned(), yaml(param.example)))
                .collect();
            params.insert(param.name.to_owned(), yaml(param.example));
            let rule = json!({"gate": gate.id(), "trigger": trigger.id, "action": "warn", "params": params});
            assert_eq!(both(&with_rule(&rule)), (true, true), "{rule}");
        }
    }
}

#[test]
fn parser_and_schema_refuse_the_same_mistakes() {
    let rule = json!({"gate": "vulnerabilities", "trigger": "package", "action": "stop",
        "params": {"severity": "high", "package_types": ["deb"], "cvss_at_least": 7}});
    assert_eq!(both(&with_rule(&rule)), (true, true));
    for (pointer, wrong) in [
        ("/gate", json!("vulnerability")),
        ("/trigger", json!("cve")),
        ("/action", json!("not_judged")),
        ("/action", Value::Null),
        ("/params", json!([])),
        ("/params/severity", json!("dire")),
        ("/params/package_types", json!([])),
        ("/params/package_types/0", json!("pacman")),
        ("/params/cvss_at_least", json!("7")),
        ("/params/cvss_at_least", json!(10.5)),
    ] {
        let mut rule = rule.clone();
        *rule.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(both(&with_rule(&rule)), (false, false), "{rule}");
    }
    for (key, value) in [("unknown", json!(1)), ("params", json!({"bits": "setuid", "bit": 1}))] {
        let mut rule = json!({"gate": "files", "trigger": "permissions", "action": "warn",
            "params": {"bits": "setuid"}});
        assert_eq!(both(&with_rule(&rule)), (true, true));
        rule[key] = value;
        assert_eq!(both(&with_rule(&rule)), (false, false), "{rule}");
    }
    for missing in [
        json!({"gate": "files", "trigger": "permissions", "action": "warn"}),
        json!({"gate": "metadata", "trigger": "distro", "action": "warn"}),
        json!({"gate": "metadata", "trigger": "distro", "action": "warn", "params": {"allowed": "a", "denied": "b"}}),
        json!({"gate": "files", "trigger": "name", "action": "warn", "params": {"kinds": "elf"}}),
        json!({"gate": "vulnerabilities", "trigger": "package", "action": "warn",
            "params": {"severity_comparison": "="}}),
    ] {
        assert_eq!(both(&with_rule(&missing)), (false, false), "{missing}");
    }
}

#[test]
fn allowlists_are_part_of_it() {
    let policy = |item: Value| {
        json!({"schema": "plimsoll.policy/v1", "name": "t", "rules": [],
            "allowlists": [{"name": "a", "items": [item]}]})
    };
    assert_eq!(both(&policy(json!({"gate": "files", "trigger_id": "/a", "reason": "r"}))), (true, true));
    assert_eq!(both(&policy(json!({"gate": "files", "reason": "r"}))), (false, false));
    assert_eq!(both(&policy(json!({"gate": "file", "trigger_id": "/a"}))), (false, false));
    for (trigger_id, accepted) in [("limit+/a", true), ("*", false), ("limit+*", false), ("limit", false)] {
        let item = json!({"gate": "coverage", "trigger_id": trigger_id});
        assert_eq!(both(&policy(item)), (accepted, accepted), "{trigger_id}");
        assert_eq!(both(&policy(json!({"gate": "files", "trigger_id": trigger_id}))), (true, true));
    }
}

#[test]
fn coverage_alone_may_leave_an_image_not_judged() {
    let rule = json!({"gate": "coverage", "trigger": "blind_spot", "action": "not_judged",
        "params": {"kinds": "knowledge_stale"}});
    assert_eq!(both(&with_rule(&rule)), (true, true));
}
