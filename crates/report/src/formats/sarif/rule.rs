//! One rule per vulnerability, and one per trigger of the policy that fired.

use std::collections::HashMap;

use plimsoll_types::report::{Reason, Severity, Vulnerability};

use super::log::{Configuration, Level, Message, Rule, RuleProperties};
use super::{advisory_url, message};

/// The rules in the order in which results need them. Findings of one vulnerability in several packages share
/// a rule, which has the worst severity of them.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<(Severity, Rule)>,
    index: HashMap<String, usize>,
}

impl Rules {
    /// Id and index of the rule for a finding.
    pub(super) fn finding(&mut self, found: &Vulnerability) -> (String, usize) {
        let id = message(&found.id);
        if let Some(index) = self.index.get(&id) {
            if let Some((worst, rule)) = self.rules.get_mut(*index)
                && found.severity > *worst
            {
                *worst = found.severity;
                rule.default_configuration.level = level(found.severity);
                rule.properties.security_severity = security_severity(found);
            }
            return (id, *index);
        }
        let summary = found.summary.as_deref().map_or_else(|| id.clone(), message);
        let url = advisory_url(&found.matched.record);
        let rule = Rule {
            id: id.clone(),
            short_description: Message { text: summary.clone() },
            full_description: Message { text: format!("{id}: {summary}") },
            help: Message { text: format!("Upgrade the package, or read about {id} at {url}") },
            help_uri: Some(url),
            default_configuration: Configuration { level: level(found.severity) },
            properties: RuleProperties {
                security_severity: security_severity(found),
                tags: vec!["security", "vulnerability"],
            },
        };
        self.add(id, found.severity, rule)
    }

    /// Id and index of the rule for a trigger of the policy.
    pub(super) fn trigger(&mut self, reason: &Reason, level: Level) -> (String, usize) {
        let id = format!("{}/{}", message(&reason.gate), message(&reason.trigger));
        if let Some(index) = self.index.get(&id) {
            return (id, *index);
        }
        let text =
            format!("Gate {}, trigger {} of the policy", message(&reason.gate), message(&reason.trigger));
        let rule = Rule {
            id: id.clone(),
            short_description: Message { text: text.clone() },
            full_description: Message { text },
            help_uri: None,
            help: Message { text: "The policy says what it looks for and why.".to_owned() },
            default_configuration: Configuration { level },
            properties: RuleProperties { security_severity: None, tags: vec!["policy"] },
        };
        self.add(id, Severity::Unknown, rule)
    }

    fn add(&mut self, id: String, severity: Severity, rule: Rule) -> (String, usize) {
        let index = self.rules.len();
        self.rules.push((severity, rule));
        self.index.insert(id.clone(), index);
        (id, index)
    }

    pub(super) fn into_vec(self) -> Vec<Rule> {
        self.rules.into_iter().map(|(_, rule)| rule).collect()
    }
}

/// Unknown is a warning, for it may be anything.
pub(super) fn level(severity: Severity) -> Level {
    match severity {
        Severity::Critical | Severity::High => Level::Error,
        Severity::Medium | Severity::Unknown => Level::Warning,
        Severity::Low | Severity::Negligible => Level::Note,
    }
}

/// The highest score that agrees with the severity, which may come from a vendor that rates otherwise; else the
/// lowest of its range.
fn security_severity(found: &Vulnerability) -> Option<String> {
    let scores = found.cvss.iter().filter_map(|cvss| cvss.score);
    let agreeing = scores
        .filter(|score| (0.0..=10.0).contains(score) && Severity::from_cvss(*score) == found.severity)
        .reduce(f64::max);
    let lowest = match found.severity {
        Severity::Unknown => return None,
        Severity::Negligible => 0.0,
        Severity::Low => 0.1,
        Severity::Medium => 4.0,
        Severity::High => 7.0,
        Severity::Critical => 9.0,
    };
    // GitHub takes 9.0 for high: critical is what is over it.
    let lowest = if found.severity == Severity::Critical { 9.1 } else { lowest };
    let score = agreeing.unwrap_or(lowest).max(lowest);
    Some(format!("{score:.1}"))
}
