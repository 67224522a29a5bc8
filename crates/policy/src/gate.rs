//! The seam of this crate: one implementation per kind of thing a policy can judge.

use std::sync::Arc;

use crate::evaluate::Facts;
use crate::param::{Param, Values};

/// A group of triggers about one kind of fact: vulnerabilities, files, the image config.
///
/// A gate is a unit struct in a file of its own below `gates/`, named in [`crate::gates::ALL`]. It reads no
/// clock and opens nothing: the same facts and parameters give the same matches.
pub trait Gate: Sync {
    /// Stable id, as policies and allowlists name it.
    fn id(&self) -> &'static str;

    /// One sentence for a person who writes a policy.
    fn summary(&self) -> &'static str;

    /// Its triggers, sorted by id.
    fn triggers(&self) -> &'static [Trigger];
}

/// One question a rule can ask.
pub struct Trigger {
    /// Stable id, unique within the gate.
    pub id: &'static str,
    /// One sentence: when it fires.
    pub summary: &'static str,
    /// What the trigger id of a match is, which allowlist items name.
    pub trigger_id: &'static str,
    /// The parameters it takes.
    pub params: &'static [Param],
    /// How the parameters go together.
    pub constraints: &'static [Constraint],
    /// Makes the check of one rule from its parameters, once, when the policy is read. They are there if they
    /// are required, and they obey the constraints.
    pub compile: fn(&Values) -> Check,
}

/// What holds among the parameters of a trigger, by their names.
#[derive(Clone, Copy, Debug)]
pub enum Constraint {
    /// One of them and no other.
    ExactlyOne(&'static [&'static str]),
    /// One of them or more; with none of them everything would match.
    AtLeastOne(&'static [&'static str]),
    /// The first says something about the second only.
    Needs(&'static str, &'static str),
}

impl Constraint {
    /// The parameter to point at and what is wrong, if these parameters break it.
    pub(crate) fn broken_by(&self, values: &Values) -> Option<(&'static str, String)> {
        let given = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().copied().filter(|name| values.has(name)).collect()
        };
        match *self {
            Self::ExactlyOne(names) => match given(names).as_slice() {
                [] => Some((names.first()?, format!("give {}", names.join(" or ")))),
                [_] => None,
                [.., last] => Some((last, format!("give either {}, not both", names.join(" or ")))),
            },
            Self::AtLeastOne(names) if given(names).is_empty() => Some((
                names.first()?,
                format!("give {}; otherwise everything would match", names.join(" or ")),
            )),
            Self::Needs(name, other) if values.has(name) && !values.has(other) => {
                Some((name, format!("this says something about {other}, which is not given")))
            }
            Self::AtLeastOne(_) | Self::Needs(..) => None,
        }
    }
}

/// One rule, ready to run over any number of images.
pub type Check = Arc<dyn Fn(&Facts<'_>, &mut Matches) + Send + Sync>;

/// What a check found in one image.
#[derive(Debug, Default)]
pub struct Matches {
    pub(crate) found: Vec<Match>,
    pub(crate) more: usize,
}

#[derive(Debug)]
pub(crate) struct Match {
    pub(crate) weight: u8,
    pub(crate) trigger_id: String,
    pub(crate) message: String,
}

impl Matches {
    /// The most matches of one rule that are listed; the rest are counted in one more reason. A pattern that
    /// fits every file of an image must not make a report as large as the image.
    pub(crate) const MAX: usize = 5_000;

    /// One match. Among reasons of one action those of more weight come first. The message must not depend on
    /// the rule, for two rules that find the same thing are one reason.
    pub fn add(&mut self, weight: u8, trigger_id: impl Into<String>, message: impl Into<String>) {
        if self.found.len() == Self::MAX {
            self.more += 1;
            return;
        }
        self.found.push(Match { weight, trigger_id: trigger_id.into(), message: message.into() });
    }
}
