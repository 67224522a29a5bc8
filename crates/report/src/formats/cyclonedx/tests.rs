use std::collections::BTreeSet;

use serde_json::Value;

use crate::Format;
use crate::testing::{
    assert_valid, empty, every_kind, failed_scan, hostile, official_schema, sample, written,
};

fn bom(report: &super::Report) -> Value {
    written(Format::CyclonedxJson, report)
}

#[test]
fn every_kind_of_report_is_valid_by_the_official_schema() {
    let Some(schema) = official_schema("cyclonedx/bom-1.6.schema.json") else { return };
    let mut registry = jsonschema::Registry::new();
    for name in ["spdx", "jsf-0.82", "cryptography-defs"] {
        let Some(part) = official_schema(&format!("cyclonedx/{name}.schema.json")) else { return };
        registry = registry.add(format!("http://cyclonedx.org/schema/{name}.schema.json"), part).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let validator =
        jsonschema::options().with_registry(&registry).should_validate_formats(true).build(&schema).unwrap();
    for (name, report) in every_kind() {
        assert_valid(&validator, &bom(&report), name);
    }
    let mut broken = bom(&empty());
    broken["specVersion"] = 16.into();
    assert!(!validator.is_valid(&broken), "the validator checks nothing");
}

#[test]
fn every_reference_is_unique_and_every_affected_component_is_there() {
    for report in [sample(), hostile()] {
        let bom = bom(&report);
        let list = |name: &str| bom[name].as_array().unwrap().clone();
        let mut refs: Vec<Value> = list("components").iter().map(|c| c["bom-ref"].clone()).collect();
        let components: BTreeSet<String> = refs.iter().map(ToString::to_string).collect();
        refs.extend(list("vulnerabilities").iter().map(|v| v["bom-ref"].clone()));
        refs.push(bom["metadata"]["component"]["bom-ref"].clone());
        let unique: BTreeSet<String> = refs.iter().map(ToString::to_string).collect();
        assert_eq!(unique.len(), refs.len());
        for vulnerability in list("vulnerabilities") {
            assert!(components.contains(&vulnerability["affects"][0]["ref"].to_string()));
        }
    }
}

#[test]
fn a_package_keeps_its_purl_licence_place_and_layer() {
    let bom = bom(&sample());
    let component = |name: &str| {
        bom["components"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone()
    };
    let openssl = component("openssl");
    assert_eq!(openssl["purl"], "pkg:deb/openssl@3.0.11-1~deb12u1");
    assert_eq!(openssl["licenses"][0]["expression"], "Apache-2.0");
    let log4j = component("log4j-core");
    assert_eq!(log4j["group"], "org.apache.logging.log4j");
    assert_eq!(log4j["licenses"][1]["license"]["name"], "Other");
    assert_eq!(
        log4j["evidence"]["occurrences"][0]["location"],
        "/srv/app.war!/WEB-INF/lib/log4j-core-2.14.1.jar"
    );
    let layer = log4j["properties"].as_array().unwrap().iter().find(|p| p["name"] == "plimsoll:layer:index");
    assert_eq!(layer.unwrap()["value"], "2");
    assert_eq!(component("left-pad")["group"], "@scope");
}

#[test]
fn a_vulnerability_has_ratings_and_what_the_vendor_says() {
    let bom = bom(&sample());
    let shell = &bom["vulnerabilities"][0];
    assert_eq!(
        (&shell["id"], &shell["ratings"][0]["severity"]),
        (&"CVE-2021-44228".into(), &"critical".into())
    );
    assert_eq!(shell["ratings"][1]["method"], "CVSSv31");
    assert_eq!(shell["ratings"][1]["score"], 10.0);
    assert_eq!(shell["affects"][0]["versions"][0]["version"], "2.14.1");
    assert!(shell.get("analysis").is_none());
    assert_eq!(bom["vulnerabilities"][4]["analysis"]["response"][0], "will_not_fix");
}

#[test]
fn the_serial_number_is_that_of_the_judgement() {
    let serial = |report: &super::Report| bom(report)["serialNumber"].clone();
    let mut later = sample();
    later.verdict.evaluated_at = "2026-06-16T12:00:00Z".to_owned();
    assert_eq!(serial(&sample()), serial(&sample()));
    assert_ne!(serial(&sample()), serial(&later));
    assert_ne!(serial(&sample()), serial(&failed_scan()));
}
