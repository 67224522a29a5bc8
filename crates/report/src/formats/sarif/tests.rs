use plimsoll_types::report::{Report, Severity};
use serde_json::Value;

use super::{message, relative_uri};
use crate::Format;
use crate::testing::{
    assert_valid, every_kind, failed_scan, finding, hostile, official_schema, sample, written,
};

fn run(report: &Report) -> Value {
    written(Format::Sarif, report)["runs"][0].clone()
}

fn results(report: &Report) -> Vec<Value> {
    run(report)["results"].as_array().unwrap().clone()
}

#[test]
fn every_kind_of_report_is_valid_by_the_official_schema() {
    let Some(schema) = official_schema("sarif/sarif-schema-2.1.0.json") else { return };
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for (name, report) in every_kind() {
        assert_valid(&validator, &written(Format::Sarif, &report), name);
    }
    let mut broken = written(Format::Sarif, &sample());
    broken["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&broken), "the validator checks nothing");
}

#[test]
fn results_point_at_their_rules() {
    for report in [sample(), hostile()] {
        let run = run(&report);
        for result in run["results"].as_array().unwrap() {
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn one_vulnerability_in_two_packages_is_one_rule_with_the_worst_severity() {
    let mut report = sample();
    report.vulnerabilities = vec![
        finding("CVE-1", "libssl3", Severity::Low, &[]),
        finding("CVE-1", "openssl", Severity::High, &[]),
    ];
    report.verdict.reasons.clear();
    let run = run(&report);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!((rules.len(), run["results"].as_array().unwrap().len()), (1, 2));
    assert_eq!(rules[0]["properties"]["security-severity"], "7.0");
    assert_eq!(rules[0]["defaultConfiguration"]["level"], "error");
    assert_eq!(run["results"][0]["level"], "note");
}

#[test]
fn security_severity_agrees_with_the_severity_and_is_absent_if_nobody_knows() {
    let run = run(&sample());
    let severity = |id: &str| {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap()["properties"]["security-severity"].clone()
    };
    assert_eq!(severity("CVE-2021-44228"), "10.0");
    assert_eq!(severity("CVE-2021-45046"), "9.1");
    assert_eq!(severity("CVE-2023-0001"), "7.0");
    assert_eq!(severity("CVE-2026-0009"), Value::Null);
}

#[test]
fn what_is_allowed_is_suppressed_with_its_reason_and_nothing_else_is() {
    let results = results(&sample());
    let suppressed: Vec<&Value> =
        results.iter().filter(|result| !result["suppressions"].as_array().unwrap().is_empty()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["ruleId"], "CVE-2021-45046");
    assert_eq!(
        suppressed[0]["suppressions"][0]["justification"],
        "allowlist team: not reachable, until 2026-07-01T00:00:00Z"
    );
}

#[test]
fn locations_are_paths_of_the_image_or_the_image_itself() {
    let results = results(&sample());
    let uri = |rule: &str| {
        let result = results.iter().find(|result| result["ruleId"] == rule).unwrap();
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
    };
    assert_eq!(uri("CVE-2021-44228"), "srv/app.war%21/WEB-INF/lib/log4j-core-2.14.1.jar");
    assert_eq!(uri("files/permissions"), "opt/tool");
    assert_eq!(uri("coverage/blind_spot"), "registry.example.com/shop/app%3A1.4");
}

#[test]
fn fingerprints_outlive_an_upgrade_that_did_not_help_and_tell_findings_apart() {
    let fingerprints = |report: &Report| -> Vec<Value> {
        results(report).iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let before = fingerprints(&sample());
    let mut upgraded = sample();
    upgraded.packages.iter_mut().for_each(|package| package.version.push_str(".1"));
    assert_eq!(before, fingerprints(&upgraded));
    let unique: std::collections::BTreeSet<String> = before.iter().map(ToString::to_string).collect();
    assert_eq!(unique.len(), before.len());
}

#[test]
fn a_scan_that_failed_is_an_execution_that_failed() {
    let run = run(&failed_scan());
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["invocations"][0]["exitCode"], 3);
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert!(notification["message"]["text"].as_str().unwrap().contains("refused the connection"));
}

#[test]
fn strangers_texts_are_neither_links_nor_placeholders_nor_ways_out() {
    assert_eq!(message("[a](javascript:x) {0} \\"), "\\[a\\](javascript:x) {{0}} \\\\");
    assert_eq!(relative_uri("/../../etc/passwd"), "etc/passwd");
    assert_eq!(relative_uri("//evil.example/x"), "evil.example/x");
    assert_eq!(relative_uri("/a b/c:d%2f\u{e9}"), "a%20b/c%3Ad%252f%C3%A9");
}
