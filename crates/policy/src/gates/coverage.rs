//! Gate `coverage`: what the scan did not see.

use std::collections::HashSet;
use std::sync::Arc;

use plimsoll_types::report::Action;
use plimsoll_types::{BlindClass, BlindKind, BlindSpot};

use crate::evaluate::{Facts, Found};
use crate::gate::{Check, Gate, Trigger};
use crate::gates::COVERAGE;
use crate::param::{Param, ParamKind, Values};
use crate::wildcard;

pub(crate) struct Coverage;

impl Gate for Coverage {
    fn id(&self) -> &'static str {
        COVERAGE
    }

    fn summary(&self) -> &'static str {
        "What the scan did not see. A blind spot no rule speaks of has the action of its class: hides leaves \
         the image not judged, stale warns."
    }

    fn triggers(&self) -> &'static [Trigger] {
        &[BLIND_SPOT, KNOWLEDGE_AGE]
    }
}

const BLIND_SPOT: Trigger = Trigger {
    id: "blind_spot",
    summary: "Fires for every blind spot that fits all parameters.",
    trigger_id: "KIND+SUBJECT, for example ecosystem_unknown+npm",
    params: &[CLASS, KINDS, SUBJECTS],
    constraints: &[],
    compile: blind_spot,
};

const KNOWLEDGE_AGE: Trigger = Trigger {
    id: "knowledge_age",
    summary: "Fires where the newest advisory about a distribution release or ecosystem of the image is older than \
              so many days. Without a rule, more than 30 days are a blind spot knowledge_stale.",
    trigger_id: "knowledge_stale+ECOSYSTEM, for example knowledge_stale+Debian:12",
    params: &[MAX_DAYS],
    constraints: &[],
    compile: knowledge_age,
};

const MAX_DAYS: Param = Param {
    name: "max_days",
    kind: ParamKind::Integer,
    required: true,
    summary: "The most whole days from the newest advisory to the verdict.",
    example: "7",
};
const CLASS: Param = Param {
    name: "class",
    kind: ParamKind::Choice(&["hides", "stale"]),
    required: false,
    summary: "Only blind spots of this class; without it, of both.",
    example: "stale",
};
const KINDS: Param = Param {
    name: "kinds",
    kind: ParamKind::Choices(&KIND_NAMES),
    required: false,
    summary: "Only blind spots of these kinds; without it, of all.",
    example: "[knowledge_stale]",
};
const SUBJECTS: Param = Param {
    name: "subjects",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Only blind spots about these subjects (a path, an ecosystem, a distribution release).",
    example: "[npm, '/opt/*']",
};

/// [`BlindKind::ALL`] as text.
const KIND_NAMES: [&str; BlindKind::ALL.len()] = {
    let mut names = [""; BlindKind::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = BlindKind::ALL[at].as_str();
        at += 1;
    }
    names
};

fn blind_spot(values: &Values) -> Check {
    let class = values.choice(&CLASS).map(|class| match class {
        "hides" => BlindClass::Hides,
        _ => BlindClass::Stale,
    });
    let kinds = values.choices(&KINDS);
    let subjects = values.wildcards(&SUBJECTS);
    Arc::new(move |facts, matches| {
        for spot in &facts.blind_spots {
            if class.is_none_or(|class| class == spot.class)
                && kinds.as_ref().is_none_or(|kinds| kinds.contains(&spot.kind.as_str()))
                && subjects.as_ref().is_none_or(|subjects| wildcard::any(subjects, &spot.subject))
            {
                matches.add(weight(spot), trigger_id(spot), message(spot));
            }
        }
    })
}

fn knowledge_age(values: &Values) -> Check {
    let max_days = values.integer(&MAX_DAYS).unwrap_or_default();
    Arc::new(move |facts, matches| {
        for age in facts.knowledge.iter().filter(|age| age.is_over(max_days)) {
            let spot = age.blind_spot();
            matches.add(weight(&spot), trigger_id(&spot), message(&spot));
        }
    })
}

