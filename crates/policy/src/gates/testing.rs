//! A small image for the tests of gates, and a judge whose answers are lines of text.

use jiff::Timestamp;
use plimsoll_types::report::{self, FindingStatus, MatchReason, Severity, Vulnerability};
use plimsoll_types::{
    BlindKind, BlindSpot, ContentKind, Digest, Distro, EntryKind, FileEntry, ImageConfig, Inventory,
    InventoryFile, KnowledgeAge, LicenseClaim, Package, PackageType, PathBytes, Platform,
};

use crate::{Allowlist, Evaluation, Input, Policy, evaluate};

/// Debian 12 on linux/amd64 with two layers of 100 bytes and nothing else, on the 15th of June 2026.
pub(crate) struct Image {
    inventory: Inventory,
    config: ImageConfig,
    named: report::Image,
    vulnerabilities: Vec<Vulnerability>,
    blind_spots: Vec<BlindSpot>,
    knowledge: Vec<KnowledgeAge>,
    now: Timestamp,
    allow_blind: Vec<BlindKind>,
}

impl Default for Image {
    fn default() -> Self {
        let platform = Platform::new("linux", "amd64", None);
        let digest = Digest::from_bytes([1; 32]);
        let layer = |index| report::Layer {
            index,
            digest,
            diff_id: None,
            media_type: String::new(),
            size: 100,
            uncompressed_size: Some(1_000),
            created_by: None,
            known: false,
        };
        Self {
            inventory: Inventory {
                distro: Some(Distro {
                    id: "debian".to_owned(),
                    version_id: Some("12".to_owned()),
                    ..Distro::default()
                }),
                ..Inventory::default()
            },
            config: ImageConfig {
                platform: platform.clone(),
                created: Some("2026-06-01T00:00:00Z".to_owned()),
                diff_ids: Vec::new(),
                history: Vec::new(),
                user: None,
                exposed_ports: Vec::new(),
                env: Vec::new(),
                entrypoint: Vec::new(),
                cmd: vec!["sh".to_owned()],
                volumes: Vec::new(),
                working_dir: None,
                labels: Vec::new(),
                stop_signal: None,
                healthcheck: None,
            },
            named: report::Image {
                reference: "registry.example.com/app:1".to_owned(),
                digest: Some(digest),
                platform: Some(platform),
                other_platforms: Vec::new(),
                config_digest: Some(digest),
                layers: vec![layer(0), layer(1)],
            },
            vulnerabilities: Vec::new(),
            blind_spots: Vec::new(),
            knowledge: Vec::new(),
            now: "2026-06-15T00:00:00Z".parse().unwrap(),
            allow_blind: Vec::new(),
        }
    }
}

impl Image {
    pub(crate) fn inventory(mut self, change: impl FnOnce(&mut Inventory)) -> Self {
        change(&mut self.inventory);
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut ImageConfig)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) fn files(mut self, files: impl IntoIterator<Item = InventoryFile>) -> Self {
        self.inventory.files.extend(files);
        self
    }

    /// Its id is its name.
    pub(crate) fn package(mut self, package_type: PackageType, name: &str, version: &str) -> Self {
        self.inventory.packages.push(Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            package_type,
            arch: None,
            epoch: None,
            purl: None,
            source: None,
            origin: None,
            maintainer: None,
            licenses: Vec::new(),
            layer: Some(0),
            locations: vec![format!("/opt/{name}")],
            analyzer: "test".to_owned(),
            owned_by: None,
            root: "/".to_owned(),
        });
        self
    }

    pub(crate) fn license(mut self, name: &str, spdx: &str) -> Self {
        for package in self.inventory.packages.iter_mut().filter(|package| package.name == name) {
            package.licenses.push(LicenseClaim {
                value: "as stated".to_owned(),
                spdx: Some(spdx.to_owned()),
                source: "/LICENSE".to_owned(),
            });
        }
        self
    }

    pub(crate) fn vulnerabilities(mut self, found: impl IntoIterator<Item = Vulnerability>) -> Self {
        self.vulnerabilities.extend(found);
        self
    }

    pub(crate) fn blind(mut self, spot: BlindSpot) -> Self {
        self.blind_spots.push(spot);
        self
    }

    pub(crate) fn knowledge(mut self, subject: &str, days: u64) -> Self {
        let newest = Some("2026-01-02T00:00:00Z".to_owned());
        self.knowledge.push(KnowledgeAge { subject: subject.to_owned(), newest, days: Some(days) });
        self
    }

    pub(crate) fn allow_blind(mut self, kind: BlindKind) -> Self {
        self.allow_blind.push(kind);
        self
    }

    pub(crate) fn now(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    pub(crate) fn evaluate(&self, policy: &Policy, allowlists: &[Allowlist]) -> Evaluation {
        let input = Input {
            inventory: &self.inventory,
            vulnerabilities: &self.vulnerabilities,
            blind_spots: &self.blind_spots,
            knowledge: &self.knowledge,
            config: &self.config,
            image: &self.named,
            now: self.now,
            allow_blind: &self.allow_blind,
        };
        evaluate(policy, allowlists, &input)
    }
}

