//! Reports for tests.

use std::collections::BTreeMap;

use plimsoll_types::report::{
    Action, Allowlisted, Coverage, Cvss, FindingStatus, Image, Layer, MatchReason, Reason, Report,
    ReportError, SCHEMA, Severity, Verdict, VerdictStatus, Vulnerability,
};
use plimsoll_types::{
    BlindKind, BlindSpot, Digest, Distro, LicenseClaim, Package, PackageType, Platform, Purl, SourcePackage,
};

/// Nothing found, and everything looked at.
pub(crate) fn empty() -> Report {
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let layer = |index, created_by: Option<&str>| Layer {
        index,
        digest: digest(index as u8),
        diff_id: Some(digest(index as u8 + 100)),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        size: 1_000,
        uncompressed_size: Some(2_000),
        created_by: created_by.map(str::to_owned),
        known: index == 0,
    };
    Report {
        schema: SCHEMA.to_owned(),
        image: Some(Image {
            reference: "registry.example.com/shop/app:1.4".to_owned(),
            digest: Some(digest(0xaa)),
            platform: Some(Platform::new("linux", "amd64", None)),
            other_platforms: vec![Platform::new("linux", "arm64", None)],
            config_digest: Some(digest(0xbb)),
            layers: vec![
                layer(0, Some("/bin/sh -c #(nop) ADD file:4b1be1de1a1e5aa6 in / ")),
                layer(1, Some("RUN /bin/sh -c apt-get update &&     apt-get install -y openssl # buildkit")),
                layer(2, None),
            ],
        }),
        distro: Some(Distro {
            id: "debian".to_owned(),
            id_like: Vec::new(),
            version_id: Some("12".to_owned()),
            codename: Some("bookworm".to_owned()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        }),
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        coverage: Coverage::default(),
        verdict: Verdict {
            status: VerdictStatus::Pass,
            exit_code: 0,
            reasons: Vec::new(),
            policy_digest: Some(digest(0xcc)),
            knowledge_digest: Some(digest(0xdd)),
            evaluated_at: "2026-06-15T12:00:00Z".to_owned(),
        },
        error: None,
        timings: BTreeMap::from([("total".to_owned(), 12.5)]),
    }
}

/// Its id is its name.
pub(crate) fn package(package_type: PackageType, name: &str, version: &str) -> Package {
    Package {
        id: name.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        package_type,
        arch: None,
        epoch: None,
        purl: Some(Purl::new(package_type.as_str(), None, name, Some(version))),
        source: None,
        origin: None,
        maintainer: None,
        licenses: Vec::new(),
        layer: Some(1),
        locations: vec![format!("/opt/{name}")],
        analyzer: "test".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    }
}

pub(crate) fn finding(id: &str, package_id: &str, severity: Severity, fixed: &[&str]) -> Vulnerability {
    Vulnerability {
        id: id.to_owned(),
        aliases: Vec::new(),
        advisories: vec![id.to_owned()],
        severity,
        severity_source: None,
        cvss: Vec::new(),
        package_id: package_id.to_owned(),
        purl: None,
        fixed_versions: fixed.iter().map(|&version| version.to_owned()).collect(),
        status: if fixed.is_empty() { FindingStatus::Affected } else { FindingStatus::Fixed },
        matched: MatchReason { record: id.to_owned(), range: "< 9".to_owned(), rule: "test".to_owned() },
        layer: Some(1),
        summary: None,
    }
}

fn reason(gate: &str, trigger: &str, action: Action, trigger_id: &str, message: &str) -> Reason {
    Reason {
        gate: gate.to_owned(),
        trigger: trigger.to_owned(),
        action,
        trigger_id: trigger_id.to_owned(),
        message: message.to_owned(),
        allowlisted: None,
    }
}

const LOG4J: &str = "org.apache.logging.log4j:log4j-core";

/// A bit of everything.
pub(crate) fn sample() -> Report {
    let mut report = empty();
    for (name, layer) in [("libssl3", 0), ("openssl", 0)] {
        let mut package = package(PackageType::Deb, name, "3.0.11-1~deb12u1");
        package.source = Some(SourcePackage { name: "openssl".to_owned(), version: None });
        package.layer = Some(layer);
        package.licenses = vec![LicenseClaim {
            value: "Apache-2.0".to_owned(),
            spdx: Some("Apache-2.0".to_owned()),
            source: format!("/usr/share/doc/{name}/copyright"),
        }];
        report.packages.push(package);
    }
    let mut log4j = package(PackageType::Maven, LOG4J, "2.14.1");
    log4j.layer = Some(2);
    log4j.locations = vec!["/srv/app.war!/WEB-INF/lib/log4j-core-2.14.1.jar".to_owned()];
    log4j.licenses = ["Apache License, Version 2.0", "Other"]
        .map(|value| LicenseClaim { value: value.to_owned(), spdx: None, source: "/srv/app.war".to_owned() })
        .into();
    report.packages.extend([log4j, package(PackageType::Npm, "@scope/left-pad", "1.3.0")]);

    let mut shell = finding("CVE-2021-44228", LOG4J, Severity::Critical, &["2.3.1", "2.12.2", "2.15.0"]);
    shell.aliases = vec!["GHSA-jfh8-c2jp-5v3q".to_owned()];
    shell.summary = Some("Remote code injection in Log4j".to_owned());
    shell.layer = Some(2);
    shell.cvss = vec![Cvss {
        version: "3.1".to_owned(),
        vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".to_owned(),
        score: Some(10.0),
        source: "GHSA-jfh8-c2jp-5v3q".to_owned(),
    }];
    let mut wont = finding("CVE-2023-0003", "openssl", Severity::Medium, &[]);
    wont.status = FindingStatus::WillNotFix;
    report.vulnerabilities = vec![
        shell,
        finding("CVE-2021-45046", LOG4J, Severity::Critical, &["2.12.2", "2.16.0"]),
        finding("CVE-2023-0001", "libssl3", Severity::High, &["3.0.13-1~deb12u1"]),
        finding("CVE-2023-0001", "openssl", Severity::High, &["3.0.13-1~deb12u1"]),
        wont,
        finding("CVE-2026-0009", "@scope/left-pad", Severity::Unknown, &[]),
    ];
    report.coverage.blind_spots = vec![
        BlindSpot::new(
            BlindKind::EcosystemUnknown,
            "npm",
            "the snapshot has no advisories for npm; build one with npm's",
        ),
        BlindSpot::new(
            BlindKind::KnowledgeIncomplete,
            "Debian:12",
            "a demonstration; build a full snapshot with plimsoll db build",
        ),
    ];
    let mut excused = reason(
        "vulnerabilities",
        "package",
        Action::Stop,
        "CVE-2021-45046+org.apache.logging.log4j:log4j-core",
        "critical CVE-2021-45046 in org.apache.logging.log4j:log4j-core 2.14.1 (maven): fixed in 2.12.2, 2.16.0",
    );
    excused.allowlisted = Some(Allowlisted {
        list: "team".to_owned(),
        reason: Some("not reachable".to_owned()),
        expires: Some("2026-07-01T00:00:00Z".to_owned()),
    });
    report.verdict.status = VerdictStatus::Fail;
    report.verdict.exit_code = 1;
    report.verdict.reasons = vec![
        reason(
            "vulnerabilities",
            "package",
            Action::Stop,
            "CVE-2021-44228+org.apache.logging.log4j:log4j-core",
            "critical CVE-2021-44228 in org.apache.logging.log4j:log4j-core 2.14.1 (maven): fixed in 2.15.0",
        ),
        reason(
            "coverage",
            "blind_spot",
            Action::NotJudged,
            "ecosystem_unknown+npm",
            "ecosystem_unknown (npm): no data",
        ),
        reason("files", "permissions", Action::Warn, "/opt/tool", "/opt/tool is setuid (mode 4755, owner 0)"),
        reason("dockerfile", "user", Action::Go, "root", "the image starts as user root"),
        excused,
    ];
    report
}

/// Nothing could be resolved.
pub(crate) fn failed_scan() -> Report {
    let mut report = empty();
    report.image = Some(Image::unresolved("registry.example.com/shop/app:1.4"));
    report.distro = None;
    report.verdict.status = VerdictStatus::NotJudged;
    report.verdict.exit_code = 3;
    report.verdict.knowledge_digest = None;
    report.error = Some(ReportError {
        kind: "unreachable".to_owned(),
        retryable: true,
        message: "registry.example.com refused the connection; check the name and the network".to_owned(),
    });
    report
}

/// Every text a stranger may choose tries something.
pub(crate) fn hostile() -> Report {
    const TEXT: &str = "\u{1b}[2J\u{202e}evil\u{0}\n[click](javascript:x) {0} <b>\"'%2f\u{e0041}\u{10ffff}";
    let mut report = sample();
    let text = || TEXT.to_owned();
    if let Some(image) = &mut report.image {
        image.reference = text();
        image.layers.iter_mut().for_each(|layer| layer.created_by = Some(text()));
    }
    report.distro = Some(Distro { id: text(), pretty_name: Some(text()), ..Distro::default() });
    for (n, package) in report.packages.iter_mut().enumerate() {
        package.id = format!("{TEXT}{n}");
        package.name = text();
        package.version = text();
        package.purl = None;
        package.locations = vec![text(), "/../../etc/passwd".to_owned(), String::new()];
        package.layer = Some(u32::MAX);
        package.licenses = vec![LicenseClaim { value: text(), spdx: (n == 0).then(text), source: text() }];
    }
    let id = report.packages[0].id.clone();
    for (n, found) in report.vulnerabilities.iter_mut().enumerate() {
        found.id = format!("{TEXT}{n}");
        found.package_id.clone_from(&id);
        found.fixed_versions = vec![text()];
        found.summary = Some(text());
        found.matched.record = text();
        found.severity_source = Some(text());
        for cvss in &mut found.cvss {
            cvss.score = Some(f64::NAN);
            cvss.version = text();
        }
    }
    for reason in &mut report.verdict.reasons {
        (reason.trigger_id, reason.message) = (text(), text());
    }
    for spot in &mut report.coverage.blind_spots {
        (spot.subject, spot.message) = (text(), text());
    }
    report.error = Some(ReportError { kind: "k".to_owned(), retryable: false, message: text() });
    // NaN is not equal to itself, and JSON has no NaN.
    report
        .vulnerabilities
        .iter_mut()
        .flat_map(|found| &mut found.cvss)
        .for_each(|cvss| cvss.score = Some(11.5));
    report
}

/// A schema of the test data, or `None` (and the reason on stderr) where there is none.
pub(crate) fn official_schema(path: &str) -> Option<serde_json::Value> {
    let Some(root) = std::env::var_os("PLIMSOLL_TEST_DATA") else {
        eprintln!("skipped: PLIMSOLL_TEST_DATA is not set, so there is no {path} to validate against");
        return None;
    };
    let path = std::path::Path::new(&root).join("schemas").join(path);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).unwrap())
}

/// What a format writes, read back.
pub(crate) fn written(format: crate::Format, report: &Report) -> serde_json::Value {
    let mut out = Vec::new();
    crate::write(format, report, &mut out, &crate::Options::default()).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// One report of every kind a format has to cope with.
pub(crate) fn every_kind() -> [(&'static str, Report); 4] {
    [("empty", empty()), ("sample", sample()), ("failed scan", failed_scan()), ("hostile", hostile())]
}

/// Panics with everything that is wrong.
pub(crate) fn assert_valid(validator: &jsonschema::Validator, value: &serde_json::Value, name: &str) {
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}
