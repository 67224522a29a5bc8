//! The JSON Schema of the policy format, for editors.

use plimsoll_types::BlindKind;
use serde_json::{Map, Value, json};

use crate::gate::{Constraint, Gate, Trigger};
use crate::gates::{self, ALL};
use crate::param::{Param, ParamKind};
use crate::policy::{ACTIONS, Policy};

/// The JSON Schema (draft 2020-12) of a policy, made from the same tables as the parser. What it cannot say
/// (patterns that compile, dates that exist) only the parser checks.
pub fn schema() -> Value {
    let rules: Vec<Value> =
        ALL.iter().flat_map(|gate| gate.triggers().iter().map(|trigger| rule(*gate, trigger))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Plimsoll policy",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "name", "rules"],
        "properties": {
            "schema": {"const": Policy::SCHEMA},
            "name": text("What the policy is called."),
            "description": text("What it is for."),
            "rules": {
                "description": "Every rule runs; the worst action of what they find decides.",
                "type": "array",
                "items": {"anyOf": rules},
            },
            "allowlists": {
                "description": "What has been accepted, by whom it concerns and until when.",
                "type": "array",
                "items": allowlist(),
            },
        },
    })
}

fn text(description: &str) -> Value {
    json!({"description": description, "type": "string", "minLength": 1})
}

fn rule(gate: &dyn Gate, trigger: &Trigger) -> Value {
    let actions: Vec<&str> = ACTIONS
        .iter()
        .map(|action| action.as_str())
        .filter(|action| *action != "not_judged" || gate.id() == gates::COVERAGE)
        .collect();
    let params: Map<String, Value> =
        trigger.params.iter().map(|param| (param.name.to_owned(), parameter(param))).collect();
    let needed: Vec<&str> =
        trigger.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    let mut required = vec!["gate", "trigger", "action"];
    let asks = |constraint: &Constraint| !matches!(constraint, Constraint::Needs(..));
    if !needed.is_empty() || trigger.constraints.iter().any(asks) {
        required.push("params");
    }
    let constraints: Vec<Value> = trigger.constraints.iter().map(constraint).collect();
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": needed,
        "properties": params,
    });
    if !constraints.is_empty() {
        schema["allOf"] = json!(constraints);
    }
    json!({
        "description": format!("{} Trigger id: {}.", trigger.summary, trigger.trigger_id),
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": {
            "gate": {"const": gate.id(), "description": gate.summary()},
            "trigger": {"const": trigger.id, "description": trigger.summary},
            "action": {"enum": actions},
            "params": schema,
        },
    })
}

fn constraint(constraint: &Constraint) -> Value {
    let each = |names: &[&str]| names.iter().map(|name| json!({"required": [name]})).collect::<Vec<_>>();
    match *constraint {
        Constraint::ExactlyOne(names) => json!({"oneOf": each(names)}),
        Constraint::AtLeastOne(names) => json!({"anyOf": each(names)}),
        Constraint::Needs(name, other) => json!({"dependentRequired": {name: [other]}}),
    }
}

fn parameter(param: &Param) -> Value {
    // A plain YAML number or boolean is as good as a quoted one where a text is meant.
    let item = json!({"type": ["string", "number", "boolean"], "minLength": 1});
    let mut schema = match param.kind {
        ParamKind::Bool => json!({"type": "boolean"}),
        ParamKind::Integer => json!({"type": "integer", "minimum": 0}),
        ParamKind::Number(max) => json!({"type": "number", "minimum": 0, "maximum": max}),
        ParamKind::Size => json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": "^[0-9]+ *([KkMmGg]([Ii])?)?[Bb]?$"},
        ]}),
        ParamKind::Text => item,
        ParamKind::Choice(choices) => json!({"enum": choices}),
        ParamKind::Choices(choices) => one_or_many(&json!({"enum": choices})),
        ParamKind::Texts
        | ParamKind::Wildcards
        | ParamKind::Globs
        | ParamKind::Regexes
        | ParamKind::Ranges => one_or_many(&item),
        ParamKind::Digests => {
            one_or_many(&json!({"type": "string", "pattern": "^(sha256:)?[0-9a-fA-F]{64}$"}))
        }
    };
    schema["description"] = json!(param.summary);
    schema
}

fn one_or_many(item: &Value) -> Value {
    json!({"anyOf": [item, {"type": "array", "minItems": 1, "items": item}]})
}

fn allowlist() -> Value {
    let gates: Vec<&str> = gates::ids().collect();
    let kinds: Vec<&str> = BlindKind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "items"],
        "properties": {
            "name": text("What the list is called; reports name it."),
            "items": {"type": "array", "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["gate", "trigger_id"],
                "properties": {
                    "gate": {"enum": gates},
                    "trigger_id": text("What is accepted; * stands for anything, except for gate coverage, where \
                                        an item names one blind spot, KIND+SUBJECT."),
                    "reason": text("Why."),
                    "expires": text("Until when: a date (through its end in UTC) or an RFC 3339 instant."),
                },
                "if": {"properties": {"gate": {"const": gates::COVERAGE}}},
                "then": {"properties": {
                    "trigger_id": {"pattern": format!("^({})[+][^*]*$", kinds.join("|"))},
                }},
            }},
        },
    })
}

#[cfg(test)]
mod tests;