/// A finding about the package with this id.
pub(crate) fn vulnerability(id: &str, package_id: &str, severity: Severity) -> Vulnerability {
    Vulnerability {
        id: id.to_owned(),
        aliases: Vec::new(),
        advisories: Vec::new(),
        severity,
        severity_source: None,
        cvss: Vec::new(),
        package_id: package_id.to_owned(),
        purl: None,
        fixed_versions: Vec::new(),
        status: FindingStatus::Affected,
        matched: MatchReason { record: id.to_owned(), range: String::new(), rule: String::new() },
        layer: Some(0),
        summary: None,
    }
}

pub(crate) struct FileBuilder(FileEntry);

pub(crate) fn file(path: &str, mode: u16) -> FileBuilder {
    FileBuilder(FileEntry {
        path: PathBytes::from(path),
        kind: EntryKind::File,
        link_target: Box::default(),
        mode,
        uid: 0,
        gid: 0,
        mtime: 0,
        rdev: None,
        size: 1,
        xattrs: Vec::new(),
        link_group: 0,
        content: ContentKind::None,
        sha256: None,
    })
}

impl FileBuilder {
    pub(crate) fn path(mut self, raw: &[u8]) -> Self {
        self.0.path = PathBytes::clean(raw);
        self
    }

    pub(crate) fn kind(mut self, kind: EntryKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn content(mut self, content: ContentKind) -> Self {
        self.0.content = content;
        self
    }

    pub(crate) fn sha256(mut self, sha256: [u8; 32]) -> Self {
        self.0.sha256 = Some(sha256);
        self
    }

    pub(crate) fn done(self) -> InventoryFile {
        InventoryFile::new(self.0.path.clone(), 0, self.0)
    }
}

/// A policy of these rules (a YAML list).
pub(crate) fn policy(rules: &str) -> Result<Policy, crate::Mistakes> {
    Policy::parse(&format!("schema: plimsoll.policy/v1\nname: test\nrules: {rules}\n"))
}

/// `ACTION GATE.TRIGGER TRIGGER_ID: MESSAGE` of every reason.
pub(crate) fn judge(rules: &str, image: &Image) -> Vec<String> {
    let evaluation = image.evaluate(&policy(rules).unwrap(), &[]);
    let line = |reason: &report::Reason| {
        let (action, gate, trigger) = (reason.action.as_str(), &reason.gate, &reason.trigger);
        format!("{action} {gate}.{trigger} {}: {}", reason.trigger_id, reason.message)
    };
    evaluation.reasons.iter().map(line).collect()
}

/// What is wrong with these rules.
pub(crate) fn mistakes(rules: &str) -> String {
    policy(rules).unwrap_err().to_string()
}
