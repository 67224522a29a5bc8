//! A policy: rules that ask gates questions, and what to do about the answers.

use std::fmt::Write as _;
use std::sync::Arc;

use plimsoll_types::Digest;
use plimsoll_types::report::Action;
use sha2::{Digest as _, Sha256};

use crate::allowlist::Allowlist;
use crate::fields::Fields;
use crate::gate::{Check, Gate, Trigger};
use crate::gates;
use crate::mistake::{At, Mistakes, unknown};
use crate::param::{self, Values};
use crate::yaml::{self, Node};

/// The policy an image is judged by when nobody names another, as a documented text.
pub const DEFAULT_POLICY: &str = include_str!("../default.yaml");

/// Every rule looks at every image; the largest policies seen have some dozens.
const MAX_RULES: usize = 1_000;
const MAX_ALLOWLISTS: usize = 100;

/// Rules and allowlists, ready to judge any number of images.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    text: Arc<str>,
    digest: Digest,
    pub(crate) rules: Vec<Rule>,
    pub(crate) allowlists: Vec<Allowlist>,
}

/// One rule.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) gate: &'static str,
    pub(crate) trigger: &'static str,
    pub(crate) action: Action,
    pub(crate) check: Check,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}.{}", self.action.as_str(), self.gate, self.trigger)
    }
}

impl Policy {
    /// The value of the field `schema`.
    pub const SCHEMA: &'static str = "plimsoll.policy/v1";

    pub(crate) const FIELDS: [&'static str; 5] = ["allowlists", "description", "name", "rules", "schema"];
    pub(crate) const RULE_FIELDS: [&'static str; 4] = ["action", "gate", "params", "trigger"];

    /// Reads a policy, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let policy = Self::read(text, &mut mistakes);
        mistakes.or(policy)
    }

    /// [`DEFAULT_POLICY`].
    pub fn default_policy() -> Self {
        Self::parse(DEFAULT_POLICY).expect("a test reads the policy this crate ships with")
    }

    fn read(text: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let root = yaml::parse(text, mistakes)?;
        let fields = Fields::of(&root, "", "field", &Self::FIELDS, mistakes)?;
        fields.require_schema(Self::SCHEMA, mistakes);
        let name = fields.require_text("name", mistakes);
        fields.text("description", mistakes);
        fields.require("rules", mistakes);
        let digest = sha256(text.as_bytes());
        let rules = fields
            .list("rules", MAX_RULES, mistakes)
            .into_iter()
            .filter_map(|(path, node)| Rule::read(node, &path, mistakes))
            .collect();
        let allowlists = fields
            .list("allowlists", MAX_ALLOWLISTS, mistakes)
            .into_iter()
            .filter_map(|(path, node)| Allowlist::read_embedded(node, &path, digest, mistakes))
            .collect();
        Some(Self { name: name?.to_owned(), text: text.into(), digest, rules, allowlists })
    }

    /// What the policy is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Digest of the text it was read from.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl Rule {
    fn read(node: &Node, path: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let fields = Fields::of(node, path, "field", &Policy::RULE_FIELDS, mistakes)?;
        let gate = fields.require_text("gate", mistakes).and_then(|given| {
            let gate = gates::find(given);
            if gate.is_none() {
                add(&fields, "gate", unknown("gate", given, gates::ids()), mistakes);
            }
            gate
        });
        let action = Self::read_action(&fields, gate, mistakes);
        let given = fields.require_text("trigger", mistakes);
        let (gate, given) = (gate?, given?);
        let Some(trigger) = gate.triggers().iter().find(|trigger| trigger.id == given) else {
            let known = gate.triggers().iter().map(|trigger| trigger.id);
            add(&fields, "trigger", unknown("trigger", given, known), mistakes);
            return None;
        };
        let check = Self::read_check(trigger, &fields, mistakes);
        Some(Self { gate: gate.id(), trigger: trigger.id, action: action?, check: check? })
    }

    fn read_action(
        fields: &Fields<'_>,
        gate: Option<&'static dyn Gate>,
        mistakes: &mut Mistakes,
    ) -> Option<Action> {
        let given = fields.require_text("action", mistakes)?;
        let action = ACTIONS.iter().find(|action| action.as_str() == given).copied();
        match action {
            None => {
                let known = ACTIONS.iter().map(|action| action.as_str());
                add(fields, "action", unknown("action", given, known), mistakes);
                None
            }
            // Only what was not seen leaves open whether an image is good.
            Some(Action::NotJudged) if gate.is_some_and(|gate| gate.id() != gates::COVERAGE) => {
                add(fields, "action", "not_judged is for gate coverage; use stop, warn or go", mistakes);
                None
            }
            action => action,
        }
    }

    fn read_check(trigger: &Trigger, fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Check> {
        let before = mistakes.len();
        let path = fields.field("params");
        let params = match fields.get("params") {
            Some(node) => {
                let known = trigger.params.iter().map(|param| param.name);
                Some(Fields::of(node, &path, "parameter", &known, mistakes)?)
            }
            None => None,
        };
        let params_at = params.as_ref().map_or(fields.at(), Fields::at);
        let mut values = Values::default();
        let mut places: Vec<(&str, At)> = Vec::new();
        for param in trigger.params {
            match params.as_ref().and_then(|params| params.get(param.name)) {
                Some(node) => {
                    places.push((param.name, node.at));
                    if let Some(value) = param::read(param, node, &format!("{path}.{}", param.name), mistakes)
                    {
                        values.set(param, value);
                    }
                }
                None if param.required => {
                    let message = format!("this parameter is required: {}", param.summary);
                    mistakes.add(params_at, format!("{path}.{}", param.name), message);
                }
                None => {}
            }
        }
        if mistakes.len() > before {
            return None;
        }
        for (name, message) in trigger.constraints.iter().filter_map(|limit| limit.broken_by(&values)) {
            let place = places.iter().find(|(place, _)| *place == name);
            let at = place.map_or(params_at, |(_, at)| *at);
            mistakes.add(at, format!("{path}.{name}"), message);
        }
        (mistakes.len() == before).then(|| (trigger.compile)(&values))
    }
}

/// The actions a rule may take, mildest first.
pub(crate) const ACTIONS: [Action; 4] = [Action::Go, Action::Warn, Action::NotJudged, Action::Stop];

fn add(fields: &Fields<'_>, name: &str, message: impl Into<String>, mistakes: &mut Mistakes) {
    let at = fields.get(name).map_or(fields.at(), |node| node.at);
    mistakes.add(at, fields.field(name), message);
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

/// One digest for everything an image was judged by: the policy's own if there are no more allowlists than
/// those inside it, else one over the policy's and theirs, in the order given.
pub fn judged_by(policy: &Policy, extra_allowlists: &[Allowlist]) -> Digest {
    if extra_allowlists.is_empty() {
        return policy.digest();
    }
    let mut text = format!("policy {}\n", policy.digest());
    for list in extra_allowlists {
        // The name is part of what a verdict says, so it is part of what it was judged by.
        let _infallible = writeln!(text, "allowlist {} {:?}", list.digest(), list.name());
    }
    sha256(text.as_bytes())
}

#[cfg(test)]
mod tests;
