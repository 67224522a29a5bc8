//! Excuses: matches of a policy that somebody has accepted, why, and until when.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use plimsoll_types::Digest;
use plimsoll_types::report::Allowlisted;

use crate::expiry::Expiry;
use crate::fields::Fields;
use crate::gates::{self, coverage};
use crate::mistake::{Mistakes, unknown};
use crate::policy::sha256;
use crate::wildcard::Wildcard;
use crate::yaml::{self, Node};

/// The most items of one list; the largest seen have some thousands.
const MAX_ITEMS: usize = 20_000;

/// An excuse turns what was not judged into a pass, so it must say what exactly it is that nobody looked at.
const NOT_ONE_BLIND_SPOT: &str = "name one blind spot as the report does, KIND+SUBJECT without *, for example \
     ecosystem_unknown+npm; --allow-blind KIND accepts a kind for one scan, a rule of gate coverage for all";

/// A list of excuses.
#[derive(Clone, Debug)]
pub struct Allowlist {
    name: String,
    text: Option<Arc<str>>,
    digest: Digest,
    items: Vec<Item>,
    /// Positions of items without a wildcard, by gate and trigger id.
    literal: HashMap<(&'static str, String), Vec<usize>>,
    /// Positions of the others.
    wild: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Item {
    gate: &'static str,
    trigger_id: Wildcard,
    reason: Option<String>,
    expires: Option<Expiry>,
}

/// What an allowlist says of one match.
pub(crate) enum Excuse {
    /// It is excused.
    Holds(Allowlisted),
    /// It was excused until then.
    Expired(Expiry),
}

impl Allowlist {
    /// The value of the field `schema` of a file that is an allowlist.
    pub const SCHEMA: &'static str = "plimsoll.allowlist/v1";

    const FIELDS: [&'static str; 3] = ["items", "name", "schema"];
    const ITEM_FIELDS: [&'static str; 4] = ["expires", "gate", "reason", "trigger_id"];

    /// True for a text that calls itself an allowlist, whatever else is wrong with it.
    pub fn is_named_in(text: &str) -> bool {
        let root = yaml::parse(text, &mut Mistakes::default());
        let fields = root
            .as_ref()
            .and_then(|root| Fields::of(root, "", "field", &Self::FIELDS, &mut Mistakes::default()));
        fields.is_some_and(|fields| fields.text("schema", &mut Mistakes::default()) == Some(Self::SCHEMA))
    }

    /// Reads an allowlist file, YAML or JSON. Without a name of its own it is called `name`.
    pub fn parse(text: &str, name: &str) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let list = Self::read_file(text, name, &mut mistakes);
        mistakes.or(list)
    }

    fn read_file(text: &str, name: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let root = yaml::parse(text, mistakes)?;
        let fields = Fields::of(&root, "", "field", &Self::FIELDS, mistakes)?;
        fields.require_schema(Self::SCHEMA, mistakes);
        let name = fields.text("name", mistakes).unwrap_or(name);
        fields.require("items", mistakes)?;
        let list = Self::of(name, sha256(text.as_bytes()), &fields, mistakes);
        Some(Self { text: Some(text.into()), ..list })
    }

    /// Reads one list inside a policy. Its digest is the policy's business.
    pub(crate) fn read_embedded(
        node: &Node,
        path: &str,
        digest: Digest,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let fields = Fields::of(node, path, "field", &["items", "name"], mistakes)?;
        let name = fields.require_text("name", mistakes);
        fields.require("items", mistakes)?;
        Some(Self::of(name?, digest, &fields, mistakes))
    }

    fn of(name: &str, digest: Digest, fields: &Fields<'_>, mistakes: &mut Mistakes) -> Self {
        let items: Vec<Item> = fields
            .list("items", MAX_ITEMS, mistakes)
            .into_iter()
            .filter_map(|(path, node)| Item::read(node, &path, mistakes))
            .collect();
        let mut literal: HashMap<_, Vec<usize>> = HashMap::new();
        let mut wild = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match item.trigger_id.literal() {
                Some(text) => literal.entry((item.gate, text.to_owned())).or_default().push(position),
                None => wild.push(position),
            }
        }
        Self { name: name.to_owned(), text: None, digest, items, literal, wild }
    }

    /// What the list is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text it was read from; `None` for a list inside a policy.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Digest of the text it was read from.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the list says of a match at an instant: the first item that holds, else the last to have expired.
    pub(crate) fn excuse(&self, gate: &'static str, trigger_id: &str, now: Timestamp) -> Option<Excuse> {
        let literal = self.literal.get(&(gate, trigger_id.to_owned())).into_iter().flatten();
        let wild = self.wild.iter().filter(|position| {
            let item = &self.items[**position];
            item.gate == gate && item.trigger_id.matches(trigger_id)
        });
        let mut expired = None;
        for item in literal.chain(wild).map(|position| &self.items[*position]) {
            match item.expires {
                Some(expiry) if expiry.is_over(now) => expired = expired.max(Some(expiry)),
                expires => {
                    return Some(Excuse::Holds(Allowlisted {
                        list: self.name.clone(),
                        reason: item.reason.clone(),
                        expires: expires.map(|expiry| expiry.to_string()),
                    }));
                }
            }
        }
        expired.map(Excuse::Expired)
    }
}

impl Item {
    fn read(node: &Node, path: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let fields = Fields::of(node, path, "field", &Allowlist::ITEM_FIELDS, mistakes)?;
        let gate = fields.require_text("gate", mistakes).and_then(|given| {
            let gate = gates::find(given);
            if gate.is_none()
                && let Some(node) = fields.get("gate")
            {
                mistakes.add(node.at, fields.field("gate"), unknown("gate", given, gates::ids()));
            }
            gate
        });
        let trigger_id = fields.require_text("trigger_id", mistakes);
        if let (Some(gate), Some(given), Some(node)) = (gate, trigger_id, fields.get("trigger_id"))
            && gate.id() == gates::COVERAGE
            && !coverage::is_one_blind_spot(given)
        {
            mistakes.add(node.at, fields.field("trigger_id"), NOT_ONE_BLIND_SPOT);
        }
        let reason = fields.text("reason", mistakes);
        let expires =
            fields.get("expires").zip(fields.text("expires", mistakes)).and_then(|(node, given)| {
                Expiry::parse(given)
                    .map_err(|message| mistakes.add(node.at, fields.field("expires"), message))
                    .ok()
            });
        Some(Self {
            gate: gate?.id(),
            trigger_id: Wildcard::new(trigger_id?),
            reason: reason.map(str::to_owned),
            expires,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn list(items: &str) -> Allowlist {
        Allowlist::parse(&format!("schema: plimsoll.allowlist/v1\nitems:\n{items}"), "file.yaml").unwrap()
    }

    #[test]
    fn an_item_excuses_its_own_gate_and_trigger_id_only() {
        let list = list("- {gate: vulnerabilities, trigger_id: CVE-1+a, reason: not reachable}\n");
        let now = at("2026-01-01T00:00:00Z");
        let Some(Excuse::Holds(excuse)) = list.excuse("vulnerabilities", "CVE-1+a", now) else { panic!() };
        assert_eq!((excuse.list.as_str(), excuse.reason.as_deref()), ("file.yaml", Some("not reachable")));
        assert!(list.excuse("vulnerabilities", "CVE-1+ab", now).is_none());
        assert!(list.excuse("packages", "CVE-1+a", now).is_none());
    }

    #[test]
    fn an_item_excuses_until_it_expires_and_then_says_so() {
        let list = list("- {gate: files, trigger_id: '/opt/*', expires: '2026-01-31T00:00:00Z'}\n");
        let before = list.excuse("files", "/opt/a", at("2026-01-30T23:59:59Z"));
        assert!(
            matches!(before, Some(Excuse::Holds(e)) if e.expires.as_deref() == Some("2026-01-31T00:00:00Z"))
        );
        let after = list.excuse("files", "/opt/a", at("2026-01-31T00:00:00Z"));
        assert!(matches!(after, Some(Excuse::Expired(_))));
    }

    #[test]
    fn a_live_item_wins_over_an_expired_one() {
        let list = list(
            "- {gate: files, trigger_id: /a, expires: 2020-01-01}\n- {gate: files, trigger_id: '*', reason: r}\n",
        );
        let excuse = list.excuse("files", "/a", at("2026-01-01T00:00:00Z"));
        assert!(matches!(excuse, Some(Excuse::Holds(e)) if e.reason.as_deref() == Some("r")));
    }

    #[test]
    fn a_blind_spot_is_excused_by_its_full_name_only() {
        let read = |id: &str| {
            let text =
                format!("schema: plimsoll.allowlist/v1\nitems:\n- gate: coverage\n  trigger_id: '{id}'\n");
            Allowlist::parse(&text, "f").map_err(|mistakes| mistakes.to_string())
        };
        let list = read("ecosystem_unknown+npm").unwrap();
        let now = at("2026-01-01T00:00:00Z");
        assert!(list.excuse("coverage", "ecosystem_unknown+npm", now).is_some());
        assert!(list.excuse("coverage", "ecosystem_unknown+PyPI", now).is_none());
        for refused in
            ["*", "ecosystem_unknown+*", "*+npm", "ecosystem_unknown", "+npm", "blind_spot:more", "x+npm"]
        {
            let mistakes = read(refused).unwrap_err();
            assert!(
                mistakes.starts_with("line 4, column 15: items[0].trigger_id: name one blind spot"),
                "{mistakes}"
            );
            assert!(mistakes.contains("--allow-blind KIND"), "{mistakes}");
        }
    }

    #[test]
    fn a_text_with_mistakes_is_still_known_for_an_allowlist() {
        assert!(Allowlist::is_named_in("schema: plimsoll.allowlist/v1\nitmes: []\n"));
        for other in
            ["schema: plimsoll.policy/v1\n", "schema: [plimsoll.allowlist/v1]\n", "- schema\n", "", "a: b: c"]
        {
            assert!(!Allowlist::is_named_in(other), "{other}");
        }
    }

    #[test]
    fn json_is_an_allowlist_too() {
        let text = r#"{"schema": "plimsoll.allowlist/v1", "name": "n",
            "items": [{"gate": "files", "trigger_id": "/a", "reason": null, "expires": "2027-01-31"}]}"#;
        assert_eq!(Allowlist::parse(text, "file").unwrap().name(), "n");
    }

    #[test]
    fn every_mistake_is_named_by_line_and_field() {
        let text = "schema: plimsoll.allowlist/v1\nitems:\n- gate: vulnerability\n  trigger_id: x\n  \
                    expires: tomorrow\n- gate: files\n  why: because\n";
        assert_eq!(
            Allowlist::parse(text, "f").unwrap_err().to_string(),
            "line 3, column 9: items[0].gate: unknown gate \"vulnerability\"; did you mean \"vulnerabilities\"?\n\
             line 5, column 12: items[0].expires: \"tomorrow\" is neither a date (2027-01-31) nor an RFC 3339 instant (2027-01-31T12:00:00Z)\n\
             line 6, column 3: items[1].trigger_id: this field is required\n\
             line 7, column 3: items[1].why: unknown field \"why\"; expected one of: expires, gate, reason, trigger_id"
        );
    }
}
