//! Gate `vulnerabilities`: what the matcher found.

use std::sync::Arc;

use plimsoll_types::report::{FindingStatus, Severity, Vulnerability};

use crate::evaluate::Facts;
use crate::gate::{Check, Constraint, Gate, Trigger};
use crate::param::{Param, ParamKind, Values};
use crate::wildcard;

pub(crate) struct Vulnerabilities;

impl Gate for Vulnerabilities {
    fn id(&self) -> &'static str {
        "vulnerabilities"
    }

    fn summary(&self) -> &'static str {
        "Known vulnerabilities of the packages in the image."
    }

    fn triggers(&self) -> &'static [Trigger] {
        &[PACKAGE]
    }
}

const PACKAGE: Trigger = Trigger {
    id: "package",
    summary: "Fires for every vulnerability of a package that fits all parameters. A package its vendor calls \
              not affected fires only if statuses says so.",
    trigger_id: "CVE+PACKAGE, for example CVE-2021-44228+org.apache.logging.log4j:log4j-core",
    params: &[CVSS, FIX, IDS, IGNORE, PACKAGES, TYPES, SEVERITY, COMPARISON, STATUSES],
    constraints: &[Constraint::Needs(COMPARISON.name, SEVERITY.name)],
    compile: package,
};

const SEVERITIES: [Severity; 6] = [
    Severity::Unknown,
    Severity::Negligible,
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];
const STATUS_NAMES: &[&str] = &["affected", "fixed", "not_affected", "under_investigation", "will_not_fix"];

const SEVERITY: Param = Param {
    name: "severity",
    kind: ParamKind::Choice(&["unknown", "negligible", "low", "medium", "high", "critical"]),
    required: false,
    summary: "The severity to compare with; unknown is below negligible. Without it, all.",
    example: "high",
};
const COMPARISON: Param = Param {
    name: "severity_comparison",
    kind: ParamKind::Choice(&["=", "!=", "<", "<=", ">", ">="]),
    required: false,
    summary: "How to compare a finding's severity with severity; without it, >=.",
    example: "'='",
};
const FIX: Param = Param {
    name: "fix_available",
    kind: ParamKind::Bool,
    required: false,
    summary: "true: only what a newer version of the package fixes; false: only what none does.",
    example: "true",
};
const CVSS: Param = Param {
    name: "cvss_at_least",
    kind: ParamKind::Number(10.0),
    required: false,
    summary: "Only findings whose highest CVSS base score is at least this; those without a score are not.",
    example: "7.5",
};
const IDS: Param = Param {
    name: "ids",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Only these vulnerabilities, by id, alias or advisory.",
    example: "[CVE-2021-44228, 'GHSA-*']",
};
const PACKAGES: Param = Param {
    name: "packages",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Only packages with these names.",
    example: "[openssl, 'org.apache.*']",
};
const TYPES: Param = Param {
    name: "package_types",
    kind: ParamKind::Choices(super::packages::TYPE_NAMES),
    required: false,
    summary: "Only packages of these types; os stands for deb, apk and rpm, language for all others.",
    example: "[os]",
};
const STATUSES: Param = Param {
    name: "statuses",
    kind: ParamKind::Choices(STATUS_NAMES),
    required: false,
    summary: "Only findings with these statuses; without it, all but not_affected.",
    example: "[fixed]",
};
const IGNORE: Param = Param {
    name: "ignore_statuses",
    kind: ParamKind::Choices(STATUS_NAMES),
    required: false,
    summary: "Not the findings with these statuses.",
    example: "[will_not_fix]",
};

