//! From a policy and the facts about one image to a verdict and its reasons.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use plimsoll_types::report::{Action, Image, Reason, VerdictStatus, Vulnerability};
use plimsoll_types::{BlindKind, BlindSpot, ImageConfig, Inventory, KnowledgeAge, Package};

use crate::allowlist::{Allowlist, Excuse};
use crate::gate::Matches;
use crate::gates::{self, coverage};
use crate::policy::Policy;

/// Everything about one image that a policy may look at, and the instant it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The merged image.
    pub inventory: &'a Inventory,
    /// What the matcher found in it.
    pub vulnerabilities: &'a [Vulnerability],
    /// What nobody saw, besides the blind spots of the inventory itself; one in both counts once.
    pub blind_spots: &'a [BlindSpot],
    /// How old the knowledge is that spoke of the image.
    pub knowledge: &'a [KnowledgeAge],
    /// The image config.
    pub config: &'a ImageConfig,
    /// The image as reports name it.
    pub image: &'a Image,
    /// The instant the verdict holds for.
    pub now: Timestamp,
    /// Kinds of blind spots the user accepts (`--allow-blind`).
    pub allow_blind: &'a [BlindKind],
}

/// An input with what several checks would otherwise each work out for themselves.
pub struct Facts<'a> {
    input: &'a Input<'a>,
    packages: HashMap<&'a str, &'a Package>,
    pub(crate) blind_spots: Vec<&'a BlindSpot>,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(input: &'a Input<'a>) -> Self {
        let packages =
            input.inventory.packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let mut blind_spots: Vec<_> = input.blind_spots.iter().chain(&input.inventory.blind_spots).collect();
        blind_spots.sort();
        blind_spots.dedup();
        Self { input, packages, blind_spots }
    }

    /// The package with this id.
    pub(crate) fn package(&self, id: &str) -> Option<&'a Package> {
        self.packages.get(id).copied()
    }
}

impl<'a> std::ops::Deref for Facts<'a> {
    type Target = Input<'a>;

    fn deref(&self) -> &Input<'a> {
        self.input
    }
}

/// What a policy says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// May it run?
    pub status: VerdictStatus,
    /// Every match, those that count before those that are excused, then worst first.
    pub reasons: Vec<Reason>,
}

/// Judges one image.
///
/// Every rule runs; two that match the same thing are one reason with the worse action. The worst action of
/// the reasons that no allowlist excuses decides: stop makes the verdict fail, not_judged leaves the image not
/// judged, warn makes it warn, and otherwise it passes. A stop outranks not_judged, for what nobody saw
/// cannot make good what somebody did see.
///
/// A blind spot that no coverage rule of the policy speaks of gets the action of its class, and an image with
/// one that hides is not judged whatever else the policy says: a policy that forgets coverage must not pass
/// what nobody looked at.
pub fn evaluate(policy: &Policy, extra_allowlists: &[Allowlist], input: &Input<'_>) -> Evaluation {
    let facts = Facts::new(input);
    let mut found: Vec<Found> = Vec::new();
    for rule in &policy.rules {
        let mut matches = Matches::default();
        (rule.check)(&facts, &mut matches);
        let lift = rule.gate == gates::COVERAGE && rule.action == Action::NotJudged;
        let (gate, trigger, action) = (rule.gate, rule.trigger, rule.action);
        found.extend(matches.found.into_iter().map(|found| Found {
            gate,
            trigger,
            action,
            weight: found.weight,
            trigger_id: found.trigger_id,
            message: found.message,
            lift,
        }));
        if matches.more > 0 {
            found.push(Found {
                gate,
                trigger,
                action,
                weight: 0,
                trigger_id: format!("{trigger}:more"),
                message: format!("{} more matches of this rule are not listed", matches.more),
                lift,
            });
        }
    }
    found.extend(coverage::unclaimed(&facts, &found));
    lift_allowed(&facts, &mut found);

    let lists: Vec<&Allowlist> = policy.allowlists.iter().chain(extra_allowlists).collect();
    let mut reasons: Vec<(u8, Reason)> =
        merge(found).into_iter().map(|found| (found.weight, excused(found, &lists, input.now))).collect();
    reasons.sort_by(|(a_weight, a), (b_weight, b)| {
        (a.allowlisted.is_some().cmp(&b.allowlisted.is_some()))
            .then(b.action.cmp(&a.action))
            .then(b_weight.cmp(a_weight))
            .then_with(|| order(a).cmp(&order(b)))
    });
    let reasons: Vec<Reason> = reasons.into_iter().map(|(_, reason)| reason).collect();
    Evaluation { status: status(&reasons), reasons }
}

/// One match of one rule, before rules that found the same are merged.
pub(crate) struct Found {
    pub(crate) gate: &'static str,
    pub(crate) trigger: &'static str,
    pub(crate) action: Action,
    pub(crate) weight: u8,
    pub(crate) trigger_id: String,
    pub(crate) message: String,
    /// Whether `--allow-blind` turns it into a note.
    pub(crate) lift: bool,
}

/// `--allow-blind` lifts what would leave the image not judged and what a class does by default, never what a
/// rule of the policy stops or warns on.
fn lift_allowed(facts: &Facts<'_>, found: &mut [Found]) {
    for found in found.iter_mut().filter(|found| found.lift) {
        let allowed = facts.allow_blind.iter().find(|kind| coverage::is_of_kind(&found.trigger_id, **kind));
        if let Some(kind) = allowed {
            found.action = Action::Go;
            let _infallible = write!(found.message, " (allowed by --allow-blind {kind})");
        }
    }
}

/// One reason per thing found, with the worst action.
fn merge(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|a, b| {
        (a.gate, a.trigger, &a.trigger_id, &a.message)
            .cmp(&(b.gate, b.trigger, &b.trigger_id, &b.message))
            .then(b.action.cmp(&a.action))
            .then(b.weight.cmp(&a.weight))
    });
    found.dedup_by(|later, first| {
        (later.gate, later.trigger, &later.trigger_id, &later.message)
            == (first.gate, first.trigger, &first.trigger_id, &first.message)
    });
    found
}

fn excused(found: Found, lists: &[&Allowlist], now: Timestamp) -> Reason {
    let mut reason = Reason {
        gate: found.gate.to_owned(),
        trigger: found.trigger.to_owned(),
        action: found.action,
        trigger_id: found.trigger_id,
        message: found.message,
        allowlisted: None,
    };
    let mut expired = Vec::new();
    for list in lists {
        match list.excuse(found.gate, &reason.trigger_id, now) {
            Some(Excuse::Holds(excuse)) => {
                reason.allowlisted = Some(excuse);
                return reason;
            }
            Some(Excuse::Expired(expiry)) => {
                expired.push(format!("; allowed by {} until {expiry}, which has passed", list.name()));
            }
            None => {}
        }
    }
    reason.message.extend(expired);
    reason
}

fn order(reason: &Reason) -> (&str, &str, &str, &str) {
    (&reason.gate, &reason.trigger, &reason.trigger_id, &reason.message)
}

fn status(reasons: &[Reason]) -> VerdictStatus {
    let worst =
        reasons.iter().filter(|reason| reason.allowlisted.is_none()).map(|reason| reason.action).max();
    match worst {
        Some(Action::Stop) => VerdictStatus::Fail,
        Some(Action::NotJudged) => VerdictStatus::NotJudged,
        Some(Action::Warn) => VerdictStatus::Warn,
        Some(Action::Go) | None => VerdictStatus::Pass,
    }
}

#[cfg(test)]
mod tests;