/// The blind spots that no match among `found` is about, with the actions of their classes.
pub(crate) fn unclaimed(facts: &Facts<'_>, found: &[Found]) -> Vec<Found> {
    let claimed: HashSet<(&str, &str)> = found
        .iter()
        .filter(|found| found.gate == COVERAGE)
        .map(|found| (found.trigger_id.as_str(), found.message.as_str()))
        .collect();
    let spots = facts.blind_spots.iter().map(|spot| (spot, trigger_id(spot), message(spot)));
    spots
        .filter(|(_, trigger_id, message)| !claimed.contains(&(trigger_id.as_str(), message.as_str())))
        .map(|(spot, trigger_id, message)| Found {
            gate: COVERAGE,
            trigger: BLIND_SPOT.id,
            action: match spot.class {
                BlindClass::Hides => Action::NotJudged,
                BlindClass::Stale => Action::Warn,
            },
            weight: weight(spot),
            trigger_id,
            message,
            lift: true,
        })
        .collect()
}

/// Whether a trigger id of this gate is about a blind spot of `kind`.
pub(crate) fn is_of_kind(trigger_id: &str, kind: BlindKind) -> bool {
    trigger_id.strip_prefix(kind.as_str()).is_some_and(|rest| rest.starts_with('+'))
}

/// Whether a trigger id names one blind spot, as allowlist items of this gate must.
pub(crate) fn is_one_blind_spot(trigger_id: &str) -> bool {
    !trigger_id.contains('*') && BlindKind::ALL.iter().any(|kind| is_of_kind(trigger_id, *kind))
}

fn trigger_id(spot: &BlindSpot) -> String {
    format!("{}+{}", spot.kind, spot.subject)
}

fn message(spot: &BlindSpot) -> String {
    match spot.subject.as_str() {
        "" => format!("{}: {}", spot.kind, spot.message),
        subject => format!("{} ({subject}): {}", spot.kind, spot.message),
    }
}

fn weight(spot: &BlindSpot) -> u8 {
    match spot.class {
        BlindClass::Hides => 1,
        BlindClass::Stale => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::testing::{Image, judge};

    fn image() -> Image {
        Image::default()
            .blind(BlindSpot::new(BlindKind::EcosystemUnknown, "npm", "no data"))
            .blind(BlindSpot::new(BlindKind::KnowledgeStale, "debian:12", "30 days old"))
    }

    #[test]
    fn without_a_rule_hiding_is_not_judged_and_stale_warns() {
        assert_eq!(
            judge("[]", &image()),
            [
                "not_judged coverage.blind_spot ecosystem_unknown+npm: ecosystem_unknown (npm): no data",
                "warn coverage.blind_spot knowledge_stale+debian:12: knowledge_stale (debian:12): 30 days old",
            ]
        );
    }

    #[test]
    fn a_rule_takes_the_place_of_the_class_for_what_it_speaks_of() {
        let rules = "[{gate: coverage, trigger: blind_spot, action: go, params: {kinds: ecosystem_unknown}},
                      {gate: coverage, trigger: blind_spot, action: stop, params: {class: stale}}]";
        let found = judge(rules, &image());
        assert!(found[0].starts_with("stop coverage.blind_spot knowledge_stale+debian:12"), "{found:?}");
        assert!(found[1].starts_with("go coverage.blind_spot ecosystem_unknown+npm"), "{found:?}");
    }

    #[test]
    fn a_policy_may_want_knowledge_to_be_newer() {
        let image = Image::default().knowledge("Debian:12", 7).knowledge("npm", 8);
        let rule = "[{gate: coverage, trigger: knowledge_age, action: stop, params: {max_days: 7}}]";
        assert_eq!(
            judge(rule, &image),
            [
                "stop coverage.knowledge_age knowledge_stale+npm: knowledge_stale (npm): the newest of the npm \
              advisories is of 2026-01-02, 8 days before this verdict; build the snapshot from today's feed"
            ]
        );
        assert!(judge("[]", &image).is_empty());
    }

    #[test]
    fn subjects_narrow_a_rule() {
        let rules = "[{gate: coverage, trigger: blind_spot, action: stop, params: {subjects: ['debian:*']}}]";
        let found = judge(rules, &image());
        assert!(found[0].starts_with("stop coverage.blind_spot knowledge_stale"), "{found:?}");
        assert!(found[1].starts_with("not_judged coverage.blind_spot ecosystem_unknown"), "{found:?}");
    }
}