fn package(values: &Values) -> Check {
    let severity = values
        .choice(&SEVERITY)
        .and_then(|text| SEVERITIES.into_iter().find(|severity| severity.as_str() == text));
    let comparison = values.choice(&COMPARISON).unwrap_or(">=");
    let (fix, cvss) = (values.bool(&FIX), values.number(&CVSS));
    let (ids, packages) = (values.wildcards(&IDS), values.wildcards(&PACKAGES));
    let types = values.choices(&TYPES);
    let (statuses, ignored) = (values.choices(&STATUSES), values.choices(&IGNORE).unwrap_or_default());
    Arc::new(move |facts, matches| {
        for found in facts.vulnerabilities {
            let status = found.status.as_str();
            let status_fits = match &statuses {
                Some(statuses) => statuses.contains(&status),
                None => found.status != FindingStatus::NotAffected,
            };
            if !status_fits
                || ignored.contains(&status)
                || severity.is_some_and(|than| !compares(found.severity, comparison, than))
                || fix.is_some_and(|fix| fix != has_fix(found))
                || cvss.is_some_and(|least| highest_score(found).is_none_or(|score| score < least))
                || ids.as_ref().is_some_and(|ids| !names(found).any(|name| wildcard::any(ids, name)))
            {
                continue;
            }
            let subject = Subject::of(found, facts);
            if packages.as_ref().is_none_or(|packages| wildcard::any(packages, subject.name))
                && types.as_ref().is_none_or(|types| subject.is_of(types))
            {
                let trigger_id = format!("{}+{}", found.id, subject.name);
                matches.add(found.severity as u8, trigger_id, message(found, &subject));
            }
        }
    })
}

fn compares(severity: Severity, comparison: &str, than: Severity) -> bool {
    match comparison {
        "=" => severity == than,
        "!=" => severity != than,
        "<" => severity < than,
        "<=" => severity <= than,
        ">" => severity > than,
        _ => severity >= than,
    }
}

fn has_fix(found: &Vulnerability) -> bool {
    found.status == FindingStatus::Fixed || !found.fixed_versions.is_empty()
}

fn highest_score(found: &Vulnerability) -> Option<f64> {
    found.cvss.iter().filter_map(|cvss| cvss.score).reduce(f64::max)
}

/// Everything a vulnerability is called.
fn names(found: &Vulnerability) -> impl Iterator<Item = &str> {
    std::iter::once(&found.id).chain(&found.aliases).chain(&found.advisories).map(String::as_str)
}

/// The package a finding is about, as far as it is known.
struct Subject<'a> {
    name: &'a str,
    version: &'a str,
    package_type: &'a str,
    location: Option<&'a str>,
}

impl<'a> Subject<'a> {
    fn of(found: &'a Vulnerability, facts: &Facts<'a>) -> Self {
        if let Some(package) = facts.package(&found.package_id) {
            // Two jars of one artifact are two reasons; distribution packages are told apart by name.
            let location = if package.package_type.is_os() { None } else { package.locations.first() };
            return Self {
                name: &package.name,
                version: &package.version,
                package_type: package.package_type.as_str(),
                location: location.map(String::as_str),
            };
        }
        match &found.purl {
            Some(purl) => Self {
                name: &purl.name,
                version: purl.version.as_deref().unwrap_or_default(),
                package_type: &purl.purl_type,
                location: None,
            },
            None => Self { name: &found.package_id, version: "", package_type: "generic", location: None },
        }
    }

    fn is_of(&self, types: &[&str]) -> bool {
        let group = if matches!(self.package_type, "deb" | "apk" | "rpm") { "os" } else { "language" };
        types.contains(&self.package_type) || types.contains(&group)
    }
}

fn message(found: &Vulnerability, subject: &Subject<'_>) -> String {
    let Subject { name, version, package_type, .. } = subject;
    let place = subject.location.map(|location| format!(" at {location}")).unwrap_or_default();
    let remedy = match (found.fixed_versions.as_slice(), found.status) {
        ([], FindingStatus::Fixed) => "a fix is available".to_owned(),
        ([], FindingStatus::WillNotFix) => "the vendor will not fix it".to_owned(),
        ([], FindingStatus::UnderInvestigation) => "the vendor is still looking into it".to_owned(),
        ([], FindingStatus::NotAffected) => "the vendor says it is not affected".to_owned(),
        ([], FindingStatus::Affected) => "no fix is known".to_owned(),
        (versions, _) => format!("fixed in {}", versions.join(", ")),
    };
    format!("{} {} in {name} {version} ({package_type}){place}: {remedy}", found.severity, found.id)
}

#[cfg(test)]
mod tests {
    use plimsoll_types::PackageType;

    use super::*;
    use crate::gates::testing::{Image, judge, mistakes, vulnerability};

    fn image() -> Image {
        let base = Image::default().package(PackageType::Deb, "openssl", "3.0.11-1").package(
            PackageType::Maven,
            "org.apache.logging.log4j:log4j-core",
            "2.14.1",
        );
        let openssl = |id: &str, severity, status| {
            let mut found = vulnerability(id, "openssl", severity);
            found.status = status;
            found
        };
        let mut log4shell =
            vulnerability("CVE-2021-44228", "org.apache.logging.log4j:log4j-core", Severity::Critical);
        log4shell.aliases = vec!["GHSA-jfh8-c2jp-5v3q".to_owned()];
        log4shell.fixed_versions = vec!["2.15.0".to_owned()];
        log4shell.status = FindingStatus::Fixed;
        log4shell.cvss = vec![plimsoll_types::report::Cvss {
            version: "3.1".to_owned(),
            vector: String::new(),
            score: Some(10.0),
            source: String::new(),
        }];
        base.vulnerabilities([
            openssl("CVE-2023-1", Severity::High, FindingStatus::Affected),
            openssl("CVE-2023-2", Severity::Unknown, FindingStatus::WillNotFix),
            openssl("CVE-2023-3", Severity::High, FindingStatus::NotAffected),
            log4shell,
        ])
    }

    fn found(params: &str) -> Vec<String> {
        let rule = format!("[{{gate: vulnerabilities, trigger: package, action: stop, params: {params}}}]");
        let found = judge(&rule, &image());
        found
            .iter()
            .map(|reason| reason.split(' ').nth(2).unwrap().trim_end_matches(':').to_owned())
            .collect()
    }

    const LOG4SHELL: &str = "CVE-2021-44228+org.apache.logging.log4j:log4j-core";
    const FIRST: &str = "CVE-2023-1+openssl";
    const SECOND: &str = "CVE-2023-2+openssl";
    const THIRD: &str = "CVE-2023-3+openssl";

    #[test]
    fn all_but_not_affected_match_without_parameters_worst_first() {
        assert_eq!(found("{}"), [LOG4SHELL, FIRST, SECOND]);
    }

    #[test]
    fn severity_is_a_threshold_unless_a_comparison_says_otherwise() {
        assert_eq!(found("{severity: high}"), [LOG4SHELL, FIRST]);
        assert_eq!(found("{severity: high, severity_comparison: '>'}"), [LOG4SHELL]);
        assert_eq!(found("{severity: unknown, severity_comparison: '='}"), [SECOND]);
        assert_eq!(found("{severity: high, severity_comparison: '<'}"), [SECOND]);
        assert_eq!(found("{severity: critical, severity_comparison: '!='}"), [FIRST, SECOND]);
        assert_eq!(found("{severity: high, severity_comparison: '<='}"), [FIRST, SECOND]);
    }

    #[test]
    fn every_other_parameter_narrows() {
        assert_eq!(found("{fix_available: true}"), [LOG4SHELL]);
        assert_eq!(found("{fix_available: false}"), [FIRST, SECOND]);
        assert_eq!(found("{cvss_at_least: 9}"), [LOG4SHELL]);
        assert_eq!(found("{ids: ['GHSA-jfh8-*']}"), [LOG4SHELL]);
        assert_eq!(found("{packages: openssl}"), [FIRST, SECOND]);
        assert_eq!(found("{package_types: os}"), [FIRST, SECOND]);
        assert_eq!(found("{package_types: [language]}"), [LOG4SHELL]);
        assert_eq!(found("{package_types: [maven, deb]}"), [LOG4SHELL, FIRST, SECOND]);
        assert_eq!(found("{ignore_statuses: [will_not_fix, fixed]}"), [FIRST]);
        assert_eq!(found("{statuses: not_affected}"), [THIRD]);
    }

    #[test]
    fn a_comparison_with_nothing_is_a_mistake() {
        let rule =
            "[{gate: vulnerabilities, trigger: package, action: go, params: {severity_comparison: '='}}]";
        assert!(
            mistakes(rule)
                .contains("rules[0].params.severity_comparison: this says something about severity")
        );
    }

    #[test]
    fn the_message_says_what_to_do() {
        let rule = "[{gate: vulnerabilities, trigger: package, action: stop, params: {severity: high}}]";
        assert_eq!(
            judge(rule, &image()),
            [
                "stop vulnerabilities.package CVE-2021-44228+org.apache.logging.log4j:log4j-core: critical \
                 CVE-2021-44228 in org.apache.logging.log4j:log4j-core 2.14.1 (maven) at \
                 /opt/org.apache.logging.log4j:log4j-core: fixed in 2.15.0",
                "stop vulnerabilities.package CVE-2023-1+openssl: high CVE-2023-1 in openssl 3.0.11-1 (deb): \
                 no fix is known",
            ]
        );
    }
}
